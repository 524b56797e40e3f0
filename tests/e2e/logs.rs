//! What is logged.

use busbar_tests::{Quickstart, Request, logs::mentions};
use serde_json::{Value, json};

/// (3)
#[tokio::test]
async fn the_correlation_id_leads_to_the_log() {
    let bus = Quickstart::start(&["echo", "greeter", "faulty"]).await;
    let good = bus.http().send(&Request::get("/greet/Ada").header("x-correlation-id", "trace-me-1")).await;
    good.expect_status(200);
    let access = bus.wait_log("the access line", "trace-me-1", is_access).await;
    let text = access.to_string();
    for part in ["/greet/Ada", "GET", "200", "greeter.greet"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let missing = bus.http().get("/nowhere").await;
    missing.problem(404, "not-found");
    bus.wait_log("the access line of a 404", missing.correlation_id(), is_access).await;

    let own = "logged-by-a-service";
    let request = bus.invocation("faulty.log", &json!({"lines": 3, "text": own}));
    let reply = bus.http().send(&request).await;
    reply.expect_status(200);
    bus.wait_log("the service's third line", reply.correlation_id(), |line| {
        let text = line.to_string();
        text.contains(own) && text.contains("faulty.log") && text.contains('3')
    })
    .await;
    let lines = bus.log_lines();
    let of_service = lines.iter().filter(|line| line.to_string().contains(own) && !is_access(line));
    let ids: Vec<bool> = of_service.map(|line| mentions(line, reply.correlation_id())).collect();
    assert_eq!(ids, [true; 3], "each line has the id");

    let nested = json!({"service": "faulty.log", "input": {"lines": 1, "text": "from within"}});
    let reply = bus.invoke("faulty.invoke", &nested).await;
    bus.wait_log("a nested call's line", reply.correlation_id(), |line| {
        line.to_string().contains("from within")
    })
    .await;
    the_command_line_shows_a_call(&bus, reply.correlation_id()).await;
    bodies_and_queries_are_not_logged(&bus).await;
    every_line_says_when_and_how_bad(&bus);
}

/// The line of the service and that of the access log, which is in its file by now or soon.
async fn the_command_line_shows_a_call(bus: &Quickstart, correlation: &str) {
    bus.wait_log("the access line", correlation, is_access).await;
    let shown = bus.cli(&["logs", "--correlation", correlation]).await;
    let lines: Vec<&str> = shown.expect(0).stdout.lines().collect();
    assert!(lines.len() >= 2 && lines.iter().all(|line| line.contains(correlation)), "{shown:?}");
    assert!(lines[0].contains("from within") && lines[0].contains("worker-"), "{shown:?}");
    let raw = bus.cli(&["logs", "--correlation", correlation, "--access", "--json"]).await;
    assert!(is_access(&raw.json()), "{raw:?}");
}

fn is_access(line: &Value) -> bool {
    let text = line.to_string();
    text.contains("\"status\"") && text.contains("\"path\"")
}

async fn bodies_and_queries_are_not_logged(bus: &Quickstart) {
    let request =
        Request::post("/echo?token=query-secret").header("x-private", "header-secret").body("body-secret");
    let reply = bus.http().send(&request).await;
    bus.wait_log("the access line", reply.correlation_id(), is_access).await;
    let logs = bus.log_text() + &bus.folder().console();
    for secret in ["query-secret", "header-secret", "body-secret"] {
        assert!(!logs.contains(secret), "{secret} is logged");
    }
}

fn every_line_says_when_and_how_bad(bus: &Quickstart) {
    let lines = bus.log_lines();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    // Standard error is no terminal here: JSON lines as well.
    let console = bus.folder().console();
    assert!(!console.contains('\u{1b}'), "no colours where there is no terminal: {console}");
}
