//! What the member `amqp` looks like, for the API's description: new, changed, and in a document.

use std::borrow::Cow;

use busbar_model::{
    amqp::{DEDUPLICATE_WORDS, Failed, QueueKind},
    bounds::{
        AMQP_BINDINGS_MAX, AMQP_CONCURRENCY_CEILING, AMQP_NAME_CHARS_MAX, AMQP_PREFETCH_CEILING,
        AMQP_RETRIES_AT_ONCE_CEILING, DELIVERY_ATTEMPTS_CEILING, DELIVERY_BACKOFF_MS_CEILING,
    },
};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::ArrayBuilder, schema::OneOfBuilder},
};

use super::Patch;
use crate::describe::{self, members, nullable, whole};

const QUEUE: &str = r"^(?!amq\.)[ -~]+$";
const NAME: &str = "^[ -~]+$";
const KEY: &str = "^[ -~]*$";

/// Whether null stands for what is left out: in the API it does, in a document it does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Default,
    Refused,
}

impl Null {
    fn or(self, schema: RefOr<Schema>) -> RefOr<Schema> {
        if self == Self::Default { nullable(schema) } else { schema }
    }

    /// The schema of a member that is not to be given.
    fn only(self) -> Option<RefOr<Schema>> {
        (self == Self::Default).then(null)
    }
}

impl PartialSchema for Patch {
    fn schema() -> RefOr<Schema> {
        let null = Null::Default;
        let declare = members([
            ("kind", describe::one_of_or_null(QueueKind::ALL.map(QueueKind::as_str))),
            ("dead_letter_exchange", null.or(text(NAME))),
            ("dead_letter_routing_key", null.or(text(KEY))),
            ("delivery_limit", null.or(count())),
            ("max_length", null.or(count())),
            ("message_ttl_ms", null.or(count())),
        ]);
        common(null)
            .property("declare", nullable(declare.schema_type(Type::Object).into()))
            .property("ordered", nullable(describe::switch()))
            .property("prefetch", null.or(number(AMQP_PREFETCH_CEILING)))
            .property("concurrency", null.or(number(AMQP_CONCURRENCY_CEILING)))
            .property("failed", describe::one_of_or_null(Failed::ALL.map(Failed::as_str)))
            .into()
    }
}

impl ToSchema for Patch {
    fn name() -> Cow<'static, str> {
        "AmqpPatch".into()
    }
}

/// That of a new channel.
pub(crate) fn new() -> RefOr<Schema> {
    variants(Null::Default)
}

/// That of a channel in a document.
pub(crate) fn described() -> RefOr<Schema> {
    variants(Null::Refused)
}

/// By whether it is ordered, and by where failed messages go.
fn variants(null: Null) -> RefOr<Schema> {
    let mut all = OneOfBuilder::new();
    for ordered in [false, true] {
        for dead_letters in [false, true] {
            let mut one = common(null).required("connection").required("queue");
            one = one.property("declare", declare(null, dead_letters));
            one = match ordered {
                true => one
                    .property("ordered", exactly(true))
                    .required("ordered")
                    .property("prefetch", null.or(number(1)))
                    .property("concurrency", null.or(number(1))),
                false => one
                    .property("ordered", not_ordered(null))
                    .property("prefetch", null.or(number(AMQP_PREFETCH_CEILING)))
                    .property("concurrency", null.or(number(AMQP_CONCURRENCY_CEILING))),
            };
            one = match dead_letters {
                true => {
                    one.property("failed", describe::one_of([Failed::DeadLetter.as_str()])).required("failed")
                }
                false => one.property("failed", or_null(null, &[Failed::ErrorQueue.as_str()])),
            };
            all = all.item(one);
        }
    }
    all.into()
}

