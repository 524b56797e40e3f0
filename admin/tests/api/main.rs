//! The admin API as its callers see it, over a temporary SQLite ODB.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod access;
mod audit;
mod channels;
mod deliveries;
mod deployments;
mod fixture;
mod lists;
mod openapi;
mod plugins;
mod security;
mod servers;
mod services;
mod serving;
