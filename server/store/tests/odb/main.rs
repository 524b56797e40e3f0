//! The operational database through its public interface, each test on a database of its own.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod activating;
mod admin_idempotency;
mod artifacts;
mod backing_up;
mod changes;
mod channels;
mod configuring;
mod connections;
mod deliveries_attending;
mod deliveries_claiming;
mod deploying;
mod fixture;
mod jobs_ending;
mod jobs_firing;
mod jobs_saving;
mod kv;
mod leasing;
mod locking;
mod members;
mod migrating;
mod paging;
mod place;
mod promising;
mod quarantining;
mod removing;
mod rolling_back;
mod scheduling;
mod sealing;
mod secrets;
mod securities;
mod servers;
mod settings;
mod staging;
mod units;
mod waiting;
