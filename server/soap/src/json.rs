//! JSON strings (RFC 8259, section 7), written fast.

/// Appends `text` as a JSON string with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends `text` as it stands between the quotes of a JSON string.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = first_special(rest.as_bytes()) {
        // What is special is one byte, so both sides of it are text.
        let (plain, special) = (rest.get(..at).unwrap_or_default(), rest.as_bytes()[at]);
        out.push_str(plain);
        push_special(out, special);
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.push_str(rest);
}

fn push_special(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        _ => {
            let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
            out.push_str("\\u00");
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
}

/// Blocks without anything special, which most are, cost a few vector instructions.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let mut from = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block.iter().fold(false, |found, byte| found | is_special(*byte)) {
            break;
        }
        from += BLOCK;
    }
    bytes[from..].iter().position(|byte| is_special(*byte)).map(|at| from + at)
}

fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::push_string;

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "([a-zé𝄞]{0,40}[\"\\\\\u{0}-\u{1f}\u{7f}]{0,2}){0,4}") {
            let mut out = String::new();
            push_string(&mut out, &text);
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
