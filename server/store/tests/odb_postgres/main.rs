//! The ODB's tests on PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

#[path = "../odb_servers/suite.rs"]
mod suite;

// Where the tests of `tests/odb` look for them.
use suite::{connections, fixture, place, scheduling, shape, staging};

/// The server that these tests are about.
const KIND: busbar_test_databases::Kind = busbar_test_databases::Kind::Postgres;
