//! Takes orders: asks `prices.lookup` what they cost, keeps them, and has `mailer.confirm` confirm them.

mod get;
mod order;
mod submit;

busbar_sdk::plugin!(submit::submit, get::get);
