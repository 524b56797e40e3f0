//! Guaranteed delivery, from being handed over to its end, and what a person does about it.

use std::time::Duration;

use busbar_tests::{Quickstart, Reply, Request, artifact, metrics::Samples, poll, process};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// For a few attempts on a machine that is busy.
const BOUND: Duration = Duration::from_secs(30);
/// States that a delivery does not leave by itself.
const ENDED: [&str; 4] = ["confirmed", "failed", "expired", "discarded"];

async fn hand_over(bus: &Quickstart, messages: &[(Value, Value)]) -> Vec<String> {
    let step = |(input, options): &(Value, Value)| json!({"do": "deliver", "service": "keeper.receive", "input": input, "options": options});
    let steps: Vec<Value> = messages.iter().map(step).collect();
    let done = bus.invoke("keeper.run", &json!({"steps": steps})).await.expect(200);
    let ids = done["results"].as_array().unwrap_or_else(|| panic!("{done}"));
    ids.iter().map(|id| id.as_str().unwrap_or_else(|| panic!("{done}")).to_owned()).collect()
}

async fn hand_over_one(bus: &Quickstart, input: Value, options: Value) -> String {
    hand_over(bus, &[(input, options)]).await.remove(0)
}

async fn delivery(bus: &Quickstart, id: &str) -> Value {
    bus.read(&format!("/deliveries/{id}")).await
}

async fn wait_delivery(bus: &Quickstart, id: &str, state: &str) -> Value {
    poll::until(&format!("delivery {id} is {state}"), BOUND, async || {
        let delivery = delivery(bus, id).await;
        let now = delivery["state"].as_str().unwrap_or_default();
        assert!(now == state || !ENDED.contains(&now), "it should become {state}: {delivery}");
        if now == state { Ok(delivery.clone()) } else { Err(delivery.to_string()) }
    })
    .await
}

/// How often a message was counted, and the idempotency key of its attempts.
async fn received(bus: &Quickstart, name: &str) -> (i64, Value) {
    let told = bus.invoke("keeper.received", &json!({"name": name})).await.expect(200);
    (told["count"].as_i64().unwrap_or_default(), told["key"].clone())
}

async fn act(bus: &Quickstart, id: &str, action: &str, tag: &str, body: Option<&Value>) -> Reply {
    let request = Request::post(&format!("/api/v1/deliveries/{id}/{action}")).bearer(bus.token());
    let request = request.header("if-match", tag);
    bus.admin_client().send(&body.map_or(request.clone(), |body| request.json(body))).await
}

async fn tag(bus: &Quickstart, id: &str) -> String {
    let reply = bus.admin("GET", &format!("/deliveries/{id}"), None).await;
    reply.header("etag").unwrap_or_else(|| panic!("{reply}")).to_owned()
}

#[tokio::test]
async fn what_is_handed_over_is_delivered() {
    let bus = Quickstart::start(&["keeper"]).await;
    confirmed_once(&bus).await;
    given_up_edited_and_tried_again(&bus).await;
    refused_at_once(&bus).await;
    an_asynchronous_call_runs_once(&bus).await;
    ten_megabytes_arrive_whole(&bus).await;
    an_order_key_keeps_the_order(&bus).await;
    from_the_command_line(&bus).await;
    counted(&bus).await;
}

async fn confirmed_once(bus: &Quickstart) {
    let id = hand_over_one(bus, json!({"name": "once"}), json!({})).await;
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!((&confirmed["attempts"], &confirmed["failures"]), (&json!(1), &json!([])), "{confirmed}");
    assert_eq!((&confirmed["target"], &confirmed["source"]), (&json!("keeper.receive"), &json!("keeper")));
    assert_eq!(received(bus, "once").await, (1, json!(id)));
    // A call that fails hands nothing over.
    let steps = json!([{"do": "deliver", "service": "keeper.receive", "input": {"name": "never"}},
        {"do": "fail", "code": "no"}]);
    let failed = bus.invoke("keeper.run", &json!({"steps": steps})).await;
    failed.expect_status(500);
    let list = bus.read(&format!("/deliveries?correlation_id={}", failed.correlation_id())).await;
    assert_eq!(list["items"], json!([]));
}

