//! What has had its time: expired values, old replies and nonces, runs, deliveries that ended long ago.

use busbar_model::Timestamp;

use crate::{
    delivery,
    error::Error,
    job, kv,
    lease::{self, Fence},
    nonce,
    odb::Odb,
    reply,
};

/// Rows of one kind that one transaction deletes: others wait for no more than that.
const ROWS_AT_ONCE: i64 = 500;

/// What is old.
#[derive(Clone, Copy, Debug)]
pub struct Sweeping {
    pub now: Timestamp,
    pub confirmed_before: Timestamp,
    pub given_up_before: Timestamp,
    pub runs_before: Timestamp,
}

impl Odb {
    /// Deletes some of what has had its time, for who has the lease. Tells whether there is more.
    pub fn sweep(&self, fence: Fence, sweeping: Sweeping) -> Result<bool, Error> {
        self.write_beside(|connection| {
            let deleted = [
                kv::sweep(connection, sweeping.now, ROWS_AT_ONCE)?,
                reply::sweep(connection, sweeping.now, ROWS_AT_ONCE)?,
                nonce::sweep(connection, sweeping.now, ROWS_AT_ONCE)?,
                job::sweep(connection, sweeping.runs_before, ROWS_AT_ONCE)?,
                delivery::sweep(
                    connection,
                    sweeping.confirmed_before,
                    sweeping.given_up_before,
                    ROWS_AT_ONCE,
                )?,
            ];
            lease::require(connection, fence)?;
            Ok(deleted.iter().any(|rows| i64::try_from(*rows).is_ok_and(|rows| rows >= ROWS_AT_ONCE)))
        })
    }
}
