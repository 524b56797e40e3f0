//! Files to deploy: versions made from one build, and broken ones.

use crate::artifact;

/// Stands once in `versioned.wasm`; the digits are the version.
const MARKER: &[u8] = b"BUSBAR-VERSION-";

/// A component that has nothing: the magic number, version 13 in layer 1.
pub const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A core module that has nothing.
pub const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Version `number` of the plugin `versioned`.
pub fn version(number: u32) -> Vec<u8> {
    versions(&artifact::service("versioned"), number)
}

fn versions(original: &[u8], number: u32) -> Vec<u8> {
    let places: Vec<usize> =
        original.windows(MARKER.len()).enumerate().filter(|(_, w)| *w == MARKER).map(|(at, _)| at).collect();
    let [place] = places[..] else { panic!("the marker stands at {places:?}, not at one place") };
    let digits = place + MARKER.len();
    let mut patched = original.to_vec();
    patched[digits..digits + 6].copy_from_slice(format!("{number:06}").as_bytes());
    patched
}

/// A section that says nothing to anyone: appended, it makes a file another one.
pub fn custom_section(content: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"n";
    let length = u8::try_from(content.len() + 1 + NAME.len()).expect("one byte tells its length");
    assert!(length < 0x80, "a length of one byte in LEB128");
    [&[0, length, 1][..], NAME, content].concat()
}

/// The file with a text replaced by one of the same length, wherever it stands.
pub fn replaced(original: &[u8], text: &str, by: &str) -> Vec<u8> {
    assert_eq!(text.len(), by.len(), "{text:?} and {by:?} are of one length");
    let mut patched = original.to_vec();
    let mut at = 0;
    let mut count = 0;
    while at + text.len() <= patched.len() {
        if &patched[at..at + text.len()] == text.as_bytes() {
            patched[at..at + text.len()].copy_from_slice(by.as_bytes());
            count += 1;
            at += text.len();
        } else {
            at += 1;
        }
    }
    assert!(count > 0, "{text:?} is not in the file");
    patched
}

/// Files that must be refused, with what their refusal must speak of.
pub fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = version(1);
    vec![
        ("empty.wasm", Vec::new(), "file"),
        ("text.wasm", b"This is no WebAssembly.\n".to_vec(), "WebAssembly"),
        ("module.wasm", EMPTY_MODULE.to_vec(), "component"),
        ("truncated.wasm", good[..good.len() / 2].to_vec(), "valid"),
        ("nothing.wasm", EMPTY_COMPONENT.to_vec(), "export"),
        ("import.wasm", replaced(&good, "busbar:bus/invoke@", "busbar:bus/invade@"), "busbar:bus/invade"),
        ("export.wasm", replaced(&good, "busbar:bus/service@", "busbar:bus/servile@"), "export"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_differs_in_its_digits_only() {
        let patched = versions(b"xxBUSBAR-VERSION-000001yy", 42);
        assert_eq!(patched, b"xxBUSBAR-VERSION-000042yy");
    }

    #[test]
    #[should_panic(expected = "not at one place")]
    fn two_markers_are_one_too_many() {
        versions(b"BUSBAR-VERSION-000001BUSBAR-VERSION-000001", 2);
    }

    #[test]
    fn every_place_is_replaced() {
        assert_eq!(replaced(b"abcabcab", "abc", "xyz"), b"xyzxyzab");
    }
}
