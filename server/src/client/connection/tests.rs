//! `busbar connection` against a server that answers as it is told.

mod kinds;

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

pub(super) async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
    let (mut session, out, err) = fake.session(false);
    let words = std::iter::once("connection").chain(line.split_whitespace());
    let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
    (conclude(&mut session.output, outcome), out.text(), err.text())
}

fn bus(asked: &Asked) -> (u16, Value) {
    let known = json!({"id": "c1", "name": "broker", "kind": "amqp", "active": true, "host": "::1", "port": 5671,
        "vhost": "/", "username": "ada", "heartbeat_s": 10, "publishers": 2, "in_flight_max": 256,
        "tls": {"ca": null, "server_name": "mq", "client_certificate": "PEM"}});
    match asked.line().as_str() {
        "PATCH /api/v1/connections/c1" => (200, known),
        "DELETE /api/v1/connections/c1" => (204, Value::Null),
        "GET /api/v1/connections/c1/links" => {
            let link = json!({"server": "s", "pid": 7, "way": "in", "state": "reconnecting",
                "since": "2026-11-28T00:00:00Z", "reason": "it is away"});
            (200, json!({"items": [link]}))
        }
        "POST /api/v1/connections/c1/ping" => {
            (200, json!({"reached": false, "took_ms": null, "problem": "nobody is there"}))
        }
        "POST /api/v1/connections/c2/ping" => (200, json!({"reached": true, "took_ms": 12, "problem": null})),
        _ => {
            let mut other = known.clone();
            (other["id"], other["name"]) = (json!("c2"), json!("other"));
            (200, json!({"items": [other, known], "next": null}))
        }
    }
}

#[tokio::test]
async fn what_came_of_a_ping_is_the_exit_code() {
    let fake = Fake::start(bus).await;
    let works = obey(&fake, "ping other").await;
    assert_eq!(works, (0, "connection other works; it took 12 ms\n".to_owned(), String::new()));
    let (code, out, err) = obey(&fake, "ping broker").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("connection broker does not work: nobody is there"), "{err}");
}

#[tokio::test]
async fn lists_shows_and_deletes() {
    let fake = Fake::start(bus).await;
    let (_, list, _) = obey(&fake, "list").await;
    assert!(list.ends_with("\nbroker\tamqp\tamqps://[::1]:5671\t/\tada\tyes\n"), "{list}");
    let (_, shown, _) = obey(&fake, "show broker").await;
    let tls = "ca\tthe system's\nserver_name\tmq\nclient_certificate\tgiven\n\
               links\ts 7 in reconnecting since 2026-11-28T00:00:00Z: it is away\n";
    assert!(shown.contains("vhost\t/\n") && shown.ends_with(tls), "{shown}");
    assert_eq!(obey(&fake, "delete broker").await.2, "connection broker is deleted\n");
    assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/connections/c1");
}

#[tokio::test]
async fn sends_what_was_given_and_no_more() {
    let fake = Fake::start(bus).await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("c.key"));
    std::fs::write(&certificate, "CERTIFICATE").unwrap();
    std::fs::write(&key, "KEY").unwrap();
    let files = format!("--client-certificate {} --client-key {}", certificate.display(), key.display());
    let lines = [
        (
            "update broker --rename mq --inactive --port 5671",
            json!({"name": "mq", "active": false, "port": 5671}),
        ),
        ("update broker --tls --server-name mq", json!({"tls": {"server_name": "mq"}})),
        (
            &format!("update broker {files} --ca none"),
            json!({"tls": {"ca": null, "client_certificate": "CERTIFICATE", "client_key": "KEY"}}),
        ),
    ];
    for (line, sent) in lines {
        assert_eq!(obey(&fake, line).await.0, 0, "{line}");
        assert_eq!(fake.changes().last().unwrap().json(), sent, "{line}");
    }
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    let fake = Fake::start(bus).await;
    assert_eq!(obey(&fake, "update broker").await.0, 2);
    let (code, _, said) = obey(&fake, "create b --url amqp://u:hush@mq").await;
    assert!(code == 2 && said.contains("--password-stdin") && !said.contains("hush"), "{said}");
    for line in ["create b --url mq", "create b --url amqp://mq"] {
        assert_eq!(obey(&fake, line).await.0, 2, "{line}");
    }
    for line in ["update broker --no-tls", "update broker --host evil", "update broker --port 1"] {
        let (code, _, said) = obey(&fake, line).await;
        assert!(code == 2 && said.contains("--password-stdin"), "{line}: {said}");
    }
    let (code, _, said) = obey(&fake, "update broker --ca /none/there").await;
    assert!(code == 2 && said.contains("/none/there can't be read"), "{said}");
    assert!(fake.changes().is_empty());
    assert!(Line::try_parse_from(["connection", "update", "b", "--tls", "--no-tls"]).is_err());
    assert!(Line::try_parse_from(["connection", "create", "b", "--url", "u", "--host", "h"]).is_err());
}
