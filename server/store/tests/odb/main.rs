//! The operational database through its public interface, each test on a database of its own.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod activating;
mod artifacts;
mod changes;
mod channels;
mod deploying;
mod fixture;
mod locking;
mod migrating;
mod paging;
mod promising;
mod rolling_back;
mod securities;
mod servers;
mod settings;
