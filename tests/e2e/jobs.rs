//! Services that run on a schedule, seen from outside. (45, 46, 47, 49)

use std::{fs, time::Duration};

use busbar_tests::{Quickstart, metrics::Samples, poll};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

/// For some runs on a machine that is busy.
pub(crate) const BOUND: Duration = Duration::from_secs(45);

pub(crate) async fn create(bus: &Quickstart, body: Value) -> Value {
    bus.admin("POST", "/jobs", Some(&body)).await.expect(201)
}

/// A job that has its message counted under the job's name.
pub(crate) fn counting(name: &str, schedule: Value, more: Value) -> Value {
    let mut job =
        json!({"name": name, "service": "keeper.receive", "input": {"name": name}, "schedule": schedule});
    for (member, value) in more.as_object().unwrap() {
        job[member] = value.clone();
    }
    job
}

/// Oldest first.
pub(crate) async fn runs(bus: &Quickstart, job: &Value) -> Vec<Value> {
    let path = format!("/jobs/{}/runs?limit=500", job["id"].as_str().unwrap());
    let mut runs = bus.read(&path).await["items"].as_array().unwrap().clone();
    runs.reverse();
    runs
}

/// A time of a run, since 1970.
pub(crate) fn microseconds(run: &Value, member: &str) -> i64 {
    let text = run[member].as_str().unwrap_or_else(|| panic!("{member} of {run}"));
    text.parse::<busbar_model::Timestamp>().unwrap().0
}

/// Runs as soon as so many have ended.
pub(crate) async fn wait_ended(bus: &Quickstart, job: &Value, count: usize) -> Vec<Value> {
    poll::until(&format!("{count} ended runs of {}", job["name"]), BOUND, async || {
        let runs = runs(bus, job).await;
        let ended = runs.iter().filter(|run| !run["outcome"].is_null()).count();
        if ended >= count { Ok(runs) } else { Err(json!(runs).to_string()) }
    })
    .await
}

pub(crate) async fn received(bus: &Quickstart, name: &str) -> i64 {
    let told = bus.invoke("keeper.received", &json!({"name": name})).await.expect(200);
    told["count"].as_i64().unwrap()
}

/// The inputs of all deliveries to a service.
async fn told(bus: &Quickstart, service: &str) -> Vec<Value> {
    let deliveries = bus.read(&format!("/deliveries?target={service}")).await;
    let mut inputs = Vec::new();
    for delivery in deliveries["items"].as_array().unwrap() {
        let path = format!("/deliveries/{}/payload", delivery["id"].as_str().unwrap());
        inputs.push(bus.read(&path).await);
    }
    inputs
}

