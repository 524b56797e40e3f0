//! From bytes to text: which encoding a message is in (RFC 7303, section 3).

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use crate::refusal::Refusal;

/// How far an XML declaration is looked for its encoding.
const DECLARATION_BYTES_MAX: usize = 256;

/// The text of a message. Its encoding is told by a byte order mark, else by `charset` of the content type, else by the
/// XML declaration, else it is UTF-8. Nothing is replaced: bytes that the encoding does not have are refused. The
/// mark is not part of the text. What is UTF-8 is not copied.
///
/// Labels are those of the WHATWG's Encoding Standard, which takes ISO-8859-1 for windows-1252, as its senders do.
pub fn decode<'b>(bytes: &'b [u8], charset: Option<&str>) -> Result<Cow<'b, str>, Refusal> {
    let (encoding, bytes) = match marked(bytes)? {
        Some((encoding, mark_bytes)) => (encoding, bytes.get(mark_bytes..).unwrap_or_default()),
        None => (unmarked(bytes, charset)?, bytes),
    };
    if encoding == UTF_8 {
        let text = std::str::from_utf8(bytes).map_err(|error| lies(UTF_8.name(), Some(error.valid_up_to())));
        return text.map(Cow::Borrowed);
    }
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| lies(encoding.name(), None))
}

/// What a byte order mark says, and its length.
fn marked(bytes: &[u8]) -> Result<Option<(&'static Encoding, usize)>, Refusal> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Err(unknown("UTF-32")),
        [0xEF, 0xBB, 0xBF, ..] => Ok(Some((UTF_8, 3))),
        [0xFF, 0xFE, ..] => Ok(Some((UTF_16LE, 2))),
        [0xFE, 0xFF, ..] => Ok(Some((UTF_16BE, 2))),
        _ => Ok(None),
    }
}

fn unmarked(bytes: &[u8], charset: Option<&str>) -> Result<&'static Encoding, Refusal> {
    let sniffed = match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    };
    if let Some(label) = charset {
        let encoding = of_label(label, bytes)?;
        let says_order = ["le", "be"].iter().any(|order| label.trim().to_ascii_lowercase().ends_with(order));
        return Ok(match is_utf_16(encoding) && !says_order {
            // Big-endian where nothing tells (RFC 2781, section 4.3).
            true => sniffed.unwrap_or(UTF_16BE),
            false => encoding,
        });
    }
    if let Some(encoding) = sniffed {
        return Ok(encoding);
    }
    let Some(label) = declared(bytes) else { return Ok(UTF_8) };
    match of_label(label, bytes)? {
        // Its declaration could not be read if it were.
        encoding if is_utf_16(encoding) => Err(lies(encoding.name(), Some(0))),
        encoding => Ok(encoding),
    }
}

fn is_utf_16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

fn of_label(label: &str, bytes: &[u8]) -> Result<&'static Encoding, Refusal> {
    let label = label.trim();
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding != REPLACEMENT => {
            let is_ascii = ["us-ascii", "ascii"].iter().any(|name| label.eq_ignore_ascii_case(name));
            // For the standard it is windows-1252 as well, of which it has half.
            match is_ascii.then(|| bytes.iter().position(|byte| !byte.is_ascii())).flatten() {
                Some(at) => Err(lies("US-ASCII", Some(at))),
                None => Ok(encoding),
            }
        }
        _ => Err(unknown(label)),
    }
}

/// The encoding that the XML declaration names (XML 1.0, section 4.3.3), in what is like ASCII.
fn declared(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..DECLARATION_BYTES_MAX).unwrap_or(bytes);
    let rest =
        head.strip_prefix(b"<?xml").filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))?;
    let declaration = std::str::from_utf8(rest.get(..memchr::memmem::find(rest, b"?>")?)?).ok()?;
    let (before, after) = declaration.split_once("encoding")?;
    before.ends_with(|c: char| c.is_ascii_whitespace()).then_some(())?;
    let value = after.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

fn lies(name: &str, offset: Option<usize>) -> Refusal {
    let place = offset.map(|at| format!(" (at byte {at})")).unwrap_or_default();
    Refusal::message("invalid-encoding", format!("the message is not in {name} as it says{place}"))
}

