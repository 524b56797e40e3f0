//! Random numbers, fit for ids and keys; in a test what [`TestHost::random`](crate::testing::TestHost::random)
//! was given.

use crate::host::wasi;

#[must_use]
pub fn bytes(length: usize) -> Vec<u8> {
    wasi::random(length)
}

/// 128 random bits as 32 lower-case hexadecimal digits: nobody else has this id.
#[must_use]
pub fn id() -> String {
    bytes(16).iter().map(|byte| format!("{byte:02x}")).collect()
}
