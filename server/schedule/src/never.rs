//! Why there is no next run.

use crate::bounds::EXCLUDED_MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {
    #[error("its only time is past")]
    Past,
    #[error("all of its repeats are made")]
    Done,
    #[error("no time fits its cron expression")]
    NoSuchTime,
    #[error("its calendar excludes every day that it would run on; the next {EXCLUDED_MAX} were looked at")]
    Excluded,
    #[error("its next time is later than can be reckoned with")]
    TooFar,
}
