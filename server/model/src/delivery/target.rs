//! Where deliveries are to get to.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{amqp, name::Name};

/// What begins the text of a target at a broker. No service's name has it.
const AMQP: &str = "amqp:";
/// What names mostly consist of stays readable.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As a text: `orders.place`, or `amqp:CONNECTION/EXCHANGE/ROUTING-KEY` with both percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Service(Name),
    /// An exchange of a broker; the empty one leads to the queue that the routing key names.
    Amqp {
        connection: Name,
        exchange: String,
        routing_key: String,
    },
}

impl Target {
    /// An exchange by its parts, which the error names.
    pub fn amqp(connection: &str, exchange: String, routing_key: String) -> Result<Self, String> {
        Ok(Self::Amqp {
            connection: connection.parse().map_err(|error: crate::name::InvalidName| error.to_string())?,
            // Unlike a binding, a message may go to the empty one.
            exchange: if exchange.is_empty() { exchange } else { amqp::exchange(exchange)? },
            routing_key: amqp::routing_key(routing_key)?,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => name.fmt(f),
            Self::Amqp { connection, exchange, routing_key } => {
                let encoded = |text| utf8_percent_encode(text, ENCODED);
                write!(f, "{AMQP}{connection}/{}/{}", encoded(exchange), encoded(routing_key))
            }
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix(AMQP) else {
            return text
                .parse()
                .map(Self::Service)
                .map_err(|error: crate::name::InvalidName| error.to_string());
        };
        let [connection, exchange, routing_key] = rest.split('/').collect::<Vec<_>>()[..] else {
            return Err(format!("target {text:?} is not like {AMQP}CONNECTION/EXCHANGE/ROUTING-KEY"));
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(String::from);
        let decoded = |part: &str| decoded(part).map_err(|error| error.to_string());
        Self::amqp(connection, decoded(exchange)?, decoded(routing_key)?)
    }
}

impl From<Name> for Target {
    fn from(service: Name) -> Self {
        Self::Service(service)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_has_one_text() {
        let amqp = |exchange: &str, routing_key: &str| Target::Amqp {
            connection: "broker.eu".parse().unwrap(),
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
        };
        for (target, text) in [
            (Target::Service("orders.place".parse().unwrap()), "orders.place"),
            (amqp("shop", "orders.new"), "amqp:broker.eu/shop/orders.new"),
            (amqp("", "a b/c%"), "amqp:broker.eu//a%20b%2Fc%25"),
            (amqp("x", ""), "amqp:broker.eu/x/"),
        ] {
            assert_eq!(target.to_string(), text);
            assert_eq!(text.parse::<Target>().unwrap(), target);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for bad in
            ["", "A", "amqp:", "amqp:mq/x", "amqp:mq/x/y/z", "amqp:M/x/y", "amqp:mq/%ff/y", "amqp:mq/%0a/y"]
        {
            assert!(bad.parse::<Target>().is_err(), "{bad:?}");
        }
    }
}
