//! Services that reach systems of others as they are told, step by step. For tests only.

mod reach;
mod rows;

busbar_sdk::plugin!(reach::run, reach::pass);
