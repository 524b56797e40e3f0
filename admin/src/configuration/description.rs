//! What a document looks like, for the API's description: exactly what is accepted.

use busbar_model::{
    bounds,
    configuration::FORMAT,
    schedule::bounds::JITTER_MS_MAX,
    security::{CLIENT_CERTIFICATE, PasswordType, WS_SECURITY},
};
use serde_json::json;
use utoipa::openapi::{
    ObjectBuilder, Ref, RefOr, Schema, Type,
    schema::{OneOfBuilder, SchemaType},
};

use crate::{
    amqp, connections,
    describe::{self, described, members, nullable, whole},
    dictionaries, limits,
    security::certificates,
    soap,
};

const KEY_ID: &str = "^[A-Za-z0-9]+$";
const SHA256: &str = "^[0-9a-f]{64}$";

/// The whole document.
pub(super) fn document() -> RefOr<Schema> {
    let format = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([FORMAT]));
    let sections = [
        ("busbar", described(RefOr::T(format.into()), "The format's version.")),
        ("security", section(security())),
        ("secrets", section(secret())),
        ("plugins", section(plugin())),
        ("services", section(service())),
        ("connections", section(connections::described())),
        ("channels", section(channel())),
        ("calendars", section(calendar())),
        ("jobs", section(job())),
        ("dictionaries", section(dictionaries::described())),
    ];
    let description = "All definitions, each section by name. What an entry leaves out has its default. In texts \
        ${NAME} is a variable, which is to be replaced before; only passwords, keys and values of secrets may be left as one, and \
        the present one stays. $${ stands for ${.";
    members(sections).required("busbar").description(Some(description)).into()
}

/// Entries by name.
fn section(entry: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(name) = describe::name() else { return describe::name() };
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Object, Type::Null]))
        .property_names(Some(name))
        .additional_properties(Some(entry))
        .into()
}

fn text(pattern: &str, most: usize) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(most)).into()
}

/// A password, or a key, that is left out stays as it is.
fn security() -> RefOr<Schema> {
    let of_kind = |kind| members([("kind", describe::one_of([kind]))]).required("kind");
    let password = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(bounds::PASSWORD_CHARS_MAX))
        .examples([json!("${PASSWORD_PARTNER}")]);
    let password: RefOr<Schema> = password.into();
    let of_user = |kind| {
        of_kind(kind)
            .property("username", describe::username())
            .required("username")
            .property("password", password.clone())
    };
    let types = describe::one_of(PasswordType::ALL.map(PasswordType::as_str));
    let token = of_user(WS_SECURITY).property("password_type", types);
    let key = of_kind("api-key")
        .property("key_id", text(KEY_ID, bounds::NAME_CHARS_MAX))
        .required("key_id")
        .property("key_sha256", text(SHA256, 64))
        .required("key_sha256");
    let [by_subject, by_sha256] = certificates::described(|| of_kind(CLIENT_CERTIFICATE), false);
    let kinds = OneOfBuilder::new().item(of_user("basic")).item(key).item(of_kind("api-key")).item(token);
    kinds.item(by_subject).item(by_sha256).into()
}

/// What plugins read by name. A value that is left out stays as it is.
fn secret() -> RefOr<Schema> {
    let text =
        |least, most| ObjectBuilder::new().schema_type(Type::String).min_length(least).max_length(Some(most));
    let value = text(Some(1), bounds::SECRET_VALUE_BYTES_MAX).examples([json!("${SECRET_PAY_KEY}")]);
    let description = text(None, bounds::SECRET_DESCRIPTION_BYTES_MAX);
    nullable(
        members([("description", description.into()), ("value", value.into())])
            .schema_type(Type::Object)
            .into(),
    )
}

/// What is decided about a plugin; its file is deployed.
fn plugin() -> RefOr<Schema> {
    let grants = RefOr::Ref(Ref::from_schema_name("Grants"));
    let config = ObjectBuilder::new().schema_type(Type::Object).into();
    nullable(members([("grants", grants), ("config", config)]).schema_type(Type::Object).into())
}

/// The plugin that offers it, or will, and the limits that were set.
fn service() -> RefOr<Schema> {
    members([("plugin", describe::name()), ("limits", limits::described_set())]).required("plugin").into()
}

/// By its protocol, and for SOAP by where its operation comes from.
fn channel() -> RefOr<Schema> {
    let rest = of_any()
        .property("protocol", describe::one_of(["rest"]))
        .property("path", describe::channel_path())
        .property("methods", describe::methods())
        .property("service", describe::name())
        .property("cors", RefOr::Ref(Ref::from_schema_name("NewCors")));
    let of_soap = || {
        of_any()
            .property("protocol", describe::one_of(["soap"]))
            .required("protocol")
            .property("path", describe::plain_path())
            .property("methods", describe::soap_methods())
    };
    let named = of_soap()
        .property("service", describe::name())
        .property("soap", soap::with_operation())
        .required("soap");
    let by_service = of_soap()
        .property("service", describe::operation_name())
        .property("soap", RefOr::T(soap::without_operation().into()));
    let amqp = of_each()
        .property("protocol", describe::one_of(["amqp"]))
        .required("protocol")
        .property("service", describe::name())
        .property("amqp", amqp::described())
        .required("amqp");
    OneOfBuilder::new().item(rest).item(named).item(by_service).item(amqp).into()
}

