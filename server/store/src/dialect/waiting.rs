//! Waiting for those that migrate.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::error::Error;

const PATIENCE: Duration = Duration::from_secs(300);

/// Asks again and again, with a pause, until the answer is yes.
pub(super) fn until(pause: Duration, mut ask: impl FnMut() -> Result<bool, Error>) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    while !ask()? {
        if Instant::now() >= until {
            return Err(Error::Busy);
        }
        thread::sleep(pause);
    }
    Ok(())
}
