//! What goes with a message beside its content type.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bounds::{AMQP_HEADERS_BYTES_MAX, AMQP_PROPERTY_BYTES_MAX};

/// Headers in their order, and the properties that AMQP 0-9-1 knows (section 1.8). What is absent is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Properties {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The property `type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_ms: Option<u32>,
}

impl Properties {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a broker would take them; the error is for the sender.
    pub fn check(&self) -> Result<(), String> {
        for (property, text) in [
            ("content-encoding", &self.content_encoding),
            ("correlation-id", &self.correlation_id),
            ("reply-to", &self.reply_to),
            ("message-id", &self.message_id),
            ("kind", &self.kind),
        ] {
            short(property, text.as_deref().unwrap_or_default())?;
        }
        let (mut names, mut bytes) = (BTreeSet::new(), 0);
        for (name, value) in &self.headers {
            short("the name of a header", name)?;
            if name.is_empty() {
                return Err("the name of a header is empty".to_owned());
            }
            if !names.insert(name) {
                return Err(format!("header {name:?} is there twice"));
            }
            bytes += name.len() + value.len();
        }
        if bytes > AMQP_HEADERS_BYTES_MAX {
            return Err(format!("the headers have {bytes} bytes; allowed are {AMQP_HEADERS_BYTES_MAX}"));
        }
        Ok(())
    }
}

/// A text that AMQP has in at most 255 bytes.
pub fn short(property: &str, text: &str) -> Result<(), String> {
    if text.len() > AMQP_PROPERTY_BYTES_MAX {
        return Err(format!("{property} has {} bytes; allowed are {AMQP_PROPERTY_BYTES_MAX}", text.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Properties;

    #[test]
    fn what_no_broker_takes_is_refused() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = |headers: Vec<(String, String)>| Properties { headers, ..Properties::default() };
        let kind = |length| Properties { kind: Some("k".repeat(length)), ..Properties::default() };
        for good in [Properties::default(), kind(255), headers(vec![header("a", ""), header("b", "ä")])] {
            assert_eq!(good.check(), Ok(()));
        }
        for (bad, text) in [
            (kind(256), "kind has 256 bytes; allowed are 255"),
            (headers(vec![header("", "x")]), "the name of a header is empty"),
            (headers(vec![header("a", "x"), header("a", "y")]), "header \"a\" is there twice"),
            (
                headers(vec![header("a", &"x".repeat(65_536))]),
                "the headers have 65537 bytes; allowed are 65536",
            ),
            (
                headers(vec![header(&"a".repeat(256), "")]),
                "the name of a header has 256 bytes; allowed are 255",
            ),
        ] {
            assert_eq!(bad.check(), Err(text.to_owned()));
        }
    }
}
