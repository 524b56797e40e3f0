//! What an AMQP channel has: a queue, how its messages are taken, and what becomes of those that fail.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    bounds::{
        AMQP_BINDINGS_MAX, AMQP_CONCURRENCY_DEFAULT, AMQP_NAME_CHARS_MAX, AMQP_PREFETCH_DEFAULT,
        AMQP_RETRIES_AT_ONCE_DEFAULT, DELIVERY_ATTEMPTS_DEFAULT, DELIVERY_BACKOFF_MAX_MS_DEFAULT,
        DELIVERY_BACKOFF_MS_DEFAULT,
    },
    name::Name,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amqp {
    /// By which messages come in; of the kind amqp.
    pub connection: Name,
    pub queue: String,
    /// `None`: the queue is there already.
    pub declare: Option<Declare>,
    /// What the queue is bound to when the channel begins.
    pub bindings: Vec<Binding>,
    /// Messages that the broker hands each worker before it has an answer for them.
    pub prefetch: u16,
    /// Calls at once, in each worker.
    pub concurrency: u16,
    /// One message after the other, in the whole cluster: one consumer, prefetch 1, concurrency 1, and what fails is
    /// tried again in its place.
    pub ordered: bool,
    pub deduplicate: Deduplicate,
    pub retry: Retry,
    pub failed: Failed,
}

/// How a queue is made that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declare {
    pub kind: QueueKind,
    /// Where messages go that are rejected, expire or are too many.
    pub dead_letter_exchange: Option<String>,
    /// `None`: that of the message.
    pub dead_letter_routing_key: Option<String>,
    /// Times that the broker hands a message out; quorum queues only.
    pub delivery_limit: Option<u32>,
    /// Messages that it holds.
    pub max_length: Option<u32>,
    pub message_ttl_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueKind {
    /// Replicated.
    #[default]
    Quorum,
    Classic,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    pub exchange: String,
    #[serde(default)]
    pub routing_key: String,
}

/// What tells that a message was taken before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deduplicate {
    /// The property `message-id`; a message without one is taken each time.
    #[default]
    MessageId,
    /// A header of this name, likewise.
    Header(String),
    /// Each message is taken each time.
    None,
}

/// How hard is tried before a message has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts at once after the first one.
    pub immediate: u32,
    /// Attempts after a pause, behind those.
    pub attempts: u32,
    /// The first pause; doubled with each further one.
    pub backoff_ms: u64,
    /// The longest; at least the first.
    pub backoff_max_ms: u64,
}

/// Where a message goes that has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failed {
    /// To the bus's own, where a person decides.
    #[default]
    ErrorQueue,
    /// To where the queue sends what is rejected.
    DeadLetter,
}

impl Amqp {
    /// One with the defaults, for a queue that is there.
    pub fn new(connection: Name, queue: String) -> Self {
        Self {
            connection,
            queue,
            declare: None,
            bindings: Vec::new(),
            prefetch: AMQP_PREFETCH_DEFAULT,
            concurrency: AMQP_CONCURRENCY_DEFAULT,
            ordered: false,
            deduplicate: Deduplicate::default(),
            retry: Retry::default(),
            failed: Failed::default(),
        }
    }

    /// All that does not go together: the member, as a JSON Pointer without its first '/', and why.
    pub(crate) fn misfits(&self) -> Vec<(&'static str, String)> {
        let mut misfits = Vec::new();
        let mut refuse = |member, message: &str| misfits.push((member, message.to_owned()));
        for (member, value) in [("prefetch", self.prefetch), ("concurrency", self.concurrency)] {
            if self.ordered && value != 1 {
                refuse(member, &format!("is {value}; that of an ordered channel is 1"));
            }
        }
        let mut dead_letters = true;
        if let Some(declare) = &self.declare {
            dead_letters = declare.dead_letter_exchange.is_some();
            if declare.kind == QueueKind::Classic && declare.delivery_limit.is_some() {
                refuse("declare/delivery_limit", "is for queues of the kind quorum only");
            }
            if declare.dead_letter_routing_key.is_some() && !dead_letters {
                refuse("declare/dead_letter_routing_key", "does not go without a dead_letter_exchange");
            }
        }
        if self.failed == Failed::DeadLetter && !dead_letters {
            refuse("failed", "is dead-letter, but the declared queue has no dead_letter_exchange");
        }
        misfits
    }
}

/// The defaults of `prefetch` and `concurrency`.
pub fn pace_default(ordered: bool) -> (u16, u16) {
    if ordered { (1, 1) } else { (AMQP_PREFETCH_DEFAULT, AMQP_CONCURRENCY_DEFAULT) }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            immediate: AMQP_RETRIES_AT_ONCE_DEFAULT,
            attempts: DELIVERY_ATTEMPTS_DEFAULT,
            backoff_ms: DELIVERY_BACKOFF_MS_DEFAULT,
            backoff_max_ms: DELIVERY_BACKOFF_MAX_MS_DEFAULT,
        }
    }
}

impl QueueKind {
    pub const ALL: [Self; 2] = [Self::Quorum, Self::Classic];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Classic => "classic",
        }
    }
}

impl FromStr for QueueKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is unknown; allowed is quorum or classic"))
    }
}

impl Failed {
    pub const ALL: [Self; 2] = [Self::ErrorQueue, Self::DeadLetter];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorQueue => "error-queue",
            Self::DeadLetter => "dead-letter",
        }
    }
}

impl FromStr for Failed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is unknown; allowed is error-queue or dead-letter"))
    }
}

