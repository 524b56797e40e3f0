//! Path patterns of channels: `/a/{p}` and, as the last segment, `/{rest...}`.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::bounds::PATH_CHARS_MAX;

/// Paths below this prefix are the bus's own.
pub const RESERVED_PREFIX: &str = "/_busbar";

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    Literal(String),
    Parameter(String),
    /// Takes the rest of the path, at least one segment, slashes included.
    Tail(String),
}

/// A checked pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPath {
    #[error("path does not begin with \"/\"")]
    NotAbsolute,
    #[error("path is longer than {PATH_CHARS_MAX} characters")]
    TooLong,
    #[error("path begins with \"/_busbar\", which is reserved")]
    Reserved,
    #[error("path has a {0:?}; a query or fragment is not part of a channel's path")]
    NotPath(char),
    #[error("segment {0:?} is not a literal, \"{{name}}\" or, at the end, \"{{name...}}\"")]
    Segment(String),
    #[error("parameter {0:?} appears twice")]
    Twice(String),
    #[error("segment {0:?} is not valid percent-encoded UTF-8")]
    Encoding(String),
}

impl PathPattern {
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        if text.chars().count() > PATH_CHARS_MAX {
            return Err(InvalidPath::TooLong);
        }
        let rest = text.strip_prefix('/').ok_or(InvalidPath::NotAbsolute)?;
        if let Some(odd) =
            text.chars().find(|c| matches!(c, '?' | '#') || c.is_control() || c.is_whitespace())
        {
            return Err(InvalidPath::NotPath(odd));
        }
        let parts: Vec<&str> = rest.split('/').collect();
        let mut segments = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            let segment = parse_segment(part, at + 1 == parts.len())?;
            if let Segment::Parameter(name) | Segment::Tail(name) = &segment
                && segments.iter().any(|s| matches!(s, Segment::Parameter(n) | Segment::Tail(n) if n == name))
            {
                return Err(InvalidPath::Twice(name.clone()));
            }
            segments.push(segment);
        }
        if segments.first() == Some(&Segment::Literal(RESERVED_PREFIX[1..].to_owned())) {
            return Err(InvalidPath::Reserved);
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Names of the parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) | Segment::Tail(name) => Some(name.as_str()),
        })
    }
}

fn parse_segment(part: &str, last: bool) -> Result<Segment, InvalidPath> {
    let invalid = || InvalidPath::Segment(part.to_owned());
    let Some(inner) = part.strip_prefix('{') else {
        if part.contains(['{', '}']) {
            return Err(invalid());
        }
        return decode_segment(part)
            .map(|text| Segment::Literal(text.into_owned()))
            .ok_or_else(|| InvalidPath::Encoding(part.to_owned()));
    };
    let inner = inner.strip_suffix('}').ok_or_else(invalid)?;
    let (name, tail) = match inner.strip_suffix("...") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    match (is_name, tail) {
        (true, false) => Ok(Segment::Parameter(name.to_owned())),
        (true, true) if last => Ok(Segment::Tail(name.to_owned())),
        _ => Err(invalid()),
    }
}

/// Percent-decodes one segment once; `a%2Fb` is "a/b". None if it is not UTF-8 or badly encoded.
pub fn decode_segment(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let bytes = raw.as_bytes();
    let well_formed = bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        matches!(bytes.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    });
    if !well_formed {
        return None;
    }
    percent_decode_str(raw).decode_utf8().ok()
}

impl TryFrom<String> for PathPattern {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPath, PathPattern, Segment, decode_segment};

    #[test]
    fn reads_literals_parameters_and_a_tail() {
        let pattern = PathPattern::parse("/a/{p}/{rest...}").unwrap();
        assert_eq!(
            pattern.segments(),
            [Segment::Literal("a".into()), Segment::Parameter("p".into()), Segment::Tail("rest".into())]
        );
        assert_eq!(PathPattern::parse("/").unwrap().segments(), [Segment::Literal(String::new())]);
    }

    #[test]
    fn refuses_what_it_could_not_match() {
        for (bad, why) in [
            ("a", InvalidPath::NotAbsolute),
            ("/a?b", InvalidPath::NotPath('?')),
            ("/{a", InvalidPath::Segment("{a".into())),
            ("/x{a}", InvalidPath::Segment("x{a}".into())),
            ("/{}", InvalidPath::Segment("{}".into())),
            ("/{a...}/b", InvalidPath::Segment("{a...}".into())),
            ("/{a}/{a}", InvalidPath::Twice("a".into())),
            ("/_busbar/x", InvalidPath::Reserved),
            ("/%5fbusbar/x", InvalidPath::Reserved),
            ("/%zz", InvalidPath::Encoding("%zz".into())),
        ] {
            assert_eq!(PathPattern::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn decodes_a_segment_once() {
        assert_eq!(decode_segment("a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(decode_segment("a%252Fb").as_deref(), Some("a%2Fb"));
        assert_eq!(decode_segment("a+b").as_deref(), Some("a+b"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode_segment(bad), None, "{bad}");
        }
    }
}