/// By its kind and whether it sends messages anywhere; null is one that is there already.
fn declare(null: Null, dead_letters: bool) -> RefOr<Schema> {
    let mut all = OneOfBuilder::new();
    for kind in QueueKind::ALL {
        for with_exchange in [false, true].into_iter().filter(|with| *with || !dead_letters) {
            let mut one = members([("max_length", null.or(count())), ("message_ttl_ms", null.or(count()))]);
            one = one.schema_type(Type::Object);
            one = match kind {
                QueueKind::Quorum => one
                    .property("kind", or_null(null, &[kind.as_str()]))
                    .property("delivery_limit", null.or(count())),
                QueueKind::Classic => {
                    let one = one.property("kind", describe::one_of([kind.as_str()])).required("kind");
                    with(one, "delivery_limit", null.only())
                }
            };
            one = match with_exchange {
                true => one
                    .property("dead_letter_exchange", text(NAME))
                    .required("dead_letter_exchange")
                    .property("dead_letter_routing_key", null.or(text(KEY))),
                false => {
                    let one = with(one, "dead_letter_exchange", null.only());
                    with(one, "dead_letter_routing_key", null.only())
                }
            };
            all = all.item(one);
        }
    }
    all.item(ObjectBuilder::new().schema_type(Type::Null)).into()
}

fn common(null: Null) -> ObjectBuilder {
    let backoff = || RefOr::from(whole(1, DELIVERY_BACKOFF_MS_CEILING));
    let times = |most: u32| RefOr::from(whole(0, most.into()));
    let retry = members([
        ("immediate", null.or(times(AMQP_RETRIES_AT_ONCE_CEILING))),
        ("attempts", null.or(times(DELIVERY_ATTEMPTS_CEILING))),
        ("backoff_ms", null.or(backoff())),
        ("backoff_max_ms", null.or(backoff())),
    ]);
    let binding = members([("exchange", text(NAME)), ("routing_key", text(KEY))]).required("exchange");
    let bindings = ArrayBuilder::new().items(binding).max_items(Some(AMQP_BINDINGS_MAX)).build();
    members([
        ("connection", describe::name()),
        ("queue", text(QUEUE)),
        ("bindings", null.or(RefOr::T(Schema::Array(bindings)))),
        ("deduplicate", null.or(deduplicate())),
        ("retry", nullable(retry.schema_type(Type::Object).into())),
    ])
    .schema_type(Type::Object)
}

fn with(object: ObjectBuilder, name: &str, schema: Option<RefOr<Schema>>) -> ObjectBuilder {
    match schema {
        Some(schema) => object.property(name, schema),
        None => object,
    }
}

fn or_null(null: Null, words: &[&str]) -> RefOr<Schema> {
    let words = words.iter().copied();
    if null == Null::Default { describe::one_of_or_null(words) } else { describe::one_of(words) }
}

/// An enumeration that allows null has it among its values.
fn not_ordered(null: Null) -> RefOr<Schema> {
    let values = [Value::Bool(false), Value::Null];
    let values = values.into_iter().filter(|value| null == Null::Default || !value.is_null());
    null.or(ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some(values)).into())
}

fn exactly(value: bool) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([Value::Bool(value)])).into()
}

fn null() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Null).into()
}

fn text(pattern: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.max_length(Some(AMQP_NAME_CHARS_MAX)).into()
}

fn number(most: u16) -> RefOr<Schema> {
    whole(1, most.into()).into()
}

fn count() -> RefOr<Schema> {
    whole(1, u32::MAX.into()).into()
}

pub(super) fn queue_kind() -> RefOr<Schema> {
    describe::one_of(QueueKind::ALL.map(QueueKind::as_str))
}

pub(super) fn failed() -> RefOr<Schema> {
    describe::one_of(Failed::ALL.map(Failed::as_str))
}

pub(super) fn deduplicate() -> RefOr<Schema> {
    let header = members([("header", text(NAME))]).required("header").schema_type(Type::Object);
    OneOfBuilder::new().item(describe::one_of(DEDUPLICATE_WORDS)).item(header).into()
}
