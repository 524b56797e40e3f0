//! The example to learn from: orders, prices and mailer together.

use std::time::Duration;

use busbar_tests::{Quickstart, Reply, Request, metrics::Samples, poll};
use serde_json::{Value, json};

/// Until a delivery has had its first attempts.
const DELIVERY_BOUND: Duration = Duration::from_secs(15);

#[tokio::test]
async fn orders_are_taken_kept_and_confirmed() {
    let bus = Quickstart::start(&["orders", "prices", "mailer"]).await;
    an_order_is_confirmed_once(&bus).await;
    a_repeated_request_is_one_order(&bus).await;
    what_is_refused_leaves_nothing(&bus).await;
    a_mailer_that_fails_keeps_no_order_from_being_taken(&bus).await;
}

fn order(email: &str) -> Value {
    let lines = json!([{"sku": "tea", "quantity": 2}, {"sku": "mug", "quantity": 1}]);
    json!({"customer": "Ada", "email": email, "lines": lines})
}

async fn submit(bus: &Quickstart, order: &Value) -> Reply {
    bus.http().send(&Request::post("/orders").json(order)).await
}

/// What the mailer sent for an order, as soon as it did.
async fn sent(bus: &Quickstart, order: &Value) -> Value {
    poll::until("the confirmation", DELIVERY_BOUND, async || {
        let reply = bus.invoke("mailer.sent", &json!({"order": order})).await;
        if reply.status == 200 { Ok(reply.expect(200)) } else { Err(reply.to_string()) }
    })
    .await
}

async fn an_order_is_confirmed_once(bus: &Quickstart) {
    let reply = submit(bus, &order("ada@example.org")).await;
    let taken = reply.expect(201);
    assert_eq!((&taken["total_cents"], &taken["currency"]), (&json!(2150), &json!("EUR")));
    let location = format!("/orders/{}", taken["id"].as_str().unwrap());
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(bus.http().get(&location).await.expect(200), taken);
    bus.http().get("/orders/no-such").await.problem(404, "order-unknown");
    let mail = sent(bus, &taken["id"]).await;
    let text = "Dear Ada, your order comes to 21.50 EUR.";
    assert_eq!(mail, json!({"to": "ada@example.org", "text": text, "count": 1}));
}

async fn a_repeated_request_is_one_order(bus: &Quickstart) {
    let request =
        Request::post("/orders").json(&order("bob@example.org")).header("idempotency-key", "order-7");
    let first = bus.http().send(&request).await.expect(201);
    let mail = sent(bus, &first["id"]).await;
    let again = bus.http().send(&request).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    assert_eq!(sent(bus, &first["id"]).await, mail);
    poll::until_true("an attempt for each order", poll::CHANGE_BOUND, async || {
        deliveries(bus, "200").await >= 2.0
    })
    .await;
}

/// Attempts to deliver to the mailer that ended with a status.
async fn deliveries(bus: &Quickstart, status: &str) -> f64 {
    let reply = bus.admin_client().get("/metrics").await;
    let labels = [("service", "mailer.confirm"), ("channel", "_delivery"), ("status", status)];
    Samples::parse(reply.text()).sum("busbar_requests_total", &labels)
}

async fn what_is_refused_leaves_nothing(bus: &Quickstart) {
    let mut unknown = order("ada@example.org");
    unknown["lines"][1]["sku"] = json!("ink");
    let problem = submit(bus, &unknown).await.problem(422, "sku-unknown");
    assert_eq!(problem["errors"][0]["path"], "/lines/1/sku");
    let mut none = order("ada@example.org");
    none["lines"][0]["quantity"] = json!(0);
    let problem = submit(bus, &none).await.problem(400, "invalid-input");
    assert_eq!(problem["errors"][0]["path"], "/lines/0/quantity");
    none["lines"][0]["quantity"] = json!("two");
    let problem = submit(bus, &none).await.problem(400, "invalid-input");
    assert_eq!(problem["errors"][0]["path"], "/lines/0/quantity");
    assert_eq!(deliveries(bus, "200").await, 2.0, "one confirmation for each order");
}

async fn a_mailer_that_fails_keeps_no_order_from_being_taken(bus: &Quickstart) {
    let mut late = order("later@example.org");
    late["customer"] = json!("Bob");
    let late = submit(bus, &late).await.expect(201);
    assert_eq!(sent(bus, &late["id"]).await["count"], 1, "the second attempt is the first that counts");
    let failing = submit(bus, &order("fail@example.org")).await.expect(201);
    poll::until_true("a failed attempt", DELIVERY_BOUND, async || deliveries(bus, "500").await > 0.0).await;
    let location = format!("/orders/{}", failing["id"].as_str().unwrap());
    assert_eq!(bus.http().get(&location).await.expect(200), failing);
    bus.invoke("mailer.sent", &json!({"order": failing["id"]})).await.problem(404, "nothing-sent");
}
