//! SQL connections to real databases: what they give, what they refuse, and what becomes of statements that go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod cost;
mod cursors;
mod faults;
mod given_up;
mod injection;
mod limits;
mod read_only;
mod sessions;
mod sqlite;
mod stage;
mod tls;
mod transactions;
mod types_mysql;
mod types_postgres;

/// The bus's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
