//! Text as XML 1.0 has it: with references for what is markup, without the characters that no document may have.

/// What a byte is to a writer. Bytes of longer characters are plain, but for the lead byte of the two that are forbidden.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    /// A reference everywhere.
    Markup,
    /// A reference in attributes, whose white space a reader would normalise (section 3.3.3).
    InAttribute,
    /// The first byte of U+FFFE and U+FFFF, and of many others.
    Suspect,
    Forbidden,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = Class::Forbidden;
        byte += 1;
    }
    classes[b'\t' as usize] = Class::InAttribute;
    classes[b'\n' as usize] = Class::InAttribute;
    classes[b'"' as usize] = Class::InAttribute;
    classes[b'\r' as usize] = Class::Markup;
    classes[b'&' as usize] = Class::Markup;
    classes[b'<' as usize] = Class::Markup;
    classes[b'>' as usize] = Class::Markup;
    classes[0xEF] = Class::Suspect;
    classes
}

/// Where text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Between tags.
    Content,
    /// Between double quotes in a start tag.
    Attribute,
}

/// A character that no document may have (section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forbidden(pub(crate) char);

/// Appends `text`; on a forbidden character `out` ends with what stands before it.
pub(crate) fn escape(out: &mut String, text: &str, place: Place) -> Result<(), Forbidden> {
    let mut kept = 0;
    for (at, byte) in text.bytes().enumerate() {
        let class = CLASSES[usize::from(byte)];
        if class == Class::Plain || (class == Class::InAttribute && place == Place::Content) {
            continue;
        }
        if class == Class::Suspect
            && !matches!(text.as_bytes().get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF]))
        {
            continue;
        }
        out.push_str(&text[kept..at]);
        out.push_str(match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\t' => "&#9;",
            b'\n' => "&#10;",
            b'\r' => "&#13;",
            _ => return Err(Forbidden(text[at..].chars().next().unwrap_or_default())),
        });
        kept = at + 1;
    }
    out.push_str(&text[kept..]);
    Ok(())
}

/// Appends `text` with U+FFFD for what is forbidden: for documentation, where it is better than none.
pub(crate) fn escape_lossy(out: &mut String, text: &str, place: Place) {
    let mut rest = text;
    loop {
        let before = out.len();
        let Err(Forbidden(forbidden)) = escape(out, rest, place) else { return };
        out.truncate(before);
        let (good, from) = rest.split_once(forbidden).unwrap_or((rest, ""));
        // It has nothing forbidden: the first one ended it.
        let _ = escape(out, good, place);
        out.push('\u{FFFD}');
        rest = from;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Forbidden, Place, escape, escape_lossy};

    fn escaped(text: &str, place: Place) -> Result<String, Forbidden> {
        let mut out = String::new();
        escape(&mut out, text, place).map(|()| out)
    }

    #[test]
    fn markup_becomes_references() {
        let text = "a<b>&\"'\t\n\r é\u{FFFD}𝄞";
        assert_eq!(escaped(text, Place::Content).as_deref(), Ok("a&lt;b&gt;&amp;\"'\t\n&#13; é\u{FFFD}𝄞"));
        assert_eq!(
            escaped(text, Place::Attribute).as_deref(),
            Ok("a&lt;b&gt;&amp;&quot;'&#9;&#10;&#13; é\u{FFFD}𝄞")
        );
    }

    #[test]
    fn what_no_document_may_have_is_found() {
        for forbidden in ['\0', '\u{1}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            assert_eq!(escaped(&format!("aé{forbidden}b"), Place::Content), Err(Forbidden(forbidden)));
        }
        let mut out = String::new();
        escape_lossy(&mut out, "a\0<\u{FFFF}b", Place::Content);
        assert_eq!(out, "a\u{FFFD}&lt;\u{FFFD}b");
    }

    proptest! {
        #[test]
        fn only_forbidden_characters_are_refused(text in "\\PC*|[\\x00-\\x7F\u{FFF0}-\u{FFFF}]*") {
            let bad = |c: char| matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
            prop_assert_eq!(escaped(&text, Place::Attribute).is_ok(), !text.chars().any(bad));
        }
    }
}
