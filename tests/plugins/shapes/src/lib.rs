//! Services whose payloads have every shape that JSON and XML both have an image of, for clients that know only
//! the description. For tests only.

mod blob;
mod fail;
mod mirror;
mod note;
mod raw;

busbar_sdk::plugin!(mirror::mirror, fail::fail, note::note, note::noted, raw::raw, blob::blob);
