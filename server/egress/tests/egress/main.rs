//! Outgoing HTTP against servers on loopback that are slow, broken, hostile or just busy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod addresses;
mod bodies;
mod breaker;
mod cost;
mod heads;
mod limits;
mod ping;
mod pool;
mod redirects;
mod retries;
mod stage;
mod timeouts;
mod tls;
mod tokens;

/// The bus's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
