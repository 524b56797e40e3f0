//! What is wrong with this file.

use std::hint::black_box;

/// Stands in the `.wasm` file once. A test replaces the last ten letters.
static MARKER: [u8; 25] = *b"BUSBAR-HOSTILE-plain-----";

const PREFIX: usize = "BUSBAR-HOSTILE-".len();

/// The word in the marker, read at run time: the compiler must not know it.
pub(crate) fn mode() -> String {
    let letters = &black_box(&MARKER)[PREFIX..];
    String::from_utf8_lossy(letters).trim_end_matches('-').to_owned()
}