/// Words that [`Deduplicate`] has outside, beside `{"header": NAME}`.
pub const DEDUPLICATE_WORDS: [&str; 2] = ["message-id", "none"];

impl FromStr for Deduplicate {
    type Err = String;

    /// One of the words.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "message-id" => Ok(Self::MessageId),
            "none" => Ok(Self::None),
            _ => Err(format!("{text:?} is unknown; allowed is message-id, none or {{\"header\": NAME}}")),
        }
    }
}

/// A queue's name. Those that begin with `amq.` are the broker's own.
pub fn queue(text: String) -> Result<String, String> {
    if text.starts_with("amq.") {
        return Err(format!("{text:?} begins with \"amq.\", as only queues of the broker's own do"));
    }
    named("a queue's name", text, 1)
}

/// An exchange's name.
pub fn exchange(text: String) -> Result<String, String> {
    named("an exchange's name", text, 1)
}

pub fn routing_key(text: String) -> Result<String, String> {
    named("a routing key", text, 0)
}

/// A header's name.
pub fn header(text: String) -> Result<String, String> {
    named("a header's name", text, 1)
}

pub fn bindings(given: Vec<Binding>) -> Result<Vec<Binding>, (String, String)> {
    if given.len() > AMQP_BINDINGS_MAX {
        return Err((String::new(), format!("has {} items; allowed are {AMQP_BINDINGS_MAX}", given.len())));
    }
    for (at, binding) in given.iter().enumerate() {
        let wrong = |member: &str| {
            let place = format!("/{at}/{member}");
            move |message| (place, message)
        };
        exchange(binding.exchange.clone()).map_err(wrong("exchange"))?;
        routing_key(binding.routing_key.clone()).map_err(wrong("routing_key"))?;
    }
    Ok(given)
}

fn named(what: &str, text: String, least: usize) -> Result<String, String> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if printable && (least..=AMQP_NAME_CHARS_MAX).contains(&text.len()) {
        return Ok(text);
    }
    let text: String = text.chars().take(AMQP_NAME_CHARS_MAX).collect();
    Err(format!("{text:?} is not {what}: {least} to {AMQP_NAME_CHARS_MAX} printable characters of ASCII"))
}

#[cfg(test)]
mod tests {
    use super::{
        Amqp, Binding, Declare, Deduplicate, Failed, QueueKind, bindings, exchange, queue, routing_key,
    };

    fn amqp() -> Amqp {
        Amqp::new("broker".parse().unwrap(), "orders".to_owned())
    }

    fn declare(kind: QueueKind) -> Declare {
        Declare { kind, ..Declare::default() }
    }

    fn members(amqp: &Amqp) -> Vec<&'static str> {
        amqp.misfits().into_iter().map(|(member, _)| member).collect()
    }

    #[test]
    fn an_ordered_channel_takes_one_at_a_time() {
        assert_eq!(members(&amqp()), [""; 0]);
        let ordered = Amqp { ordered: true, ..amqp() };
        assert_eq!(members(&ordered), ["prefetch", "concurrency"]);
        assert_eq!(members(&Amqp { prefetch: 1, concurrency: 1, ..ordered }), [""; 0]);
    }

    #[test]
    fn what_fails_needs_somewhere_to_go() {
        let to_dead_letters = Amqp { failed: Failed::DeadLetter, ..amqp() };
        assert_eq!(members(&to_dead_letters), [""; 0], "the queue that is there may have an exchange");
        let declared = Amqp { declare: Some(declare(QueueKind::Quorum)), ..to_dead_letters };
        assert_eq!(members(&declared), ["failed"]);
        let exchange = Some("dead".to_owned());
        let with = Declare { dead_letter_exchange: exchange, ..declare(QueueKind::Quorum) };
        assert_eq!(members(&Amqp { declare: Some(with), ..declared }), [""; 0]);
    }

    #[test]
    fn members_of_a_declaration_go_together() {
        let odd = Declare {
            dead_letter_routing_key: Some("k".to_owned()),
            delivery_limit: Some(3),
            ..declare(QueueKind::Classic)
        };
        let misfits = members(&Amqp { declare: Some(odd), ..amqp() });
        assert_eq!(misfits, ["declare/delivery_limit", "declare/dead_letter_routing_key"]);
    }

    #[test]
    fn names_are_what_a_broker_takes() {
        assert!(queue("orders.eu 1".to_owned()).is_ok() && routing_key(String::new()).is_ok());
        for bad in ["", "é", "a\nb", &"x".repeat(256), "amq.gen-1"] {
            assert!(queue(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(exchange("amq.topic".to_owned()).is_ok() && exchange(String::new()).is_err());
        let binding = |exchange: &str| Binding { exchange: exchange.to_owned(), routing_key: "#".to_owned() };
        assert_eq!(bindings(vec![binding("a"), binding("")]).unwrap_err().0, "/1/exchange");
        assert!(bindings(vec![binding("a"); 65]).unwrap_err().1.contains("65 items"));
    }

    #[test]
    fn deduplication_is_a_word_or_a_header() {
        for (text, value) in [
            (r#""message-id""#, Deduplicate::MessageId),
            (r#""none""#, Deduplicate::None),
            (r#"{"header":"x-id"}"#, Deduplicate::Header("x-id".to_owned())),
        ] {
            assert_eq!(serde_json::from_str::<Deduplicate>(text).unwrap(), value);
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
        assert!("body".parse::<Deduplicate>().unwrap_err().contains("message-id"));
    }
}
