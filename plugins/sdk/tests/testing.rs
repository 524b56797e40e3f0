//! The bus for unit tests behaves as the bus does.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, UNIX_EPOCH};

use busbar_sdk::log::Level;
use busbar_sdk::prelude::*;
use busbar_sdk::testing::TestHost;
use busbar_sdk::{Disposition, kv::Put, random, secrets, time};
use serde_json::{Value, json};

#[input]
struct Add {
    to: String,
    fail: Option<bool>,
}

/// Counts, and tells of it.
#[service(name = "tally.add")]
fn add(input: Add) -> Result<Reply<i64>, Fault> {
    let sum = kv::increment(&input.to, 1)?;
    info!(to = input.to; "counted {sum}");
    deliver(
        "audit.note",
        &json!({"sum": sum}),
        &DeliveryOptions { attempts: Some(3), ..Default::default() },
    )?;
    invoke_async("index.update", &input.to)?;
    match input.fail {
        Some(true) => Err(Fault::reject("asked-to", "asked to fail")),
        _ => Ok(Reply::created(sum).header("Location", format!("/tallies/{}", input.to))),
    }
}

/// Tells brokers, of which one may refuse.
#[service(name = "tally.tell")]
fn tell(input: Add) -> Result<String, Fault> {
    let message = amqp::Message::json("shop", "tally", &input.to)?.header("a", "b").priority(3);
    let message = message.kind("note").reply_to("answers").expiration(Duration::from_secs(1));
    let id =
        amqp::hand_over("broker", message, &DeliveryOptions { attempts: Some(3), ..Default::default() })?;
    amqp::publish("broker", amqp::Message::text("", "audit", &input.to).message_id("m").correlation_id("c"))?;
    match input.fail {
        Some(true) => Err(Fault::reject("asked-to", "asked to fail")),
        _ => Ok(id),
    }
}

#[service(name = "tally.twice")]
fn twice(input: Value) -> Result<Vec<Value>, Fault> {
    let add = |input: &Value| invoke::<Value>("tally.add", input).unwrap_or_else(|fault| json!(fault.code));
    Ok(vec![add(&input["first"]), add(&input["second"])])
}

