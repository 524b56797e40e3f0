//! Takes orders: asks `prices.lookup` what they cost, keeps them, and has `mailer.confirm` confirm them, and counts those of each
//! day for a nightly job.

mod confirm;
mod day;
mod get;
mod order;
mod partners;
mod pricing;
mod reserve;
mod submit;
mod summary;

busbar_sdk::plugin!(submit::submit, get::get, summary::summary, reserve::reserve, confirm::confirm);
