//! The name of a crate, of its plugin and of the folder that it stands in.

use std::str::FromStr;

/// Characters; what Cargo's own registry allows.
const CHARS_MAX: usize = 64;

/// Names of which Cargo, the compiler or the SDK have another use.
const TAKEN: [&str; 56] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "busbar-sdk",
    "busbar-sdk-macros",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
];

/// Lower-case letters, digits and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CrateName(String);

impl CrateName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As the compiler names files.
    pub(super) fn file(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for CrateName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && text.len() <= CHARS_MAX;
        if !fits {
            return Err(format!(
                "write lower-case letters, digits and '-', beginning with a letter, {CHARS_MAX} at most"
            ));
        }
        if TAKEN.contains(&text) {
            return Err("the compiler has another use of that name".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}
