//! Configuration as data: all definitions as one document that is read, checked and written.
//!
//! A document says what is wished for: security definitions, secrets, plugins' grants and config, services'
//! limits, connections, dictionaries and channels, each by its name. Files of plugins are no part of it: they are deployed.

pub mod node;
pub mod variables;
pub mod yaml;

mod calendars;
mod channels;
mod connections;
mod dictionaries;
mod document;
mod hidden;
mod jobs;
mod members;
mod plugins;
mod review;
mod secrets;
mod security;
mod services;

#[cfg(test)]
mod tests;

pub use dictionaries::DictionaryEntry;
pub use document::{ConnectionEntry, Document, FORMAT};
pub use hidden::Hidden;
pub use members::Mistake;
pub use node::Node;
pub use plugins::PluginEntry;
pub use review::{Remark, review};
pub use secrets::SecretEntry;
pub use security::{Key, SecurityEntry, Wish};
pub use services::ServiceEntry;
