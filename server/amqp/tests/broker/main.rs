//! Links against a real RabbitMQ, which each test starts for itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod basics;
mod stage;
