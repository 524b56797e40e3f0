//! The admin REST API: everything that the console and the command line do.
//!
//! It needs the ODB and the master key; any number of processes may serve it.

mod amqp;
mod api_key;
mod app;
mod audit;
mod auth;
mod balancer;
mod body;
mod bounds;
mod calendars;
mod caller;
mod channels;
mod check;
mod clock;
mod cluster;
mod configuration;
mod connections;
mod correlation;
mod cors;
mod deliveries;
mod deployments;
mod describe;
mod dictionaries;
mod error;
mod etag;
mod health;
mod host;
mod idempotency;
mod jobs;
mod limits;
mod member;
mod members;
mod metrics;
mod odb;
mod openapi;
mod page;
mod ping;
mod plugins;
mod problem;
mod secrets;
mod security;
mod serve;
mod servers;
mod services;
mod settings;
mod soap;
mod standing;

pub use api_key::new_api_key;
pub use app::router;
pub use error::Error;
pub use serve::serve;
pub use settings::{
    AskServers, Asked, FetchWsdl, Fetched, Handed, HashPassword, Heard, PasswordFits, Ping, Pinged, Settings,
    Tls, Whom, Wsdl,
};