fn in_seconds(seconds: i64) -> String {
    let at = Utc::now() + TimeDelta::seconds(seconds);
    at.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

async fn metric(bus: &Quickstart, name: &str, labels: &[(&str, &str)]) -> f64 {
    let text = bus.admin_client().get("/metrics").await;
    Samples::parse(text.text()).sum(name, labels)
}

#[tokio::test]
async fn a_job_runs_when_it_should() {
    let bus = Quickstart::start(&["keeper", "echo"]).await;
    tokio::join!(
        a_single_time_runs_once(&bus),
        an_interval_stops_after_its_repeats(&bus),
        a_zone_keeps_its_hours_over_clock_changes(&bus),
        what_never_comes_says_so(&bus),
        someone_runs_it_now(&bus),
        failures_are_told(&bus),
        a_service_that_is_not_there_shows_in_the_history(&bus),
        what_would_overlap_is_skipped(&bus),
        a_run_has_its_time(&bus),
    );
    counted(&bus).await;
}

async fn a_single_time_runs_once(bus: &Quickstart) {
    let at = in_seconds(2);
    let job =
        create(bus, counting("single", json!({"kind": "once", "at": at}), json!({"on_success": "echo"})))
            .await;
    assert_eq!(job["next_runs"], json!([at]));
    let ended = wait_ended(bus, &job, 1).await;
    let run = &ended[0];
    assert_eq!((&run["outcome"], &run["scheduled_for"]), (&json!("success"), &json!(at)), "{run}");
    assert!(run["duration_ms"].is_u64() && run["error"].is_null(), "{run}");
    let seen = bus.read(job["href"].as_str().unwrap().trim_start_matches("/api/v1")).await;
    assert_eq!((&seen["next_run"], &seen["never"]), (&Value::Null, &json!("its only time is past")));
    let message = poll::until("what follows it", BOUND, async || {
        let told = told(bus, "echo").await;
        told.into_iter().find(|told| told["job"] == "single").ok_or_else(|| "nothing yet".to_owned())
    })
    .await;
    assert_eq!((&message["outcome"], &message["output"]), (&json!("success"), &json!({"bytes": 0})));
    assert_eq!((&message["run"], &message["correlation_id"]), (&run["id"], &run["correlation_id"]));
    assert_eq!((runs(bus, &job).await.len(), received(bus, "single").await), (1, 1));
}

async fn an_interval_stops_after_its_repeats(bus: &Quickstart) {
    let schedule = json!({"kind": "interval", "every": "1s", "repeats": 3});
    let job = create(bus, counting("thrice", schedule, json!({"overlap": true}))).await;
    assert_eq!(job["next_runs"].as_array().unwrap().len(), 3, "{job}");
    wait_ended(bus, &job, 3).await;
    let id = job["id"].as_str().unwrap();
    let next = bus.read(&format!("/jobs/{id}/next")).await;
    assert_eq!(next, json!({"next_runs": [], "never": "all of its repeats are made"}));
    assert_eq!((runs(bus, &job).await.len(), received(bus, "thrice").await), (3, 3));
}

async fn a_zone_keeps_its_hours_over_clock_changes(bus: &Quickstart) {
    let schedule = json!({"kind": "cron", "expression": "30 2 * * SUN", "time_zone": "Europe/Berlin"});
    let job = create(bus, counting("sundays", schedule, json!({}))).await;
    assert_eq!(job["next_runs"].as_array().unwrap().len(), 10);
    let next = bus.read(&format!("/jobs/{}/next?count=100", job["id"].as_str().unwrap())).await;
    let mut changes = 0;
    for time in next["next_runs"].as_array().unwrap() {
        let time = time.as_str().unwrap();
        let (month, day): (u32, u32) = (time[5..7].parse().unwrap(), time[8..10].parse().unwrap());
        let last = day > 24;
        changes += u32::from(last && (month == 3 || month == 10));
        let expected = match month {
            // 02:30 does not exist: it runs when the gap is over.
            3 if last => "01:00",
            4..=9 => "00:30",
            // 02:30 comes twice: it runs the first time.
            10 => "00:30",
            _ => "01:30",
        };
        assert_eq!(&time[11..16], expected, "{time}");
    }
    assert!(changes >= 3, "{changes}");
}

async fn what_never_comes_says_so(bus: &Quickstart) {
    let february = json!({"kind": "cron", "expression": "0 0 30 2 *"});
    let job = create(bus, counting("february", february, json!({}))).await;
    assert_eq!((&job["next_runs"], &job["never"]), (&json!([]), &json!("no time fits its cron expression")));
    let closed = json!({"name": "closed", "weekdays": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]});
    bus.admin("POST", "/calendars", Some(&closed)).await.expect(201);
    let daily = json!({"kind": "interval", "every": "1d"});
    let job = create(bus, counting("closed", daily, json!({"calendar": "closed"}))).await;
    assert!(job["never"].as_str().unwrap().contains("excludes every day"), "{job}");
    let nowhere = json!({"kind": "cron", "expression": "0 0 * * *", "time_zone": "Mars/Phobos"});
    let refused = bus.admin("POST", "/jobs", Some(&counting("mars", nowhere, json!({})))).await;
    assert_eq!(refused.problem(400, "invalid-input")["errors"][0]["path"], "/schedule/time_zone");
}

async fn someone_runs_it_now(bus: &Quickstart) {
    let yearly = json!({"kind": "cron", "expression": "0 0 1 1 *"});
    let job = create(bus, counting("yearly", yearly, json!({"paused": true}))).await;
    let path = format!("/jobs/{}/run", job["id"].as_str().unwrap());
    let reply = bus.admin("POST", &path, None).await;
    let location = reply.header("location").unwrap().trim_start_matches("/api/v1").to_owned();
    let run = reply.expect(202);
    let ended = wait_ended(bus, &job, 1).await;
    assert_eq!((&ended[0]["id"], &ended[0]["trigger"]), (&run["id"], &json!("manual")));
    assert_eq!(ended[0]["outcome"], "success");
    assert_eq!(bus.read(&location).await["items"][0]["id"], run["id"]);
    assert_eq!(received(bus, "yearly").await, 1);
}