fn text(value: Option<Vec<u8>>) -> Option<String> {
    value.map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn brokers_are_told_at_once_or_with_the_effects() {
    let host = TestHost::new();
    let outcome = host.call::<tell>(&json!({"to": "x"}));
    let [handed] = &outcome.effects.messages[..] else { panic!("{:?}", outcome.effects) };
    assert_eq!(
        (&*handed.id, &*handed.connection, handed.options.attempts),
        ("delivery-1", "broker", Some(3))
    );
    let message = amqp::Message {
        headers: vec![("a".to_owned(), "b".to_owned())],
        kind: Some("note".to_owned()),
        priority: Some(3),
        reply_to: Some("answers".to_owned()),
        expiration: Some(Duration::from_secs(1)),
        ..amqp::Message::of("shop", "tally", "application/json", b"\"x\"".to_vec())
    };
    assert_eq!(handed.message, message);
    let [published] = &outcome.published[..] else { panic!("{:?}", outcome.published) };
    assert_eq!((&*published.message.routing_key, &*published.message.body), ("audit", &b"x"[..]));
    // What is published stays so.
    let outcome = host.call::<tell>(&json!({"to": "x", "fail": true}));
    assert_eq!((outcome.effects.messages.len(), outcome.published.len()), (0, 1));
    let host = host.broker("broker", |_| Err(Fault::retry_after(1, "it is away")));
    let outcome = host.call::<tell>(&json!({"to": "x"}));
    assert_eq!((&*outcome.fault().code, outcome.published.len()), ("unavailable", 0));
}

#[test]
fn effects_are_told_and_later_calls_see_them() {
    let host = TestHost::new().kv("a", &4);
    let outcome = host.call::<add>(&json!({"to": "a"}));
    assert_eq!((outcome.value().status, outcome.output::<i64>()), (201, 5));
    assert_eq!(outcome.value().header("location"), Some("/tallies/a"));
    assert_eq!(outcome.effects.json("a"), Some(json!(5)));
    let [delivery] = &outcome.effects.deliveries[..] else { panic!("{:?}", outcome.effects) };
    assert_eq!((delivery.service.as_str(), delivery.input()), ("audit.note", json!({"sum": 5})));
    assert_eq!((delivery.id.as_str(), delivery.options.attempts), ("delivery-1", Some(3)));
    assert_eq!(outcome.effects.invocations[0].service, "index.update");
    assert_eq!(outcome.effects.invocations[0].input(), json!("a"));
    assert_eq!((outcome.logs[0].level, outcome.logs[0].message.as_str()), (Level::Info, "counted 5"));
    assert_eq!(outcome.logs[0].fields, [("to".to_owned(), "a".to_owned())]);
    assert_eq!(host.call::<add>(&json!({"to": "a"})).output::<i64>(), 6);
}

#[test]
fn a_fault_discards_effects_but_not_the_log() {
    let host = TestHost::new();
    let outcome = host.call::<add>(&json!({"to": "a", "fail": true}));
    assert_eq!(outcome.fault().code, "asked-to");
    assert!(outcome.effects.is_empty());
    assert_eq!(outcome.logs.len(), 1);
    assert_eq!(host.kept("a"), None);
    assert_eq!(host.call::<add>(&json!({"to": 1})).fault().errors[0].path, "/to");
}

#[test]
fn a_nested_fault_discards_the_nested_part_only() {
    let host = TestHost::new().own::<add>();
    let outcome = host.call::<twice>(&json!({"first": {"to": "a"}, "second": {"to": "a", "fail": true}}));
    assert_eq!(outcome.output::<Value>(), json!([1, "asked-to"]));
    assert_eq!(outcome.effects.json("a"), Some(json!(1)));
    assert_eq!(outcome.effects.deliveries.len(), 1);
}

#[test]
fn versions_and_expectations_hold() {
    let host = TestHost::new().kv("k", &"one");
    let outcome = host.run(|| {
        let first = kv::get_json::<String>("k")?.unwrap();
        assert_eq!(first.value, "one");
        kv::put_json("k", "two", Put::over(first.version))?;
        assert_eq!(kv::put_json("k", "three", Put::over(first.version)).unwrap_err().code, "conflict");
        let second = kv::get_json::<String>("k")?.unwrap();
        assert_ne!(first.version, second.version);
        kv::put_json("k", "three", Put::over(second.version))?;
        kv::put_json("new", "here", Put::new())?;
        kv::delete("new")?;
        kv::put_json("new", "again", Put::new())
    });
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.effects.json("k"), Some(json!("three")));
    assert_eq!(outcome.effects.json("new"), Some(json!("again")));
}

#[test]
fn what_others_change_meanwhile_is_a_conflict_at_the_commit() {
    let host = TestHost::new().kv("k", &1);
    let outcome = host.run(|| {
        let entry = kv::get_json::<i64>("k")?.unwrap();
        host.put("k", b"2");
        kv::put_json("k", &(entry.value + 10), Put::over(entry.version))
    });
    assert_eq!((outcome.fault().code.as_str(), outcome.fault().status), ("conflict", Some(409)));
    assert_eq!(text(host.kept("k")).as_deref(), Some("2"));
    let outcome = host.run(|| {
        let seen = kv::increment("k", 1)?;
        host.put("k", b"40");
        Ok(seen)
    });
    assert_eq!((*outcome.value(), text(host.kept("k")).as_deref()), (3, Some("41")), "increments all count");
    let outcome = host.run(|| {
        kv::increment("new", 1)?;
        host.put("new", b"x");
        Ok(())
    });
    assert_eq!(outcome.fault().code, "not-a-number");
}

#[test]
fn values_expire_by_the_given_clock() {
    let start = UNIX_EPOCH + Duration::from_secs(1_000);
    let host = TestHost::new().now(start);
    let kept = |key: &'static str| host.run(|| Ok(kv::get(key)?.is_some()));
    let outcome = host.run(|| {
        kv::put_with("k", b"v", Put::default().ttl(Duration::from_secs(10)))?;
        assert!(kv::put_with("k", b"v", Put::default().ttl(Duration::ZERO)).is_err());
        assert!(cache::put("c", b"v", Some(Duration::from_secs(5))));
        Ok(time::unix_ms())
    });
    assert_eq!(*outcome.value(), 1_000_000);
    assert_eq!(outcome.effects.kv["k"].expires, Some(start + Duration::from_secs(10)));
    host.advance(Duration::from_secs(9));
    assert!(*kept("k").value());
    assert_eq!(host.run(|| Ok(cache::get("c"))).result.unwrap(), None);
    host.advance(Duration::from_secs(1));
    assert!(!*kept("k").value());
    assert!(host.run(|| kv::put_with("k", b"w", Put::new())).result.is_ok(), "an expired value is none");
}

