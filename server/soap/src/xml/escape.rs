//! Text for people, as XML.

use super::is_xml;

/// Pushes a text as content or as an attribute's value in double quotes. What XML forbids becomes U+FFFD: a fault has to be
/// told whatever is in its text.
pub(crate) fn push_escaped(into: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\t' => into.push_str("&#9;"),
            '\n' => into.push_str("&#10;"),
            '\r' => into.push_str("&#13;"),
            c if is_xml(c) => into.push(c),
            _ => into.push('\u{FFFD}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_escaped;
    use crate::xml::Reader;

    proptest::proptest! {
        #[test]
        fn what_is_escaped_is_read_again(text in "\\PC{0,20}[<>&\"'\t\r\n\u{1}\u{FFFE}]{0,8}") {
            let mut escaped = String::from("<a b=\"");
            push_escaped(&mut escaped, &text);
            escaped.push_str("\">");
            push_escaped(&mut escaped, &text);
            escaped.push_str("</a>");
            let expected = text.replace(['\u{1}', '\u{FFFE}'], "\u{FFFD}");
            let mut reader = Reader::new(&escaped).unwrap();
            reader.next().unwrap();
            proptest::prop_assert_eq!(reader.attribute("", "b"), Some(expected.as_str()));
            proptest::prop_assert_eq!(reader.content().unwrap().unwrap(), expected);
        }
    }
}