async fn given_up_edited_and_tried_again(bus: &Quickstart) {
    let options = json!({"attempts": 2, "backoff_ms": 50});
    let id = hand_over_one(bus, json!({"name": "stubborn", "fail": 9}), options).await;
    let failed = wait_delivery(bus, &id, "failed").await;
    assert_eq!(failed["attempts"], 2, "{failed}");
    let failures = failed["failures"].as_array().unwrap();
    let told: Vec<_> = failures.iter().map(|failure| (&failure["attempt"], &failure["code"])).collect();
    assert_eq!(told, [(&json!(1), &json!("not-yet")), (&json!(2), &json!("not-yet"))]);

    let seen = tag(bus, &id).await;
    let edited = json!({"payload": {"name": "stubborn", "fail": 1}});
    act(bus, &id, "retry", "\"1\"", Some(&edited)).await.problem(412, "precondition-failed");
    assert_eq!(delivery(bus, &id).await, failed, "a refused edit changed nothing");
    act(bus, &id, "retry", &seen, Some(&edited)).await.expect_status(200);
    act(bus, &id, "retry", &seen, Some(&edited)).await.problem(412, "precondition-failed");
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!(confirmed["attempts"], 2, "the edited one failed once and then did not: {confirmed}");
    assert_eq!(received(bus, "stubborn").await, (1, json!(id)));
    let payload = bus.admin("GET", &format!("/deliveries/{id}/payload"), None).await;
    assert_eq!(payload.expect(200), edited["payload"]);
    let refused = bus.admin("POST", &format!("/deliveries/{id}/retry"), None).await;
    assert!(refused.problem(409, "wrong-state")["detail"].to_string().contains("confirmed"));
}

async fn refused_at_once(bus: &Quickstart) {
    let id = hand_over_one(bus, json!({"name": "refused", "reject": true}), json!({})).await;
    let failed = wait_delivery(bus, &id, "failed").await;
    assert_eq!((&failed["attempts"], &failed["failures"][0]["code"]), (&json!(1), &json!("refused")));
    let discarded = act(bus, &id, "discard", &tag(bus, &id).await, None).await.expect(200);
    assert_eq!((&discarded["state"], &discarded["due_at"]), (&json!("discarded"), &Value::Null));
    act(bus, &id, "discard", "*", None).await.problem(409, "wrong-state");
}

async fn an_asynchronous_call_runs_once(bus: &Quickstart) {
    let call = bus.invocation("keeper.receive", &json!({"name": "later", "sleep_ms": 400}));
    let accepted = bus.http().send(&call.header("prefer", "respond-async")).await;
    assert_eq!(accepted.header("preference-applied"), Some("respond-async"));
    let id = accepted.expect(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(received(bus, "later").await.0, 0, "nobody waited for it");
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!((&confirmed["source"], &confirmed["attempts"]), (&json!("invoker"), &json!(1)));
    assert_eq!(confirmed["correlation_id"], accepted.correlation_id());
    assert_eq!(received(bus, "later").await.0, 1);
}

async fn ten_megabytes_arrive_whole(bus: &Quickstart) {
    let input = json!({"name": "heavy", "ballast": "x".repeat(10 * 1024 * 1024)});
    let call = bus.invocation("keeper.receive", &input).header("prefer", "respond-async");
    let id = bus.http().send(&call).await.expect(202)["id"].as_str().unwrap().to_owned();
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!(confirmed["payload_bytes"], input.to_string().len());
    let payload = bus.admin("GET", &format!("/deliveries/{id}/payload"), None).await;
    assert_eq!(payload.header("x-content-type-options"), Some("nosniff"));
    assert!(payload.body == input.to_string(), "it is what was sent");
    assert_eq!(received(bus, "heavy").await.0, 1);
}

async fn an_order_key_keeps_the_order(bus: &Quickstart) {
    let message = |number: u32| {
        // The first and the third hold the others up.
        let fail = u32::from(number % 2 == 1);
        let input = json!({"name": "ordered", "fail": fail, "sleep_ms": 30});
        (input, json!({"order_key": "k", "backoff_ms": 300}))
    };
    let ids = hand_over(bus, &(1..=5).map(message).collect::<Vec<_>>()).await;
    let mut ended = Vec::new();
    for id in &ids {
        ended.push(wait_delivery(bus, id, "confirmed").await["updated_at"].as_str().unwrap().to_owned());
    }
    assert!(ended.is_sorted(), "{ended:?}");
    assert_eq!(received(bus, "ordered").await, (5, json!(ids[4])));
}

async fn from_the_command_line(bus: &Quickstart) {
    let options = json!({"attempts": 1});
    let messages = ["cli-a", "cli-b"].map(|name| (json!({"name": name, "fail": 1}), options.clone()));
    let ids = hand_over(bus, &messages).await;
    for id in &ids {
        wait_delivery(bus, id, "failed").await;
    }
    let list = bus.cli(&["delivery", "list", "--state", "failed", "--target", "keeper.receive"]).await;
    let lines: Vec<&str> = list.expect(0).stdout.lines().skip(1).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("not-yet: ")), "{list:?}");
    let shown = bus.cli(&["delivery", "show", &ids[0], "--payload"]).await;
    let payload: Value = serde_json::from_str(&shown.expect(0).stdout).unwrap();
    assert_eq!(payload["name"], "cli-a");

    let file = bus.folder().root().join("edited.json");
    std::fs::write(&file, json!({"name": "cli-a"}).to_string()).unwrap();
    let retried = bus.cli(&["delivery", "retry", &ids[0], "--payload-file", file.to_str().unwrap()]).await;
    assert!(retried.expect(0).stdout.contains("failed\twaiting"), "{retried:?}");
    wait_delivery(bus, &ids[0], "confirmed").await;
    let discarded = bus.cli(&["delivery", "discard", "--all", "--state", "failed", "--yes", "--json"]).await;
    let discarded = discarded.json();
    assert_eq!(discarded["items"].as_array().unwrap().len(), 1, "{discarded}");
    assert_eq!(delivery(bus, &ids[1]).await["state"], "discarded");
    let refused = bus.cli(&["delivery", "retry", &ids[0]]).await;
    assert!(refused.expect(1).stderr.contains("is confirmed"), "{refused:?}");

    let started = bus.cli(&["invoke", "keeper.receive", "{\"name\":\"cli-async\"}", "--async"]).await;
    let id = started.expect(0).stdout.trim();
    assert!(started.stderr.contains(&format!("busbar delivery show {id}")), "{started:?}");
    wait_delivery(bus, id, "confirmed").await;
    let status = bus.cli(&["status", "--json"]).await.json();
    assert_eq!((&status["deliveries"]["failed"], &status["deliveries"]["discarded"]), (&json!(0), &json!(2)));
}

