//! Services that misbehave on request, and that tell what a service sees. For tests only.

mod calls;
mod limits;
mod replies;
mod secrets;
mod surroundings;
mod values;

busbar_sdk::plugin!(
    limits::trap,
    limits::panic,
    limits::spin,
    limits::allocate,
    limits::output,
    limits::sleep,
    limits::handles,
    limits::linger,
    limits::hog,
    calls::recurse,
    calls::invoke,
    calls::fan,
    calls::repeat,
    replies::reply,
    replies::custom,
    secrets::secret,
    surroundings::log,
    surroundings::cache,
    surroundings::config,
    surroundings::context,
    surroundings::env,
    values::types,
    values::count,
    values::count_pooled,
);
