//! The example `orders` with its partners: prices over HTTP, stock in PostgreSQL, confirmations over SOAP to a partner that
//! is down half the time. What was accepted gets there, whatever dies meanwhile.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use busbar_test_databases::{Kind, Server};
use busbar_tests::{Client, Options, Quickstart, Request, artifact::repository, poll, process};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::sleep,
};

/// Until all is where it belongs, with pauses between attempts.
const ARRIVED: Duration = Duration::from_secs(150);
const TEA: u64 = 10_000;

/// `plugins/orders/partner/partner.py`
struct Partner {
    url: String,
    _child: Child,
}

impl Partner {
    async fn start() -> Self {
        let mut command = Command::new("python3");
        command.arg(repository().join("plugins/orders/partner/partner.py")).arg("0");
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let (_, url) = line.split_once(" at ").unwrap();
        Self { url: url.to_owned(), _child: child }
    }

    /// Orders that it confirmed.
    async fn confirmed(&self) -> BTreeSet<String> {
        let told = Client::new(&self.url).get("/confirmed").await.expect(200);
        told.as_object().unwrap().keys().cloned().collect()
    }
}

/// With all partners connected.
async fn shop(partner: &Partner, database: &Server) -> Quickstart {
    let url = url::Url::parse(&database.database("stock")).unwrap();
    database.sql(
        Some("stock"),
        &std::fs::read_to_string(repository().join("plugins/orders/partner/stock.sql")).unwrap(),
    );
    database.sql(Some("stock"), &format!("update stock set quantity = {TEA}"));
    let options = Options { services: vec!["orders", "prices", "mailer"], ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let connections = [
        json!({"name": "prices", "kind": "http", "base_url": partner.url, "allow": ["127.0.0.1"]}),
        json!({"name": "stock", "kind": "sql", "engine": "postgres", "host": "127.0.0.1", "port": database.port(),
            "database": "stock", "username": url.username(), "password": url.password()}),
        json!({"name": "confirmations", "kind": "soap", "allow": ["127.0.0.1"], "breaker": null,
            "wsdl": {"url": format!("{}/confirmations?wsdl", partner.url)}}),
    ];
    for connection in connections {
        bus.admin("POST", "/connections", Some(&connection)).await.expect(201);
    }
    let config = json!({"prices": "prices", "stock": "stock", "confirmations": "confirmations"});
    bus.admin("PUT", "/plugins/orders/config", Some(&config)).await.expect(200);
    bus.settle().await;
    bus
}

/// The id of an order that was accepted.
async fn order(bus: &Quickstart, number: usize) -> Option<String> {
    let body = json!({"customer": format!("c{}", number % 7), "email": "a@example.org",
        "lines": [{"sku": "tea", "quantity": 2}]});
    let request = Request::post("/orders").header("content-type", "application/json").body(body.to_string());
    let reply = bus.http().try_send(&request).await.ok()?;
    let told: Value = serde_json::from_slice(&reply.body).ok()?;
    match reply.status {
        201 => told["id"].as_str().map(str::to_owned),
        // The stock could not be asked.
        500 | 503 | 504 => None,
        status => panic!("{status}: {told}"),
    }
}

#[tokio::test]
async fn what_was_accepted_reaches_its_partners() {
    let mut database = Server::start(Kind::Postgres);
    let partner = Partner::start().await;
    let bus = shop(&partner, &database).await;
    let mut accepted = BTreeSet::new();
    for number in 0..60 {
        match number {
            10 | 25 | 40 => process::signal(bus.workers().await[0], Signal::SIGKILL),
            20 => database.stop(),
            30 => database.start_again(),
            50 => process::signal(bus.singleton().await, Signal::SIGKILL),
            _ => {}
        }
        accepted.extend(order(&bus, number).await);
        sleep(Duration::from_millis(50)).await;
    }
    assert!(accepted.len() >= 30, "only {} orders were accepted", accepted.len());
    let reserved = || -> BTreeSet<String> {
        database.sql(Some("stock"), "select order_id from reservation").lines().map(str::to_owned).collect()
    };
    poll::until("all that was accepted", ARRIVED, async || {
        let (confirmed, reserved) = (partner.confirmed().await, reserved());
        let missing =
            accepted.iter().filter(|id| !confirmed.contains(*id) || !reserved.contains(*id)).count();
        let waiting = bus.read("/deliveries/counts").await;
        if missing == 0 { Ok(()) } else { Err(format!("{missing} of {}: {waiting}", accepted.len())) }
    })
    .await;
    // Each was taken from the stock once, however often it was attempted.
    let taken = 2 * reserved().len() as u64;
    let left = database.sql(Some("stock"), "select quantity from stock where sku = 'tea'");
    assert_eq!(left.trim(), (TEA - taken).to_string());
}