fn unknown(label: &str) -> Refusal {
    let label: String = label.chars().filter(|c| !c.is_control()).take(40).collect();
    Refusal::media_type(format!("the charset {label:?} is not known"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::decode;
    use crate::refusal::Cause;

    fn utf_16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn the_mark_wins_then_the_charset_then_the_declaration() {
        let declared = |label: &str, rest: &[u8]| {
            [format!("<?xml version='1.0' encoding=\"{label}\"?><a>").as_bytes(), rest, b"</a>"].concat()
        };
        let marked = |mark: &[u8], rest: Vec<u8>| [mark.to_vec(), rest].concat();
        let cases: Vec<(Vec<u8>, Option<&str>, &str)> = vec![
            ("<a>é</a>".into(), None, "<a>é</a>"),
            ("<a>é</a>".into(), Some("UTF-8"), "<a>é</a>"),
            (marked(b"\xEF\xBB\xBF", "<a>é</a>".into()), None, "<a>é</a>"),
            (marked(b"\xEF\xBB\xBF", "<a>é</a>".into()), Some("iso-8859-1"), "<a>é</a>"),
            (marked(b"\xFF\xFE", utf_16("<é/>", u16::to_le_bytes)), Some("utf-8"), "<é/>"),
            (marked(b"\xFE\xFF", utf_16("<é/>", u16::to_be_bytes)), Some("utf-16"), "<é/>"),
            (utf_16("<é/>", u16::to_le_bytes), Some("utf-16"), "<é/>"),
            (utf_16("<é/>", u16::to_be_bytes), Some("UTF-16"), "<é/>"),
            (utf_16("é", u16::to_be_bytes), Some("utf-16"), "é"),
            (utf_16("<é/>", u16::to_be_bytes), Some("utf-16be"), "<é/>"),
            (utf_16("é<", u16::to_le_bytes), Some("utf-16le"), "é<"),
            (utf_16("<é/>", u16::to_le_bytes), None, "<é/>"),
            (b"<a>\xE9</a>".to_vec(), Some("iso-8859-1"), "<a>é</a>"),
            (b"<a>\xA4</a>".to_vec(), Some("ISO-8859-15"), "<a>€</a>"),
            (
                declared("utf-8", &[0xE9]),
                Some("windows-1252"),
                "<?xml version='1.0' encoding=\"utf-8\"?><a>é</a>",
            ),
            (declared("ISO-8859-1", &[0xE9]), None, "<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>é</a>"),
            (b"<?xml encoding = 'latin1'?>\xE9".to_vec(), None, "<?xml encoding = 'latin1'?>é"),
            (
                b"<?xml version='1.0'?><a encoding='latin1'/>".to_vec(),
                None,
                "<?xml version='1.0'?><a encoding='latin1'/>",
            ),
            (b"<a/>".to_vec(), Some("us-ascii"), "<a/>"),
            (Vec::new(), None, ""),
        ];
        for (bytes, charset, expected) in cases {
            assert_eq!(decode(&bytes, charset).unwrap(), expected, "{charset:?}");
        }
    }

    #[test]
    fn utf_8_is_not_copied() {
        for bytes in ["\u{FEFF}<a>é</a>".as_bytes(), b"<a/>"] {
            assert!(matches!(decode(bytes, Some("utf-8")).unwrap(), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn a_charset_that_lies_or_is_unknown_is_refused() {
        let cases: [(&[u8], Option<&str>, bool); 12] = [
            (b"<a>\xE9</a>", None, false),
            (b"<a>\xE9</a>", Some("utf-8"), false),
            (b"<a>\xE9</a>", Some("us-ascii"), false),
            (b"\xEF\xBB\xBF\xFF", Some("latin1"), false),
            (b"\xFF\xFE<", None, false),
            (b"\x00\xD8\x00", Some("utf-16le"), false),
            (b"<?xml version='1.0' encoding='UTF-16'?><a/>", None, false),
            (b"\x82\x20", Some("shift_jis"), false),
            (b"<a/>", Some("utf-9"), true),
            (b"<a/>", Some("iso-2022-cn"), true),
            (b"<?xml version='1.0' encoding='ebcdic'?><a/>", None, true),
            (b"\xFF\xFE\x00\x00<\x00\x00\x00", None, true),
        ];
        for (bytes, charset, unknown) in cases {
            let refusal = decode(bytes, charset).expect_err(&format!("{bytes:?} {charset:?}"));
            let expected = if unknown { Cause::MediaType } else { Cause::Message };
            assert_eq!(refusal.cause, expected, "{bytes:?} {charset:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_breaks_it(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
            head in proptest::sample::select(vec!["", "<?xml ", "<?xml encoding='utf-16'", "<?xml encoding=\"x", "\u{FEFF}"]),
            charset in proptest::option::of("[a-z0-9-]{0,12}|utf-16(le|be)?|utf-8|gbk|iso-2022-jp"),
        ) {
            let _ = decode(&[head.as_bytes(), &bytes].concat(), charset.as_deref());
        }
    }
}
