//! Parameters behind a media type (RFC 9110, section 5.6.6), quoted or not.

use std::fmt::Write as _;

/// Names in lower case and values without their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// More than anybody gives: looking one up is a walk.
const PARAMETERS_MAX: usize = 32;

impl Parameters {
    /// The media type, and its parameters. Values that should be quoted and are not go up to the next semicolon, and
    /// white space around `=` is passed over, since there are senders that do so.
    pub(crate) fn of(header: &str) -> Result<(&str, Self), &'static str> {
        let (name, mut rest) = header.split_once(';').unwrap_or((header, ""));
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                return Ok((name.trim(), Self(parameters)));
            }
            let (key, behind) =
                rest.split_once('=').ok_or("the Content-Type has a parameter without a value")?;
            let key = key.trim().to_ascii_lowercase();
            if key.is_empty() || !key.bytes().all(is_token) {
                return Err("the Content-Type has a parameter whose name is none");
            }
            let value;
            (value, rest) = value_of(behind.trim_start())?;
            match parameters.iter().find(|(known, _)| *known == key) {
                Some((_, known)) if *known != value => {
                    return Err("the Content-Type has a parameter twice, with different values");
                }
                Some(_) => {}
                None if parameters.len() >= PARAMETERS_MAX => {
                    return Err("the Content-Type has too many parameters");
                }
                None => parameters.push((key, value)),
            }
        }
    }

    /// `name` is in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A value, and what stands behind it.
fn value_of(text: &str) -> Result<(String, &str), &'static str> {
    let Some(inner) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Ok((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                let rest = inner.get(at + 1..).unwrap_or_default().trim_start();
                return match rest.is_empty() || rest.starts_with(';') {
                    true => Ok((value, rest)),
                    false => Err("the Content-Type has something behind a quoted value"),
                };
            }
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    Err("the Content-Type has a quoted value without an end")
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A value in quotes; what no header may have is left out.
pub fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars().filter(|c| !c.is_control()) {
        let escape = if matches!(c, '"' | '\\') { "\\" } else { "" };
        let _ = write!(quoted, "{escape}{c}");
    }
    quoted + "\""
}
