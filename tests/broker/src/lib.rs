//! A RabbitMQ of a test's own: on free ports of the loopback interface, in a temporary folder, and gone when the
//! test is, however it ends.
//!
//! [`Broker::start`] takes seconds, and nextest runs each test as a process of its own, so there is none to share:
//! let a test that needs a broker cover several cases, each in a virtual host of its own ([`Broker::vhost`]).
//! Everything here blocks. In asynchronous tests use a runtime of several threads.
//!
//! It is Debian's `rabbitmq-server` (3.10), of which neither the service nor a plugin is used. What a test asks of
//! the broker ([`Broker::evaluate`] and all that stands on it) is said in Erlang by `erl_call`, which answers in a
//! tenth of a second where `rabbitmqctl` takes two.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics and says why"
)]

mod broker;
mod certificates;
mod control;
mod guardian;
mod halt;
mod message;
mod node;
mod ports;

pub use broker::Broker;
pub use certificates::{Certificates, Identity};
pub use halt::{halt, state_and_parent};
pub use message::Message;
