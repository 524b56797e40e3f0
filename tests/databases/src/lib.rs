//! PostgreSQL and MariaDB for tests: on free ports of the loopback interface, in temporary folders, and gone when no
//! test uses them any more, however it ends.
//!
//! A server takes seconds to start and nextest runs each test as a process of its own, so tests share one server of
//! each kind: [`Database::new`] makes a database of the test's own on it. A test that stops or kills its server has
//! one to itself: [`Server::start`]. Everything here blocks.
//!
//! They are Debian's packages (PostgreSQL 15, MariaDB 10.11), of which the services are not used. The servers do not
//! wait for the disk: what a machine loses by losing power is not what these tests are about.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics and says why"
)]

mod database;
mod guardian;
mod kind;
mod node;
mod server;
mod shared;

pub use database::Database;
pub use kind::Kind;
pub use node::free_port;
pub use server::Server;