/// What a channel of HTTP has.
fn of_any() -> ObjectBuilder {
    of_each().property("security", describe::name()).required("path")
}

/// Days that jobs skip.
fn calendar() -> RefOr<Schema> {
    let rules = members([
        ("dates", describe::calendar_dates()),
        ("ranges", describe::calendar_ranges()),
        ("yearly", describe::calendar_yearly()),
        ("weekdays", describe::calendar_weekdays()),
    ]);
    nullable(rules.schema_type(Type::Object).into())
}

fn job() -> RefOr<Schema> {
    let flag = || ObjectBuilder::new().schema_type(Type::Boolean).into();
    let number = |least, most| whole(least, most).into();
    members([
        ("service", describe::name()),
        ("input", describe::input()),
        ("schedule", describe::schedule()),
        ("calendar", describe::name()),
        ("misfire", describe::misfire()),
        ("jitter_ms", number(0, JITTER_MS_MAX)),
        ("max_run_ms", number(1, bounds::CALL_TIMEOUT_MS_CEILING)),
        ("attempts", number(1, bounds::JOB_ATTEMPTS_CEILING.into())),
        ("expires_ms", number(bounds::JOB_EXPIRES_MS_FLOOR, bounds::JOB_EXPIRES_MS_CEILING)),
        ("overlap", flag()),
        ("on_success", describe::name()),
        ("on_failure", describe::name()),
        ("paused", flag()),
    ])
    .required("service")
    .required("schedule")
    .into()
}

/// What a channel of each protocol has.
fn of_each() -> ObjectBuilder {
    let flag = ObjectBuilder::new().schema_type(Type::Boolean).into();
    let number = |least, most| whole(least, most).into();
    members([
        ("active", flag),
        ("body_bytes_max", number(0, bounds::BODY_BYTES_CEILING)),
        ("timeout_ms", number(1, bounds::CALL_TIMEOUT_MS_CEILING)),
    ])
    .required("service")
}

#[cfg(test)]
mod tests {
    use busbar_model::configuration::{Document, yaml};

    use super::document;

    /// Every member that an entry can have, with another value than its default.
    const EVERYTHING: &str = "busbar: 1
security:
  clerk: {kind: basic, username: bob, password: hush}
  erp: {kind: ws-security, username: erp, password: hush, password_type: text}
  fleet: {kind: client-certificate, subjects: [/CN=ada], sha256: [0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a]}
  partner: {kind: api-key, key_id: abc, key_sha256: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a}
secrets:
  a: {description: d, value: hush}
plugins:
  shop: {grants: {invoke: ['*'], secrets: [a]}, config: {a: 1}}
services:
  s: {plugin: shop, limits: {timeout_ms: 1, cpu_ms: 1, memory_bytes: 65536, output_bytes: 0, invokes: 0, concurrency: 1,
    queue: 0, calls_per_instance: 2}}
connections:
  mq: {kind: amqp, active: false, host: mq, port: 1, vhost: v, username: u, password: hush, heartbeat_s: 1, publishers: 1,
    in_flight_max: 1, tls: {ca: \"PEM\", server_name: s, client_certificate: \"PEM\", client_key: '${KEY}'}}
channels:
  a: {path: /a, service: s, methods: [GET], security: clerk, active: false, body_bytes_max: 7, timeout_ms: 7,
    cors: {origins: ['*']}}
  b: {protocol: soap, path: /soap/b, service: s, security: erp, soap: {namespace: 'urn:b', operation: o}}
  c: {protocol: amqp, service: s, amqp: {connection: mq, queue: q}}
calendars:
  c: {dates: [2026-12-25], ranges: [{from: 2026-08-01, to: 2026-08-14}], yearly: ['12-25'], weekdays: [SUN]}
jobs:
  j: {service: s, input: [1], schedule: {kind: interval, every: 1h}, calendar: c, misfire: skip, jitter_ms: 1, max_run_ms: 2,
    attempts: 4, expires_ms: 5000, overlap: true, on_success: a, on_failure: b, paused: true}
dictionaries:
  d: {summary: s, systems: [a, b], defaults: {a: x}, entries: [{a: x, b: y, valid_from: 2026-01-01, valid_until: 2026-01-01}]}
";

    const PEM: &str = r"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----";

    #[test]
    fn every_member_that_is_written_is_described() {
        let written =
            Document::read(&yaml::read(&EVERYTHING.replace("PEM", PEM)).unwrap()).unwrap().to_json();
        let schema = serde_json::to_value(document()).unwrap();
        for (section, entries) in written.iter().filter(|(section, _)| *section != "busbar") {
            let entry = &schema["properties"][section]["additionalProperties"];
            for (name, given) in entries.as_object().unwrap() {
                let kinds = entry["oneOf"].as_array().cloned().unwrap_or_else(|| vec![entry.clone()]);
                for member in given.as_object().unwrap().keys() {
                    let known = kinds.iter().any(|kind| kind["properties"][member].is_object());
                    assert!(known, "{section}/{name}/{member}: {entry:#}");
                }
            }
        }
    }
}