#[test]
fn listings_mix_what_is_kept_and_what_is_staged() {
    let host = TestHost::new().kv("a/1", &1).kv("a/2", &2).kv("a/4", &4).kv("b", &0);
    let outcome = host.run(|| {
        kv::delete("a/2")?;
        kv::put("a/3", b"3")?;
        let keys = |page: &kv::Page| page.entries.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        let first = kv::list("a/", None, 2)?;
        assert_eq!((keys(&first), first.next.as_deref()), (vec!["a/1".into(), "a/3".into()], Some("a/3")));
        let second = kv::list("a/", first.next.as_deref(), 2)?;
        assert_eq!((keys(&second), second.next), (vec!["a/4".into()], None));
        assert_eq!(kv::get("").unwrap_err().code, "limit");
        Ok(())
    });
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.effects.kv["a/2"].value, None);
}

#[test]
fn doubles_answer_as_services_do() {
    let host = TestHost::new()
        .service("double", |input| Ok(json!(input.as_i64().unwrap_or_default() * 2)))
        .service("broken", |_| Err(Fault::fail("the password is sesame").error("/x", "y")))
        .service("strict", |_| Err(Fault::reject("no-such-thing", "no").error("/x", "y")));
    let outcome = host.run(|| {
        let all = invoke_all::<i64>([("double", 1), ("double", 2), ("missing", 3)]);
        let sums: Vec<_> = all.into_iter().map(|result| result.map_err(|fault| fault.code)).collect();
        assert_eq!(sums, [Ok(2), Ok(4), Err("service-unknown".to_owned())]);
        let failed = invoke::<i64>("broken", &1).unwrap_err();
        assert_eq!((failed.disposition, failed.errors.len()), (Disposition::Fail, 0));
        assert!(!failed.message.contains("sesame"), "causes are not told");
        let rejected = invoke::<i64>("strict", &1).unwrap_err();
        assert_eq!((rejected.status, rejected.errors[0].path.as_str()), (Some(400), "/x"));
        Ok(())
    });
    assert!(outcome.result.is_ok());
}

#[test]
fn the_surroundings_are_what_was_given() {
    let host = TestHost::new()
        .config(json!({"limit": 3}))
        .secret("pay-key", "sesame")
        .caller("partner")
        .header("Accept-Language", "de")
        .idempotency_key("k1")
        .attempt(2)
        .correlation_id("c1")
        .random([0xab; 16]);
    let outcome = host.run(|| {
        assert_eq!(config::get::<u32>("limit")?, Some(3));
        assert_eq!(secrets::get("pay-key")?, "sesame");
        assert_eq!(secrets::get("other").unwrap_err().code, "secret-unknown");
        assert_eq!(context::caller().as_deref(), Some("partner"));
        assert_eq!(context::head().header("accept-language"), Some("de"));
        assert_eq!((context::idempotency_key().as_deref(), context::attempt()), (Some("k1"), 2));
        assert_eq!((context::correlation_id().as_str(), context::remaining().as_secs()), ("c1", 30));
        Ok((random::id(), random::id()))
    });
    let (first, second) = outcome.value();
    assert_eq!(first, &"ab".repeat(16));
    assert_ne!(first, second);
    let again = TestHost::new().random([0xab; 16]).run(|| Ok((random::id(), random::id())));
    assert_eq!(again.value(), outcome.value(), "every run is the same");
}

#[test]
#[should_panic(expected = "no test host: what asks the bus is called by busbar_sdk::testing::TestHost")]
fn without_a_host_there_is_no_bus() {
    let _ = kv::get("k");
}

#[test]
fn a_call_that_panics_leaves_no_host_behind() {
    let host = TestHost::new();
    let call = std::panic::AssertUnwindSafe(|| host.run::<()>(|| panic!("as a test that fails")));
    assert!(std::panic::catch_unwind(call).is_err());
    assert!(std::panic::catch_unwind(context::attempt).is_err());
    assert_eq!(*host.run(|| Ok(context::attempt())).value(), 1);
}
