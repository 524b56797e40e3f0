//! What is given of the member `amqp`.

use std::fmt;

use busbar_model::{
    amqp::{self as model, Binding, Deduplicate, Failed, QueueKind, Retry},
    bounds::{
        AMQP_CONCURRENCY_CEILING, AMQP_PREFETCH_CEILING, AMQP_RETRIES_AT_ONCE_CEILING,
        DELIVERY_ATTEMPTS_CEILING, DELIVERY_BACKOFF_MS_CEILING,
    },
};
use serde::Deserialize;

use super::change::{Change, DeclareChange, Edit, RetryChange};
use crate::{
    check::{self, Check, shown},
    member::{Member, Object, Whole},
};

/// Null puts a member that has a default back to it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    #[serde(default)]
    connection: Member<String>,
    #[serde(default)]
    queue: Member<String>,
    #[serde(default)]
    declare: Member<Object<DeclarePatch>>,
    #[serde(default)]
    bindings: Member<Vec<Binding>>,
    #[serde(default)]
    prefetch: Member<Whole>,
    #[serde(default)]
    concurrency: Member<Whole>,
    #[serde(default)]
    ordered: Member<bool>,
    #[serde(default)]
    deduplicate: Member<DeduplicateGiven>,
    #[serde(default)]
    retry: Member<Object<RetryPatch>>,
    #[serde(default)]
    failed: Member<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclarePatch {
    #[serde(default)]
    kind: Member<String>,
    #[serde(default)]
    dead_letter_exchange: Member<String>,
    #[serde(default)]
    dead_letter_routing_key: Member<String>,
    #[serde(default)]
    delivery_limit: Member<Whole>,
    #[serde(default)]
    max_length: Member<Whole>,
    #[serde(default)]
    message_ttl_ms: Member<Whole>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryPatch {
    #[serde(default)]
    immediate: Member<Whole>,
    #[serde(default)]
    attempts: Member<Whole>,
    #[serde(default)]
    backoff_ms: Member<Whole>,
    #[serde(default)]
    backoff_max_ms: Member<Whole>,
}

/// A word, or the name of a header.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "is neither message-id, none nor {\"header\": NAME}")]
pub(super) enum DeduplicateGiven {
    Word(String),
    Header(DeduplicateHeader),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeduplicateHeader {
    header: String,
}

pub(crate) fn checked(given: Member<Object<Patch>>, check: &mut Check) -> Edit {
    match given {
        Member::Absent => Edit::Keep,
        Member::Null => Edit::Remove,
        Member::Given(Object(patch)) => Edit::Change(Box::new(patch.checked(check))),
    }
}

/// A whole number that fits what holds it.
fn within<T: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(Whole) -> Result<T, String> {
    move |given| {
        let value = given.within(least, most)?;
        T::try_from(value).map_err(|_| format!("is {value}; allowed is {least} to {most}"))
    }
}

fn some<T>(parse: impl Fn(Whole) -> Result<T, String>) -> impl Fn(Whole) -> Result<Option<T>, String> {
    move |given| parse(given).map(Some)
}

impl Patch {
    fn checked(self, check: &mut Check) -> Change {
        let declare = match self.declare {
            Member::Absent => None,
            Member::Null => Some(None),
            Member::Given(Object(declare)) => Some(Some(declare.checked(check))),
        };
        let retry = match self.retry {
            Member::Absent => RetryChange::default(),
            Member::Null => RetryChange::of(Retry::default()),
            Member::Given(Object(retry)) => retry.checked(check),
        };
        let bindings = match self.bindings {
            Member::Given(given) => match model::bindings(given) {
                Ok(bindings) => Some(bindings),
                Err((place, message)) => {
                    check.refuse(format!("/amqp/bindings{place}"), message);
                    None
                }
            },
            other => other.checked(check, "/amqp/bindings", Some(Vec::new()), Ok::<_, fmt::Error>),
        };
        let deduplicate = match self.deduplicate {
            Member::Given(DeduplicateGiven::Header(DeduplicateHeader { header })) => {
                let named = check.ok("/amqp/deduplicate/header", model::header(header));
                named.map(Deduplicate::Header)
            }
            Member::Given(DeduplicateGiven::Word(word)) => {
                check.ok("/amqp/deduplicate", shown(&word).parse::<Deduplicate>())
            }
            Member::Null => Some(Deduplicate::default()),
            Member::Absent => None,
        };
        let failed = |text: String| shown(&text).parse::<Failed>();
        Change {
            connection: self.connection.checked(check, "/amqp/connection", None, check::name),
            queue: self.queue.checked(check, "/amqp/queue", None, model::queue),
            declare,
            bindings,
            prefetch: self.prefetch.checked(
                check,
                "/amqp/prefetch",
                Some(None),
                some(within(1, AMQP_PREFETCH_CEILING.into())),
            ),
            concurrency: self.concurrency.checked(
                check,
                "/amqp/concurrency",
                Some(None),
                some(within(1, AMQP_CONCURRENCY_CEILING.into())),
            ),
            ordered: self.ordered.checked(check, "/amqp/ordered", Some(false), Ok::<_, fmt::Error>),
            deduplicate,
            retry,
            failed: self.failed.checked(check, "/amqp/failed", Some(Failed::default()), failed),
        }
    }
}

impl DeclarePatch {
    fn checked(self, check: &mut Check) -> DeclareChange {
        let kind = |text: String| shown(&text).parse::<QueueKind>();
        let count = || some(within(1, u32::MAX.into()));
        let exchange = |text| model::exchange(text).map(Some);
        let key = |text| model::routing_key(text).map(Some);
        let at = |member: &str| format!("/amqp/declare/{member}");
        DeclareChange {
            kind: self.kind.checked(check, &at("kind"), Some(QueueKind::default()), kind),
            dead_letter_exchange: self.dead_letter_exchange.checked(
                check,
                &at("dead_letter_exchange"),
                Some(None),
                exchange,
            ),
            dead_letter_routing_key: self.dead_letter_routing_key.checked(
                check,
                &at("dead_letter_routing_key"),
                Some(None),
                key,
            ),
            delivery_limit: self.delivery_limit.checked(check, &at("delivery_limit"), Some(None), count()),
            max_length: self.max_length.checked(check, &at("max_length"), Some(None), count()),
            message_ttl_ms: self.message_ttl_ms.checked(check, &at("message_ttl_ms"), Some(None), count()),
        }
    }
}

impl RetryPatch {
    fn checked(self, check: &mut Check) -> RetryChange {
        let default = Retry::default();
        let backoff = || within(1, DELIVERY_BACKOFF_MS_CEILING);
        let at = |member: &str| format!("/amqp/retry/{member}");
        RetryChange {
            immediate: self.immediate.checked(
                check,
                &at("immediate"),
                Some(default.immediate),
                within(0, AMQP_RETRIES_AT_ONCE_CEILING.into()),
            ),
            attempts: self.attempts.checked(
                check,
                &at("attempts"),
                Some(default.attempts),
                within(0, DELIVERY_ATTEMPTS_CEILING.into()),
            ),
            backoff_ms: self.backoff_ms.checked(
                check,
                &at("backoff_ms"),
                Some(default.backoff_ms),
                backoff(),
            ),
            backoff_max_ms: self.backoff_max_ms.checked(
                check,
                &at("backoff_max_ms"),
                Some(default.backoff_max_ms),
                backoff(),
            ),
        }
    }
}
