//! The plugin host: the only crate that knows the WebAssembly engine.

mod artifact;
mod bindings;
mod bus_call;
mod call_log;
mod clock;
mod compile;
mod cpu;
mod engine;
mod fault;
mod host;
mod http_call;
mod inspect;
mod instances;
mod limiter;
mod memory;
mod outgoing;
mod plugin;
mod redaction;
mod state;

pub use artifact::{ArtifactCache, ArtifactError};
pub use clock::Ticker;
pub use compile::{CompileError, compile, validate};
pub use engine::{Engine, EngineError, Use};
pub use memory::Memory;
pub use plugin::{LoadError, LoadedPlugin};
