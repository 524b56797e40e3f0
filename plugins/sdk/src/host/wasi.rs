//! What WASI gives: the time and random numbers.

use std::time::SystemTime;

pub(crate) fn now() -> SystemTime {
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    SystemTime::now()
}

/// From a generator fit for cryptography.
pub(crate) fn random(length: usize) -> Vec<u8> {
    bindings::wasi::random::random::get_random_bytes(length as u64)
}

mod bindings {
    #![allow(
        missing_docs,
        unreachable_pub,
        unsafe_code,
        dead_code,
        clippy::all,
        reason = "generated code; as in `crate::bindings`"
    )]

    // The interface whole, as the C library of the target declares it too.
    wit_bindgen::generate!({
        inline: "
            package busbar:sdk;

            world chance {
                import wasi:random/random@0.2.0;
            }

            package wasi:random@0.2.0 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                    get-random-u64: func() -> u64;
                }
            }
        ",
        generate_all,
    });
}
