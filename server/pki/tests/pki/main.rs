//! Certificates and connections as members make them, and as OpenSSL and HAProxy see them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod certificates;
mod damaged;
mod handshakes;
mod haproxy;
mod joining;
mod openssl;
mod renewal;
mod rolls;
mod tickets;
mod wire;
mod world;
