//! Links against a real RabbitMQ. Starting one takes seconds, so each test has many cases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod alarms;
mod basics;
mod counted;
mod hostile;
mod outages;
mod refusals;
mod routes;
mod stage;
