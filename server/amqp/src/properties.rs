//! What a message says of itself beside headers and body. AMQP 0-9-1, class `basic`.

use lapin::{BasicProperties, types::ShortString};

use crate::{
    bounds::SHORT_BYTES_MAX,
    value::{Headers, Unsayable, read_table, write_table},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub correlation_id: Option<String>,
    pub reply_to: Option<String>,
    pub message_id: Option<String>,
    /// What is left of it in a queue after this time is thrown away, or dead-lettered. Something else than a number
    /// in a message that comes in is as good as nothing.
    pub expiration_ms: Option<u64>,
    /// Seconds since 1970.
    pub timestamp_s: Option<u64>,
    /// The property `type`.
    pub kind: Option<String>,
    pub app_id: Option<String>,
    /// The broker refuses another than the connection's own.
    pub user_id: Option<String>,
    pub priority: Option<u8>,
    /// Kept in memory only, and lost when the broker stops.
    pub transient: bool,
}

/// `delivery-mode`.
const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

/// Why properties or headers can't be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProperties {
    #[error("{property} is {bytes} bytes long: at most {SHORT_BYTES_MAX} are allowed")]
    Long { property: &'static str, bytes: usize },
    #[error("user_id is {given:?}: {own:?}, the user of the connection, is allowed")]
    OtherUser { given: String, own: String },
    #[error(transparent)]
    Headers(#[from] Unsayable),
}

pub(crate) fn short(property: &'static str, text: &str) -> Result<ShortString, BadProperties> {
    ShortString::try_new(text).map_err(|_| BadProperties::Long { property, bytes: text.len() })
}

pub(crate) fn write(
    properties: &Properties,
    headers: &Headers,
    username: &str,
) -> Result<BasicProperties, BadProperties> {
    if let Some(given) = properties.user_id.as_ref().filter(|given| *given != username) {
        return Err(BadProperties::OtherUser { given: given.clone(), own: username.to_owned() });
    }
    let mode = if properties.transient { TRANSIENT } else { PERSISTENT };
    let mut written = BasicProperties::default().with_delivery_mode(mode);
    if !headers.is_empty() {
        written = written.with_headers(write_table(headers)?);
    }
    let texts: [(_, _, fn(BasicProperties, ShortString) -> BasicProperties); 9] = [
        ("content_type", &properties.content_type, BasicProperties::with_content_type),
        ("content_encoding", &properties.content_encoding, BasicProperties::with_content_encoding),
        ("correlation_id", &properties.correlation_id, BasicProperties::with_correlation_id),
        ("reply_to", &properties.reply_to, BasicProperties::with_reply_to),
        ("message_id", &properties.message_id, BasicProperties::with_message_id),
        ("kind", &properties.kind, BasicProperties::with_type),
        ("app_id", &properties.app_id, BasicProperties::with_app_id),
        ("user_id", &properties.user_id, BasicProperties::with_user_id),
        (
            "expiration_ms",
            &properties.expiration_ms.map(|expiration| expiration.to_string()),
            BasicProperties::with_expiration,
        ),
    ];
    for (name, text, set) in texts {
        if let Some(text) = text {
            written = set(written, short(name, text)?);
        }
    }
    if let Some(timestamp) = properties.timestamp_s {
        written = written.with_timestamp(timestamp);
    }
    if let Some(priority) = properties.priority {
        written = written.with_priority(priority);
    }
    Ok(written)
}

pub(crate) fn read(properties: &BasicProperties) -> (Properties, Headers) {
    let text = |text: &Option<ShortString>| text.as_ref().map(ToString::to_string);
    let read = Properties {
        content_type: text(properties.content_type()),
        content_encoding: text(properties.content_encoding()),
        correlation_id: text(properties.correlation_id()),
        reply_to: text(properties.reply_to()),
        message_id: text(properties.message_id()),
        expiration_ms: text(properties.expiration()).and_then(|text| text.parse().ok()),
        timestamp_s: *properties.timestamp(),
        kind: text(properties.kind()),
        app_id: text(properties.app_id()),
        user_id: text(properties.user_id()),
        priority: *properties.priority(),
        transient: *properties.delivery_mode() != Some(PERSISTENT),
    };
    (read, properties.headers().as_ref().map(read_table).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn what_is_written_is_read() {
        let text = |text: &str| Some(text.to_owned());
        let properties = Properties {
            content_type: text("application/json"),
            content_encoding: text("gzip"),
            correlation_id: text("c"),
            reply_to: text("r"),
            message_id: text("m"),
            expiration_ms: Some(60_000),
            timestamp_s: Some(1_700_000_000),
            kind: text("order"),
            app_id: text("shop"),
            user_id: text("ada"),
            priority: Some(3),
            transient: true,
        };
        let headers = Headers::from([("n".to_owned(), Value::Integer(1))]);
        assert_eq!(read(&write(&properties, &headers, "ada").unwrap()), (properties, headers));
        let none = (Properties::default(), Headers::new());
        assert_eq!(read(&write(&none.0, &none.1, "ada").unwrap()), none);
    }

    #[test]
    fn what_the_broker_would_close_the_channel_for_is_refused_here() {
        let refused = |properties| write(&properties, &Headers::new(), "ada").unwrap_err().to_string();
        let long = Properties { message_id: Some("m".repeat(256)), ..Properties::default() };
        assert_eq!(refused(long), "message_id is 256 bytes long: at most 255 are allowed");
        let other = Properties { user_id: Some("bob".to_owned()), ..Properties::default() };
        assert_eq!(refused(other), "user_id is \"bob\": \"ada\", the user of the connection, is allowed");
    }
}
