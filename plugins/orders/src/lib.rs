//! Takes orders: asks `prices.lookup` what they cost, keeps them, and has `mailer.confirm` confirm them, and counts those of each
//! day for a nightly job.

mod day;
mod get;
mod order;
mod submit;
mod summary;

busbar_sdk::plugin!(submit::submit, get::get, summary::summary);
