//! Which characters XML 1.0 (fifth edition) allows, and where.

/// A character that a document may have (section 2.2).
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The offset of the first character that no document may have.
pub(crate) fn first_forbidden(text: &str) -> Option<usize> {
    // Nearly every text passes this: whole blocks are judged at once, and no block has to be looked into.
    let mut blocks = text.as_bytes().chunks_exact(64);
    let suspect = |block: &[u8]| block.iter().fold(false, |found, byte| found | is_suspect(*byte));
    if !blocks.any(suspect) && !suspect(blocks.remainder()) {
        return None;
    }
    let forbidden =
        |at: &usize| text.get(*at..).and_then(|rest| rest.chars().next()).is_some_and(|c| !is_xml(c));
    let suspects = text.bytes().enumerate().filter(|(_, byte)| is_suspect(*byte)).map(|(at, _)| at);
    suspects.into_iter().find(forbidden)
}

/// A byte that a forbidden character may begin with.
fn is_suspect(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0xEF)
}

/// A name without a colon (Namespaces in XML 1.0, section 3).
pub fn is_ncname(name: &str) -> bool {
    if name.bytes().all(is_plain_name) {
        return name.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphabetic() | (*byte == b'_'));
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name)
}

/// A qualified name (section 4) as prefix, maybe empty, and local name; `None` if it is none.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    // What nearly every name is made of is looked at once.
    let starts =
        |name: &str| name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() | (byte == b'_'));
    match name.bytes().position(|byte| !is_plain_name(byte)) {
        None => starts(name).then_some(("", name)),
        Some(at) if name.as_bytes().get(at) == Some(&b':') => {
            let (prefix, local) = (name.get(..at)?, name.get(at + 1..)?);
            let plain = starts(local) && local.bytes().all(is_plain_name);
            (starts(prefix) && (plain || is_ncname(local))).then_some((prefix, local))
        }
        Some(_) => {
            let (prefix, local) = name.split_once(':').unwrap_or(("", name));
            let has_prefix = local.len() < name.len();
            (is_ncname(local) && (!has_prefix || is_ncname(prefix))).then_some((prefix, local))
        }
    }
}

/// The letters that most names are made of.
fn is_plain_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'_') | (byte == b'-') | (byte == b'.')
}

pub(crate) fn is_name_start(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

pub(crate) fn is_name(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::{first_forbidden, is_ncname, is_xml, split};

    #[test]
    fn controls_and_the_last_two_of_the_plane_are_forbidden() {
        assert_eq!(first_forbidden("a\t\r\né\u{FFFD}𝄞"), None);
        assert_eq!(first_forbidden("ab\u{1}"), Some(2));
        assert_eq!(first_forbidden("\u{FFFE}"), Some(0));
        assert_eq!(first_forbidden("x\u{FFFF}"), Some(1));
        assert!(!is_xml('\0') && !is_xml('\u{B}') && is_xml('\u{85}'));
    }

    #[test]
    fn a_qualified_name_has_one_colon_at_most() {
        let good = [
            ("a", ("", "a")),
            ("p:a-1", ("p", "a-1")),
            ("ä:b", ("ä", "b")),
            ("_:日本", ("_", "日本")),
            ("é", ("", "é")),
        ];
        for (name, expected) in good {
            assert_eq!(split(name), Some(expected));
        }
        for bad in ["", ":", ":a", "a:", "a:b:c", "a:1", "1:a", "-a", "é:", ":é", "é:1", "a:b c", "a\u{D7}:b"]
        {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_has_no_colon_and_does_not_begin_with_a_digit() {
        for good in ["a", "_a", "ä-1.x", "日本"] {
            assert!(is_ncname(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a:b", "a b", "a$", ".a", "a\u{D7}"] {
            assert!(!is_ncname(bad), "{bad}");
        }
    }
}
