//! Busbar's vocabulary and its pure logic: no I/O, no async, no clock of its own.

pub mod bounds;
pub mod channel;
pub mod configuration;
pub mod correlation;
pub mod cors;
pub mod definitions;
pub mod delivery;
pub mod deployment;
pub mod digest;
pub mod fault;
pub mod host;
pub mod input;
pub mod name;
pub mod openapi;
pub mod path;
pub mod plugin;
pub mod router;
pub mod secret;
pub mod security;
pub mod server;
pub mod service;
pub mod time;
pub mod unit;

pub use channel::Channel;
pub use cors::Cors;
pub use definitions::Definitions;
pub use deployment::{Deployment, DeploymentState};
pub use digest::Digest;
pub use fault::Fault;
pub use name::Name;
pub use plugin::Plugin;
pub use secret::Secret;
pub use security::Security;
pub use service::Service;
pub use time::Timestamp;