async fn counted(bus: &Quickstart) {
    let counts = bus.read("/deliveries/counts").await;
    let confirmed = counts["confirmed"].as_f64().unwrap();
    poll::until("the gauge", BOUND, async || {
        let page = bus.admin_client().get("/metrics").await;
        let samples = Samples::parse(page.text());
        let gauge = |state: &str| samples.sum("busbar_deliveries", &[("state", state)]);
        let attempts =
            samples.sum("busbar_requests_total", &[("channel", "_delivery"), ("service", "keeper.receive")]);
        let seen = (gauge("confirmed"), gauge("discarded"), gauge("waiting"));
        let right = (seen.0 - confirmed).abs() < 1e-9 && (seen.1 - 2.0).abs() < 1e-9 && seen.2.abs() < 1e-9;
        if right && attempts > confirmed { Ok(()) } else { Err(format!("{seen:?}, {attempts} attempts")) }
    })
    .await;
}

#[tokio::test]
async fn deliveries_outlive_their_targets_and_their_workers() {
    let bus = Quickstart::start(&["keeper"]).await;
    a_recalled_target_is_waited_for(&bus).await;
    an_attempt_that_a_worker_died_in_is_made_again(&bus).await;
}

async fn a_recalled_target_is_waited_for(bus: &Quickstart) {
    let options = json!({"attempts": 1, "delay_ms": 3_000});
    let id = hand_over_one(bus, json!({"name": "patient"}), options).await;
    let due = delivery(bus, &id).await["due_at"].clone();
    bus.act("keeper", "recall").await;
    let waiting = poll::until("that the target is found away", BOUND, async || {
        let delivery = delivery(bus, &id).await;
        if delivery["due_at"] == due { Err(delivery.to_string()) } else { Ok(delivery) }
    })
    .await;
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("waiting"), &json!(0)), "{waiting}");
    bus.deploy("keeper.wasm", &artifact::service("keeper")).await;
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!(confirmed["attempts"], 1, "{confirmed}");
    bus.wait_invocable("keeper.received", &json!({"name": "patient"}), 200).await;
    assert_eq!(received(bus, "patient").await.0, 1);
}

async fn an_attempt_that_a_worker_died_in_is_made_again(bus: &Quickstart) {
    let options = json!({"attempts": 3, "backoff_ms": 1_000});
    let id = hand_over_one(bus, json!({"name": "survivor", "sleep_ms": 2_000}), options).await;
    wait_delivery(bus, &id, "in-progress").await;
    for worker in bus.workers().await {
        process::signal(worker, Signal::SIGKILL);
    }
    let doubted = wait_delivery(bus, &id, "in-doubt").await;
    assert_eq!((&doubted["attempts"], &doubted["failures"][0]["code"]), (&json!(1), &json!("claim-expired")));
    let confirmed = wait_delivery(bus, &id, "confirmed").await;
    assert_eq!(confirmed["attempts"], 2, "{confirmed}");
    bus.wait_invocable("keeper.received", &json!({"name": "survivor"}), 200).await;
    assert_eq!(
        received(bus, "survivor").await,
        (1, json!(id)),
        "counted with the attempt that was confirmed"
    );
}
