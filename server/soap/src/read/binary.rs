//! `xs:base64Binary` (XML Schema, part 2, section 3.2.16) as base64 without white space, and the references to parts
//! that stand for it (XOP, section 4).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Reading,
    failure::{Step, invalid},
};
use crate::{namespace, xml::Event};

/// Appends the base64 in `text`, which may have white space anywhere.
pub(super) fn push_base64(out: &mut String, text: &str) -> Result<(), &'static str> {
    let from = out.len();
    push_dense(out, text);
    check(&out.as_bytes()[from..])
}

fn push_dense(out: &mut String, text: &str) {
    text.split_ascii_whitespace().for_each(|piece| out.push_str(piece));
}

fn check(base64: &[u8]) -> Result<(), &'static str> {
    match is_base64(base64) {
        true => Ok(()),
        false => Err("has to be base64 with padding"),
    }
}

/// Whole groups of four, of which only the last may be padded; the bits that padding leaves over are zero.
fn is_base64(text: &[u8]) -> bool {
    let (digits, unused): (&[u8], &[u8]) = match text {
        [digits @ .., last, b'=', b'='] => (digits, if b"AQgw".contains(last) { b"A==" } else { b"" }),
        [digits @ .., last, b'='] => (digits, if b"AEIMQUYcgkosw048".contains(last) { b"A=" } else { b"" }),
        [] => return true,
        digits => (digits, b"A"),
    };
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/');
    // Without an early end, so that the compiler can look at many at once.
    let all = digits.iter().fold(true, |all, byte| all & is_digit(*byte));
    all && !unused.is_empty() && text.len().is_multiple_of(4)
}

impl Reading<'_, '_, '_> {
    /// An element in binary content was just started: the reference to the part that is the content, which is read to
    /// its end and appended as base64.
    pub(super) fn part(&mut self) -> Step {
        if self.xml.namespace() != namespace::XOP || self.xml.local() != "Include" {
            return Err(invalid("is text, so it can't have elements"));
        }
        let href = self.xml.attribute("", "href").and_then(|href| href.strip_prefix("cid:"));
        let id =
            href.and_then(decoded).ok_or_else(|| invalid("has to refer to its part by href=\"cid:…\""))?;
        let bytes = self.parts.take(&id).ok_or_else(|| {
            invalid(format!(
                "refers to the part {id:?}, which the message has not, or which stands for another value"
            ))
        })?;
        let before = self.out.len();
        STANDARD.encode_string(bytes, &mut self.out);
        self.most = self.most.saturating_add(self.out.len() - before);
        for expected in ["xop:Include has to be empty", "has something beside its part"] {
            if self.child()? {
                return Err(invalid(expected));
            }
        }
        Ok(())
    }

    /// Binary content, whose element was just started.
    pub(super) fn binary(&mut self) -> Step {
        let from = self.out.len();
        loop {
            match self.xml.next()? {
                Event::Text(piece) => push_dense(&mut self.out, &piece),
                Event::Start if self.out.len() == from => return self.part(),
                Event::Start => return Err(invalid("is text, so it can't have elements")),
                Event::End | Event::Eof => return check(&self.out.as_bytes()[from..]).map_err(invalid),
            }
        }
    }
}

/// Without percent-encoding (RFC 2392, section 2); `None` if it is none.
fn decoded(url: &str) -> Option<String> {
    let mut pieces = url.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        // A sign is no digit, but a number could have one.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{decoded, push_base64};

    #[test]
    fn base64_is_checked_and_loses_its_white_space() {
        for (text, expected) in
            [("", ""), (" \n", ""), ("AA==", "AA=="), ("A A\n=\t=", "AA=="), ("ab+/AAA=", "ab+/AAA=")]
        {
            let mut out = String::new();
            assert_eq!(push_base64(&mut out, text), Ok(()), "{text}");
            assert_eq!(out, expected);
        }
        for bad in [
            "A", "AA", "AAA", "A===", "====", "AB==", "AAB=", "AA==AAAA", "AAAA=", "AA-_", "é==", "A=AA",
            "\"AAA",
        ] {
            assert!(push_base64(&mut String::new(), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn content_ids_lose_their_percent_encoding() {
        assert_eq!(decoded("a%40b%25%c3%A9").as_deref(), Some("a@b%é"));
        for bad in ["%", "%4", "%+4", "%zz", "%ff", "%é"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_takes_what_can_be_decoded(text in "[AQgwEz+/=]{0,9}") {
            use base64::Engine as _;
            let decodes = base64::engine::general_purpose::STANDARD.decode(&text).is_ok();
            proptest::prop_assert_eq!(push_base64(&mut String::new(), &text).is_ok(), decodes);
        }
    }
}
