//! End-to-end tests: each starts the built `busbar` in a folder of its own and looks at it from outside. The
//! numbers in parentheses are those of the black-box cases that a bus of this kind is tried with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on panics and says why"
)]

mod admin;
mod backup;
mod cases;
mod catalog;
mod cli;
mod cluster;
mod cluster_faults;
mod cluster_socket;
mod cluster_tls;
mod config_history;
mod configuration;
mod connections;
mod contracts;
mod cors;
mod databases;
mod deliveries;
mod deployment;
mod hostile;
mod hostile_callers;
mod hostile_calls;
mod hostile_crowds;
mod http;
mod invocation;
mod jobs;
mod jobs_clock;
mod jobs_faults;
mod kill;
mod language_imports;
mod languages;
mod ledger;
mod limits;
mod logs;
mod metrics;
mod orders;
mod outgoing;
mod outgoing_orders;
mod outgoing_plain;
mod outgoing_soap;
mod outgoing_sql;
mod people;
mod pickup;
mod pika;
mod points;
mod quarantine;
mod queues;
mod queues_faults;
mod quickstart;
mod reload;
mod resources;
mod scaffold;
mod schemathesis;
mod secrets;
mod security;
mod sharing;
mod soap;
mod soap_clients;
mod soap_hostile;
mod soap_partners;
mod soap_security;
mod storm;
mod streaming;
mod swap;
mod systemd;
mod takeover;
mod tutorial;
mod unit_of_work;
mod vrrp;
mod wasi_http;
