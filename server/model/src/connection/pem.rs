//! Certificates and keys as texts (PEM, RFC 7468): whether they have the form of one. What they say is found out
//! by who connects.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::bounds::PEM_BYTES_MAX;

const CERTIFICATE: &str = "CERTIFICATE";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One certificate or more.
pub fn certificates(text: String) -> Result<String, String> {
    let labels = blocks(&text)?;
    match labels.iter().find(|label| **label != CERTIFICATE) {
        Some(other) => Err(format!("has a block {other:?}; allowed is {CERTIFICATE}")),
        None => Ok(text),
    }
}

/// One key that is not encrypted. What is refused is not repeated.
pub fn private_key(text: String) -> Result<String, String> {
    let fits = matches!(&blocks(&text)?[..], [label] if KEYS.contains(label));
    if fits { Ok(text) } else { Err(format!("is not one block of {}", KEYS.join(", "))) }
}

/// The labels of the blocks that a text consists of.
fn blocks(text: &str) -> Result<Vec<&str>, String> {
    if text.len() > PEM_BYTES_MAX {
        return Err(format!("has {} bytes; allowed is {PEM_BYTES_MAX}", text.len()));
    }
    let broken = || "is not PEM: \"-----BEGIN …-----\", base64, \"-----END …-----\"".to_owned();
    let mut labels = Vec::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let label = label_of(line, BEGIN).ok_or_else(broken)?;
        let mut base64 = String::new();
        loop {
            let line = lines.next().ok_or_else(broken)?;
            if line.starts_with(DASHES) {
                if label_of(line, END) != Some(label) {
                    return Err(broken());
                }
                break;
            }
            base64.push_str(line);
        }
        let decoded = BASE64_STANDARD.decode(&base64).map_err(|_| broken())?;
        if decoded.is_empty() {
            return Err(broken());
        }
        labels.push(label);
    }
    if labels.is_empty() { Err(broken()) } else { Ok(labels) }
}

fn label_of<'l>(line: &'l str, before: &str) -> Option<&'l str> {
    line.strip_prefix(before)?.strip_suffix(DASHES)
}

#[cfg(test)]
mod tests {
    use super::{certificates, private_key};

    fn block(label: &str, base64: &str) -> String {
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
    }

    #[test]
    fn certificates_are_one_or_more() {
        let one = block("CERTIFICATE", "aGVs\r\nbG8=");
        for good in [one.clone(), format!("{one}\n{one}"), one.trim_end().to_owned()] {
            assert_eq!(certificates(good.clone()), Ok(good));
        }
        let open = one.replace("-----END", "");
        for bad in
            ["", "hello", &block("CERTIFICATE", "a"), &block("CERTIFICATE", ""), &open, &format!("x\n{one}")]
        {
            assert!(certificates(bad.to_owned()).unwrap_err().contains("is not PEM"), "{bad:?}");
        }
        assert!(certificates(block("PRIVATE KEY", "aGVsbG8=")).unwrap_err().contains("PRIVATE KEY"));
        assert!(certificates(one.repeat(2_000)).unwrap_err().contains("bytes"));
    }

    #[test]
    fn a_key_is_one_and_is_not_repeated() {
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            assert!(private_key(block(label, "aGVsbG8=")).is_ok(), "{label}");
        }
        let one = block("PRIVATE KEY", "aGVsbG8=");
        for bad in [format!("{one}{one}"), block("ENCRYPTED PRIVATE KEY", "aGVsbG8="), "aGVsbG8=".to_owned()]
        {
            assert!(!private_key(bad).unwrap_err().contains("aGVs"));
        }
    }
}
