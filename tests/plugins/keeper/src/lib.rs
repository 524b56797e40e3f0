//! Services that keep state as they are told to, step by step. For tests only.

mod message;
mod steps;

busbar_sdk::plugin!(steps::run, steps::raw, message::receive, message::received);