async fn failures_are_told(bus: &Quickstart) {
    let soon = json!({"kind": "interval", "every": "1s", "repeats": 1});
    let more = json!({"input": {"name": "failing", "fail": 9}, "attempts": 2, "on_failure": "echo"});
    let job = create(bus, counting("failing", soon, more)).await;
    let run = wait_ended(bus, &job, 1).await.remove(0);
    assert_eq!((&run["outcome"], &run["error"]["code"]), (&json!("failure"), &json!("not-yet")), "{run}");
    let delivery = bus.read(&format!("/deliveries/{}", run["delivery"].as_str().unwrap())).await;
    assert_eq!((&delivery["attempts"], &delivery["correlation_id"]), (&json!(2), &run["correlation_id"]));
    let told = told(bus, "echo").await;
    let message = told.iter().find(|told| told["job"] == "failing").unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!((&message["outcome"], &message["error"]), (&json!("failure"), &run["error"]));
}

async fn a_service_that_is_not_there_shows_in_the_history(bus: &Quickstart) {
    let soon = json!({"kind": "interval", "every": "1s", "repeats": 1});
    let job = create(bus, counting("lost", soon, json!({"service": "no.such", "expires_ms": 1000}))).await;
    let run = wait_ended(bus, &job, 1).await.remove(0);
    assert_eq!((&run["outcome"], &run["error"]["code"]), (&json!("failure"), &json!("expired")), "{run}");
    assert!(run["error"]["message"].as_str().unwrap().contains("\"no.such\" was not there"), "{run}");
}

async fn what_would_overlap_is_skipped(bus: &Quickstart) {
    let often = json!({"kind": "interval", "every": "1s"});
    let more = json!({"input": {"name": "slow", "sleep_ms": 2500}});
    let job = create(bus, counting("slow", often, more)).await;
    let runs = wait_ended(bus, &job, 4).await;
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    bus.admin("DELETE", &path, None).await.expect_status(204);
    bus.admin("GET", &format!("{path}/runs"), None).await.problem(404, "not-found");
    let made = runs.iter().filter(|run| run["outcome"] != "skipped");
    let spans: Vec<_> =
        made.map(|run| (run["started_at"].to_string(), run["ended_at"].to_string())).collect();
    for pair in spans.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{spans:?}");
    }
    let skipped = runs.iter().find(|run| run["outcome"] == "skipped").unwrap_or_else(|| panic!("{runs:?}"));
    assert_eq!(skipped["error"]["code"], "overlap");
}

async fn a_run_has_its_time(bus: &Quickstart) {
    let soon = json!({"kind": "interval", "every": "1s", "repeats": 1});
    let more = json!({"input": {"name": "long", "sleep_ms": 20_000}, "max_run_ms": 300, "attempts": 1});
    let job = create(bus, counting("long", soon, more)).await;
    let run = wait_ended(bus, &job, 1).await.remove(0);
    assert_eq!((&run["outcome"], &run["error"]["code"]), (&json!("failure"), &json!("timeout")), "{run}");
    assert!(run["duration_ms"].as_u64().unwrap() < 5_000, "{run}");
}

async fn counted(bus: &Quickstart) {
    let of = |job: &'static str, outcome: &'static str| [("job", job), ("outcome", outcome)];
    poll::until_true("the counts", BOUND, async || {
        metric(bus, "busbar_job_runs_total", &of("thrice", "success")).await == 3.0
            && metric(bus, "busbar_job_runs_total", &of("failing", "failure")).await == 1.0
    })
    .await;
    assert!(metric(bus, "busbar_job_lateness_seconds_count", &[]).await > 5.0);
}

