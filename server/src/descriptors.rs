//! How many files and sockets a process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What is taken for the limit where the system does not say.
const UNKNOWN: u64 = 1_024;

/// Raises this process's limit, and so that of all that it starts, to what it may be. Distributions set it low for
/// programs that can't deal with large numbers.
pub(crate) fn raise_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Where it fails, the lower limit holds.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// The limit that holds.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(UNKNOWN, |(soft, _)| soft)
}
