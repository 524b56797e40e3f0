//! `/api/v1/jobs` and `/api/v1/calendars`.

use serde_json::{Value, json};

use crate::fixture::Api;

const JOBS: &str = "/api/v1/jobs";
const CALENDARS: &str = "/api/v1/calendars";

fn job(name: &str, schedule: Value) -> Value {
    json!({"name": name, "service": "orders.summary", "schedule": schedule})
}

fn hourly(name: &str) -> Value {
    job(name, json!({"kind": "interval", "every": "1h"}))
}

#[tokio::test]
async fn a_job_is_made_changed_and_removed() {
    let api = Api::new();
    let made = api.post(JOBS, hourly("a")).await.is(201);
    assert_eq!((made.header("location"), made.header("etag")), (made.text("href"), "\"1\""));
    assert_eq!(made.json["next_runs"].as_array().unwrap().len(), 10);
    assert_eq!(
        (&made.json["misfire"], &made.json["input"], &made.json["never"]),
        (&json!("once"), &json!({}), &Value::Null)
    );
    assert_eq!(made.json["next_run"], made.json["next_runs"][0]);
    let href = made.text("href");
    let changed = api
        .patch(href, json!({"input": {"a": 1}, "misfire": "all(3)", "max_run_ms": 5, "overlap": true, "on_failure": "alarm"}))
        .await
        .is(200);
    assert_eq!((changed.header("etag"), &changed.json["misfire"]), ("\"2\"", &json!("all(3)")));
    assert_eq!(changed.json["next_run"], made.json["next_run"], "its times stay");
    let back = api.patch(href, json!({"input": null, "misfire": null, "max_run_ms": null})).await.is(200);
    assert_eq!((&back.json["input"], &back.json["max_run_ms"]), (&json!({}), &Value::Null));
    let cron = json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Europe/Berlin"});
    let other = api.patch(href, json!({"schedule": cron})).await.is(200);
    assert_eq!(other.json["schedule"], cron);
    assert_eq!(api.get(JOBS).await.is(200).names(), ["a"]);
    let listed = api.get(&format!("{JOBS}?service=orders.summary&paused=false")).await.is(200);
    assert!(listed.json["items"][0].get("next_runs").is_none(), "{:#}", listed.json);
    api.delete(href).await.is(204);
    api.get(href).await.refused(404, "not-found");
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_is_allowed() {
    let api = Api::new();
    let empty = api.post(JOBS, json!({})).await;
    empty.invalid_at("/name", &["required"]);
    let wrong = json!({"name": "a", "service": "s", "misfire": "sometimes", "jitter_ms": 3_600_001, "attempts": 0,
        "expires_ms": 1, "schedule": {"kind": "cron", "expression": "61 * * * *"}});
    api.post(JOBS, wrong)
        .await
        .invalid_at("/misfire", &["\"sometimes\" is unknown", "skip, once, and all(N)"])
        .says_at("/jitter_ms", &["is 3600001; allowed is 0 to 3600000"])
        .says_at("/attempts", &["is 0; allowed is 1 to 100"])
        .says_at("/expires_ms", &["is 1; allowed is 1000 to 604800000"])
        .says_at("/schedule/expression", &["\"61 * * * *\" is not valid", "allowed is minute hour"]);
    for (schedule, path, told) in [
        (json!(7), "/schedule", "is not an object"),
        (json!({"kind": "weekly"}), "/schedule/kind", "allowed is once, interval, cron"),
        (json!({"kind": "interval", "every": "soon"}), "/schedule/every", "\"soon\" is not valid"),
        (json!({"kind": "once", "at": "2026-12-01"}), "/schedule/at", "allowed is a time in ISO 8601"),
        (
            json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Mars/Phobos"}),
            "/schedule/time_zone",
            "does not exist",
        ),
    ] {
        api.post(JOBS, job("a", schedule)).await.invalid_at(path, &[told]);
    }
    api.post(JOBS, json!({"name": "a", "serivce": "s"}))
        .await
        .invalid_at("/serivce", &["did you mean `service`?"]);
    let mut unknown = hourly("a");
    unknown["calendar"] = json!("closed");
    api.post(JOBS, unknown).await.refused(409, "unknown-calendar").says_at("/calendar", &["does not exist"]);
    api.post(JOBS, hourly("a")).await.is(201);
    api.post(JOBS, hourly("a")).await.refused(409, "name-taken");
}

#[tokio::test]
async fn a_job_that_never_runs_is_saved_and_says_why() {
    let api = Api::new();
    let february =
        api.post(JOBS, job("a", json!({"kind": "cron", "expression": "0 0 30 2 *"}))).await.is(201);
    assert_eq!(february.json["next_runs"], json!([]));
    assert_eq!(
        (february.text("never"), &february.json["next_run"]),
        ("no time fits its cron expression", &Value::Null)
    );
}

#[tokio::test]
async fn a_job_is_paused_resumed_and_run_now() {
    let api = Api::new();
    let made = api.post(JOBS, hourly("a")).await.is(201);
    let href = made.text("href");
    let paused = api.post_empty(&format!("{href}/pause")).await.is(200);
    assert_eq!((&paused.json["paused"], paused.header("etag")), (&json!(true), "\"2\""));
    let again = api.post_empty(&format!("{href}/pause")).await.is(200);
    assert_eq!(again.header("etag"), "\"2\"", "nothing was changed");
    let run = api.post_empty(&format!("{href}/run")).await.is(202);
    assert_eq!((run.text("trigger"), &run.json["outcome"]), ("manual", &Value::Null));
    let refused = api.post_empty(&format!("{href}/run")).await.refused(409, "run-under-way");
    assert!(refused.text("detail").contains("job \"a\" has a run that has not ended"), "{refused:?}");
    let runs = api.get(run.header("location")).await.is(200);
    assert_eq!(runs.json["items"][0]["id"], run.json["id"]);
    let none = api.get(&format!("{href}/runs?outcome=failure")).await.is(200);
    assert_eq!(none.json["items"], json!([]));
    api.get(&format!("{href}/runs?outcome=lost"))
        .await
        .invalid_at("/outcome", &["allowed is success, failure, skipped"]);
    let resumed = api.post_empty(&format!("{href}/resume")).await.is(200);
    assert_eq!(resumed.json["paused"], false);
    api.post_empty(&format!("{JOBS}/none/run")).await.refused(404, "not-found");
}

#[tokio::test]
async fn next_times_are_given_as_asked() {
    let api = Api::new();
    let made = api.post(JOBS, hourly("a")).await.is(201);
    let href = made.text("href");
    for (query, count) in [("", 10), ("?count=1", 1), ("?count=100", 100)] {
        let next = api.get(&format!("{href}/next{query}")).await.is(200);
        assert_eq!(next.json["next_runs"].as_array().unwrap().len(), count);
    }
    for odd in ["0", "101", "x"] {
        api.get(&format!("{href}/next?count={odd}")).await.invalid_at("/count", &["allowed is 1 to 100"]);
    }
}

#[tokio::test]
async fn a_calendar_is_made_changed_and_removed() {
    let api = Api::new();
    let rules = json!({"name": "closed", "dates": ["2026-12-25"], "ranges": [{"from": "2026-08-01", "to": "2026-08-14"}],
        "yearly": ["12-26", {"from": "12-31", "to": "01-01"}], "weekdays": ["SUN"]});
    let made = api.post(CALENDARS, rules.clone()).await.is(201);
    for member in ["dates", "ranges", "yearly", "weekdays"] {
        assert_eq!(made.json[member], rules[member]);
    }
    let href = made.text("href");
    let changed = api.patch(href, json!({"weekdays": null, "dates": ["2027-01-06"]})).await.is(200);
    assert_eq!((&changed.json["weekdays"], &changed.json["dates"]), (&json!([]), &json!(["2027-01-06"])));
    assert_eq!(changed.json["yearly"], rules["yearly"]);
    let wrong = json!({"name": "b", "dates": ["2026-12-25", "2026-02-30"], "ranges": [{"from": "2026-02-02"}],
        "yearly": ["13-01"], "weekdays": ["sunday"]});
    api.post(CALENDARS, wrong)
        .await
        .invalid_at("/dates/1", &["\"2026-02-30\" is not valid"])
        .says_at("/ranges/0", &["missing field `to`"])
        .says_at("/yearly/0", &["must be a day as"])
        .says_at("/weekdays/0", &["allowed is MON"]);
    let mut user = hourly("a");
    user["calendar"] = json!("closed");
    let user = api.post(JOBS, user).await.is(201);
    api.delete(href).await.refused(409, "in-use").says_at("", &["job \"a\" uses it"]);
    assert_eq!(api.get(&format!("{JOBS}?calendar=closed")).await.names(), ["a"]);
    api.delete(user.text("href")).await.is(204);
    api.delete(href).await.is(204);
}