#[tokio::test]
async fn a_paused_job_waits_and_then_follows_its_policy() {
    let bus = Quickstart::start(&["keeper"]).await;
    let often = json!({"kind": "interval", "every": "1s"});
    let job = create(&bus, counting("often", often, json!({"overlap": true}))).await;
    wait_ended(&bus, &job, 1).await;
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    let paused = bus.admin("POST", &format!("{path}/pause"), None).await.expect(200);
    assert_eq!(paused["paused"], true);
    // What was fired just before ends.
    let before = poll::until("the end of what is under way", BOUND, async || {
        let runs = runs(&bus, &job).await;
        if runs.iter().all(|run| !run["outcome"].is_null()) {
            Ok(runs.len())
        } else {
            Err(format!("{runs:?}"))
        }
    })
    .await;
    let watch =
        create(&bus, counting("watch", json!({"kind": "interval", "every": "1s", "repeats": 3}), json!({})))
            .await;
    wait_ended(&bus, &watch, 3).await;
    assert_eq!(runs(&bus, &job).await.len(), before, "another job ran three times meanwhile");
    bus.admin("POST", &format!("{path}/resume"), None).await.expect(200);
    wait_ended(&bus, &job, before + 2).await;
    let outcomes = runs(&bus, &job).await;
    let times: Vec<_> = outcomes.iter().map(|run| run["scheduled_for"].to_string()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn jobs_and_calendars_move_to_another_system() {
    let (source, target) = tokio::join!(Quickstart::start(&["keeper"]), Quickstart::start(&[]));
    for line in [
        "calendar create holidays --yearly 12-25,12-31/01-01 --date 2026-05-14 --weekday SUN",
        "job create nightly --service keeper.receive --cron @0 2 * * MON-FRI@ --time-zone Europe/Berlin --calendar holidays --misfire all(3) --input @{\"name\":\"${x}\"}@",
        "job create poll --service erp.poll --every 1d12h --repeats 9 --attempts 1 --on-failure alarm.raise --paused",
    ] {
        // What stands between two `@` is one argument.
        let words: Vec<&str> = line
            .split('@')
            .enumerate()
            .flat_map(|(at, part)| if at % 2 == 0 { part.split_whitespace().collect() } else { vec![part] })
            .collect();
        source.cli(&words).await.expect(0);
    }
    let shown = source.cli(&["job", "show", "nightly"]).await;
    assert_eq!(shown.expect(0).stdout.lines().filter(|line| line.ends_with('Z')).count(), 10, "{shown:?}");
    let exported = source.cli(&["export"]).await;
    let document = target.folder().root().join("busbar.yaml");
    fs::write(&document, &exported.expect(0).stdout).unwrap();
    let document = document.to_str().unwrap();
    let applied = target.cli(&["apply", document]).await;
    let told = &applied.expect(0).stdout;
    assert!(told.contains("+ calendar holidays\n") && told.contains("+ job nightly\n"), "{told}");
    assert_eq!(target.cli(&["export"]).await.expect(0).stdout, exported.stdout);
    let again = target.cli(&["apply", document, "--prune"]).await;
    assert_eq!(again.expect(0).stdout, "Nothing to do.\n", "a second time changes nothing");
    let refused = target.cli(&["calendar", "delete", "holidays"]).await;
    assert!(refused.expect(1).stderr.contains("in use by job \"nightly\""), "{refused:?}");
    target.cli(&["job", "delete", "nightly"]).await.expect(0);
    target.cli(&["calendar", "delete", "holidays"]).await.expect(0);
}

#[tokio::test]
async fn the_orders_of_a_day_are_summed_up() {
    let bus = Quickstart::start(&["orders", "prices", "mailer", "echo"]).await;
    let order =
        json!({"customer": "Ada", "email": "ada@example.org", "lines": [{"sku": "tea", "quantity": 2}]});
    let taken = bus.http().send(&busbar_tests::Request::post("/orders").json(&order)).await;
    taken.expect_status(201);
    let nightly = json!({"name": "nightly", "service": "orders.summary", "on_success": "echo",
        "schedule": {"kind": "cron", "expression": "59 23 * * *"}});
    let job = create(&bus, nightly).await;
    bus.cli(&["job", "run", "nightly"]).await.expect(0);
    assert_eq!(wait_ended(&bus, &job, 1).await[0]["outcome"], "success");
    let told = told(&bus, "echo").await;
    assert_eq!(told[0]["output"]["orders"], 1, "{told:?}");
    let listed = bus.cli(&["job", "runs", "nightly"]).await;
    assert!(listed.expect(0).stdout.contains("\tmanual\tsuccess\t"), "{listed:?}");
}
