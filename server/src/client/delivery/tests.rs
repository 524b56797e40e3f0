//! The commands about deliveries, obeyed against a bus that answers as it is told.

use clap::Parser;
use serde_json::{Value, json};

use super::{Command, run};
use crate::client::{
    failure::conclude,
    fake::{Asked, Fake},
};

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

async fn obey_as(fake: &Fake, json: bool, words: &[&str]) -> (u8, String, String) {
    let (mut session, out, err) = fake.session(json);
    let command = Line::try_parse_from([&["delivery"], words].concat()).unwrap().command;
    let outcome = run(&mut session, command).await;
    (conclude(&mut session.output, outcome), out.text(), err.text())
}

async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
    obey_as(fake, false, &line.split_whitespace().collect::<Vec<_>>()).await
}

fn delivery(id: &str, state: &str) -> Value {
    json!({"id": id, "target": "mailer.send", "source": "shop", "state": state, "attempts": 2, "attempts_max": 3,
        "backoff_ms": 1, "backoff_max_ms": 2, "order_key": null, "content_type": "application/json",
        "payload_bytes": 7, "due_at": null, "expires_at": "later", "correlation_id": "c",
        "failures": [{"attempt": 2, "at": "then", "code": "refused", "message": "no\nway"}],
        "created_at": "once", "updated_at": "now", "href": "/api/v1/deliveries/1"})
}

/// Knows 1 and 2, which failed, and 3, which is under way.
fn bus(asked: &Asked) -> (u16, Value) {
    let path = asked.path.strip_prefix("/api/v1/deliveries").unwrap_or_default();
    let state = |id: &str| if id == "3" { "in-progress" } else { "failed" };
    let refused = |status, code| (status, json!({"title": "No", "detail": "it can't be", "code": code}));
    match (asked.method.as_str(), path.trim_start_matches('/').split_once('/')) {
        ("GET", None) if path.starts_with("?state=expired") => (200, json!({"items": [], "next": null})),
        ("GET", None) if path.starts_with('?') => {
            let items = ["3", "2", "1"].map(|id| delivery(id, state(id)));
            (200, json!({"items": items, "next": null}))
        }
        ("GET", None) if path == "/none" => refused(404, "not-found"),
        ("GET", None) => (200, delivery(&path[1..], state(&path[1..]))),
        ("GET", Some((_, "payload"))) => (200, json!({"a": 1})),
        ("POST", Some(("3", _))) => refused(409, "wrong-state"),
        ("POST", Some((id, "retry"))) => (200, delivery(id, "waiting")),
        ("POST", Some((id, "discard"))) => (200, delivery(id, "discarded")),
        _ => refused(404, "not-found"),
    }
}

#[tokio::test]
async fn lists_and_shows() {
    let fake = Fake::start(bus).await;
    let (_, list, err) = obey(&fake, "list --state failed --target a.b --correlation x&y --limit 2").await;
    assert!(list.ends_with("\n2\tmailer.send\tfailed\t2 of 3\t-\trefused: no way\n"), "{list}");
    assert_eq!(err, "there are more; --all lists them, --limit N some of them\n");
    let asked = fake.asked()[0].line();
    assert_eq!(asked, "GET /api/v1/deliveries?state=failed&target=a.b&correlation_id=x%26y&limit=3");
    let (_, list, err) = obey(&fake, "list --all --source shop").await;
    assert_eq!((list.lines().count(), err.as_str()), (4, ""));
    assert_eq!(fake.asked()[1].line(), "GET /api/v1/deliveries?source=shop&limit=500");
    let (_, list, _) = obey_as(&fake, true, &["list"]).await;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["items"].as_array().unwrap().len(), 3);
    let (_, show, _) = obey(&fake, "show 1").await;
    assert!(show.contains("state\tfailed\nattempts\t2 of 3\n"), "{show}");
    assert!(show.ends_with("\n2\tthen\trefused\tno way\n"), "{show}");
    assert_eq!(obey(&fake, "show 1 --payload").await.1, "{\"a\":1}");
    let (code, _, err) = obey(&fake, "show none").await;
    assert_eq!(code, 1);
    assert!(err.contains("failed to show delivery none: it can't be (404 not-found)"), "{err}");
}

#[tokio::test]
async fn tells_what_changed_and_what_did_not() {
    let fake = Fake::start(bus).await;
    let (code, out, err) = obey(&fake, "retry 1 3 2").await;
    assert_eq!(code, 1);
    assert_eq!(
        out,
        "ID\tTARGET\tWAS\tIS\n1\tmailer.send\tfailed\twaiting\n2\tmailer.send\tfailed\twaiting\n"
    );
    let expected =
        "delivery 3 is as it was: it can't be (409 wrong-state)\nerror: failed to retry 1 of 3 deliveries\n";
    assert_eq!(err, expected);
    assert!(fake.changes().iter().all(|asked| asked.header("if-match") == Some("\"7\"")));
    assert!(fake.changes().iter().all(|asked| asked.body.is_empty()));
    let (code, out, _) = obey(&fake, "discard 1").await;
    assert_eq!((code, out.as_str()), (0, "ID\tTARGET\tWAS\tIS\n1\tmailer.send\tfailed\tdiscarded\n"));
    let (code, out, err) = obey(&fake, "discard 3").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: failed to discard delivery 3: it can't be (409 wrong-state)\n"), "{err}");
    let (_, out, _) = obey_as(&fake, true, &["retry", "1"]).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["items"][0]["state"], "waiting");
}

#[tokio::test]
async fn all_are_those_that_are_in_the_state_still() {
    let fake = Fake::start(bus).await;
    let (code, out, err) = obey(&fake, "retry --all --state failed --target mailer.send --yes").await;
    assert_eq!((code, out.lines().count()), (1, 3));
    assert!(err.starts_with("delivery 3 is as it was: it is in-progress by now, not failed\n"), "{err}");
    assert_eq!(fake.changes().len(), 2);
    let (code, _, err) = obey(&fake, "discard --all --state expired --yes").await;
    assert_eq!((code, err.as_str()), (0, "there is nothing to discard\n"));
    assert_eq!(fake.changes().len(), 2);
}

#[tokio::test]
async fn another_payload_goes_with_the_retry() {
    let fake = Fake::start(bus).await;
    let file = fake.folder().join("order.json");
    std::fs::write(&file, "{\"a\": 2}").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(obey_as(&fake, false, &["retry", "1", "--payload-file", file]).await.0, 0);
    assert_eq!(fake.changes()[0].json(), json!({"payload_base64": "eyJhIjogMn0="}));
    let png = ["retry", "1", "--payload-file", file, "--content-type", "image/png"];
    assert_eq!(obey_as(&fake, false, &png).await.0, 0);
    assert_eq!(fake.changes()[1].json()["content_type"], "image/png");
    assert_eq!(obey_as(&fake, false, &["retry", "1", "2", "--payload-file", file]).await.0, 2);
    std::fs::write(file, "{\"a\":").unwrap();
    let (code, _, err) = obey_as(&fake, false, &["retry", "1", "--payload-file", file]).await;
    assert_eq!(code, 2);
    assert!(err.contains("is not JSON"), "{err}");
    assert_eq!(fake.changes().len(), 2);
}
