//! What is asked and shown for each line.

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

/// Spaces within an argument are written `_`.
async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
    let (mut session, out, err) = fake.session(false);
    let words = line.split_whitespace().map(|word| word.replace('_', " "));
    let words = std::iter::once("job".to_owned()).chain(words);
    let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
    (conclude(&mut session.output, outcome), out.text(), err.text())
}

fn bus(asked: &Asked) -> (u16, Value) {
    let job = json!({"id": "j1", "name": "nightly", "service": "orders.summary", "input": {},
        "schedule": {"kind": "cron", "expression": "0 2 * * *", "time_zone": "Europe/Berlin"}, "calendar": null,
        "misfire": "once", "jitter_ms": 0, "max_run_ms": null, "attempts": 3, "expires_ms": 3_600_000, "overlap": false,
        "on_success": null, "on_failure": "alarm", "paused": false, "next_run": "2026-12-01T01:00:00Z",
        "runs": {"success": 2, "failure": 1, "skipped": 0}, "next_runs": ["2026-12-01T01:00:00Z"], "never": null});
    let run = json!({"id": "r1", "trigger": "manual", "scheduled_for": "2026-12-01T01:00:00Z", "started_at": "x",
        "ended_at": "y", "outcome": "failure", "duration_ms": 7, "correlation_id": "c1", "delivery": "d1",
        "error": {"code": "broken", "message": "because"}});
    match asked.line().as_str() {
        "GET /api/v1/jobs?limit=500" | "GET /api/v1/jobs?name=nightly&limit=500" => {
            (200, json!({"items": [job], "next": null}))
        }
        "POST /api/v1/jobs" => (201, job),
        "GET /api/v1/jobs/j1" | "PATCH /api/v1/jobs/j1" | "POST /api/v1/jobs/j1/pause" => (200, job),
        "POST /api/v1/jobs/j1/resume" => (200, job),
        "POST /api/v1/jobs/j1/run" => (202, run),
        "GET /api/v1/jobs/j1/next?count=3" => {
            (200, json!({"next_runs": [], "never": "no time fits its cron expression"}))
        }
        "DELETE /api/v1/jobs/j1" => (204, Value::Null),
        line if line.starts_with("GET /api/v1/jobs/j1/runs?outcome=failure") => {
            (200, json!({"items": [run], "next": null}))
        }
        _ => (200, json!({"items": [], "next": null})),
    }
}

#[tokio::test]
async fn lists_and_shows() {
    let fake = Fake::start(bus).await;
    let (_, list, _) = obey(&fake, "list").await;
    let expected = "\nnightly\torders.summary\t0 2 * * * Europe/Berlin\t2026-12-01T01:00:00Z\tno\t2 success, 1 failure, 0 skipped\n";
    assert!(list.ends_with(expected), "{list}");
    let (_, show, _) = obey(&fake, "show nightly").await;
    assert!(show.contains("on_failure\talarm\npaused\tno\n"), "{show}");
    assert!(show.ends_with("NEXT RUN\n2026-12-01T01:00:00Z\n"), "{show}");
    let (_, runs, _) = obey(&fake, "runs nightly --outcome failure").await;
    assert!(runs.ends_with("2026-12-01T01:00:00Z\tmanual\tfailure\t7 ms\tc1\tbroken: because\n"), "{runs}");
    let (_, out, said) = obey(&fake, "next nightly --count 3").await;
    assert_eq!((out.as_str(), said.as_str()), ("", "it never runs: no time fits its cron expression\n"));
}

#[tokio::test]
async fn sends_what_was_given_and_no_more() {
    let fake = Fake::start(bus).await;
    let lines = [
        "create nightly --service s --cron 0_2_*_*_* --time-zone Europe/Berlin --calendar closed --paused",
        "create poll --service s --every 90s --start 2026-12-01T00:00:00Z --repeats 3 --overlap --input {\"a\":1}",
        "update nightly --calendar none --on-success none --overlap=false --misfire all(3)",
        "update nightly --at 2026-12-01T02:00:00Z --rename once --attempts 1",
        "run nightly",
        "pause nightly",
        "resume nightly",
        "delete nightly",
    ];
    for line in lines {
        assert_eq!(obey(&fake, line).await.0, 0, "{line}");
    }
    let changes = fake.changes();
    let cron = json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Europe/Berlin"});
    assert_eq!(
        changes[0].json(),
        json!({"name": "nightly", "service": "s", "paused": true, "schedule": cron, "calendar": "closed"})
    );
    let interval = json!({"kind": "interval", "every": "90s", "start": "2026-12-01T00:00:00Z", "repeats": 3});
    assert_eq!(
        changes[1].json(),
        json!({"name": "poll", "service": "s", "input": {"a": 1}, "schedule": interval, "overlap": true})
    );
    assert_eq!(
        changes[2].json(),
        json!({"calendar": null, "misfire": "all(3)", "overlap": false, "on_success": null})
    );
    let once = json!({"kind": "once", "at": "2026-12-01T02:00:00Z"});
    assert_eq!(changes[3].json(), json!({"name": "once", "schedule": once, "attempts": 1}));
    let actions: Vec<_> = changes[4..].iter().map(Asked::line).collect();
    let path = "/api/v1/jobs/j1";
    let expected = [
        format!("POST {path}/run"),
        format!("POST {path}/pause"),
        format!("POST {path}/resume"),
        format!("DELETE {path}"),
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    let fake = Fake::start(bus).await;
    assert_eq!(obey(&fake, "create nightly --service s").await.0, 2);
    assert_eq!(obey(&fake, "update nightly").await.0, 2);
    assert_eq!(obey(&fake, "update nightly --input {").await.0, 2);
    for line in [
        "create a --service s --every 1h --cron x",
        "create a --service s --cron x --repeats 3",
        "create a --service s --time-zone UTC",
        "next a --count 0",
        "runs a --outcome lost",
    ] {
        let words = std::iter::once("job").chain(line.split_whitespace());
        assert!(Line::try_parse_from(words).is_err(), "{line}");
    }
    assert!(fake.changes().is_empty());
}
