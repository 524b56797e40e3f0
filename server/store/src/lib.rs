//! The operational database (ODB): the only crate that knows its tables.
//!
//! Everything here blocks; asynchronous callers go through `spawn_blocking`. Queries are written
//! once for all databases; what differs between them stands in `dialect`.

mod activation;
mod admin_idempotency;
mod artifact;
mod backup;
mod balancer;
mod change;
mod cluster;
mod committer;
mod configuration;
mod connection;
mod definitions;
mod delivery;
mod deployment;
mod dialect;
mod error;
mod id;
mod key_lock;
mod kv;
mod lease;
mod meta;
mod migrate;
mod nonce;
mod odb;
mod page;
mod pool;
mod preparing;
mod promise;
mod quarantine;
mod removal;
mod reply;
mod retention;
mod retired;
mod rollback;
mod schema;
mod server;
mod soap;
mod standing;
mod sweeping;
mod turn;
mod unit;
mod url;

pub mod calendar;
pub mod channel;
pub mod connections;
pub mod job;
pub mod plugin;
pub mod secret;
pub mod security;
pub mod service;

pub use activation::Activation;
pub use admin_idempotency::{Begun, Claim};
pub use balancer::{Balancer, BalancerReport};
pub use change::{Action, AuditEntry, AuditFilter, By, Change, Edit, ObjectKind};
pub use committer::{Committer, Ticket};
pub use configuration::{Applied, Refusal, SecretWish, SecurityWish, Wanted, Wish};
pub use delivery::{Claiming, Claims, Filter as DeliveryFilter, Retry};
pub use deployment::{Filter as DeploymentFilter, NewDeployment, Received};
pub use error::Error;
pub use id::new_id;
pub use job::{Fired, RunFilter};
pub use kv::Range;
pub use lease::{Fence, Lease};
pub use meta::Head;
pub use odb::Odb;
pub use page::{Page, Paged};
pub use preparing::LeftOut;
pub use promise::Promise;
pub use secret::seal::{MasterKey, Plaintext};
pub use sweeping::Sweeping;
pub use unit::Commits;
