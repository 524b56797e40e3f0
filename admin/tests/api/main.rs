//! The admin API as its callers see it, over a temporary SQLite ODB.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod access;
mod amqp;
mod audit;
mod balancer;
mod channels;
mod configuration;
mod connection_kinds;
mod connections;
mod cors;
mod deliveries;
mod deployments;
mod dictionaries;
mod fixture;
mod idempotency;
mod jobs;
mod lists;
mod members;
mod openapi;
mod plugins;
mod secrets;
mod security;
mod servers;
mod services;
mod serving;
mod soap;
