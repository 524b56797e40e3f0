//! SQL connections: what services get of databases, and what a database's failures cost.

use std::time::{Duration, Instant};

use busbar_test_databases::{Kind, Server};
use busbar_tests::{Options, Quickstart, poll};
use serde_json::{Value, json};

const DATABASE: &str = "stock";

/// What a connection to the server is made of.
fn definition(server: &Server, kind: Kind) -> Value {
    let url = url::Url::parse(&server.database(DATABASE)).unwrap();
    let engine = if kind == Kind::Postgres { "postgres" } else { "mysql" };
    json!({"name": "stock", "kind": "sql", "engine": engine, "host": url.host_str(), "port": server.port(),
        "database": DATABASE, "username": url.username(), "password": url.password()})
}

async fn bus(definition: &Value, workers: u32) -> Quickstart {
    let options = Options { services: vec!["reacher"], workers, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    bus.admin("POST", "/connections", Some(definition)).await.expect(201);
    bus.settle().await;
    bus
}

fn with(mut definition: Value, more: Value) -> Value {
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    definition
}

fn statement(text: &str, parameters: Value) -> Value {
    json!({"connection": "stock", "statement": text, "parameters": parameters})
}

fn query(text: &str, parameters: Value) -> Value {
    with(statement(text, parameters), json!({"do": "query"}))
}

fn execute(text: &str, parameters: Value) -> Value {
    with(statement(text, parameters), json!({"do": "execute"}))
}

fn transaction(steps: Value, end: &str) -> Value {
    json!({"do": "transaction", "connection": "stock", "steps": steps, "end": end})
}

async fn run(bus: &Quickstart, steps: Value) -> Value {
    bus.invoke("reacher.run", &json!({"steps": steps})).await.expect(200)["told"].clone()
}

async fn rows_are_typed(kind: Kind, marks: [&str; 2]) {
    let server = Server::start(kind);
    let bus = bus(&definition(&server, kind), 1).await;
    let [first, second] = marks;
    let hostile = "x'); drop table items; --";
    let told = run(
        &bus,
        json!([
            execute(
                "create table items (sku varchar(64) primary key, quantity bigint, price decimal(10,2))",
                json!([])
            ),
            execute(
                &format!("insert into items values ({first}, {second}, 12.50)"),
                json!([{"text": hostile}, {"integer": 7}])
            ),
            query(
                &format!("select sku, quantity, price, null as nothing from items where sku = {first}"),
                json!([{"text": hostile}])
            ),
            query("select nonsense from nowhere", json!([])),
            execute(
                &format!("insert into items values ({first}, {second}, 1)"),
                json!([{"text": hostile}, {"integer": 1}])
            ),
            transaction(json!([statement("update items set quantity = 1", json!([]))]), "rollback"),
            transaction(json!([statement("update items set quantity = 2", json!([]))]), "drop"),
            query("select quantity from items", json!([])),
            transaction(
                json!([
                    statement("update items set quantity = 3", json!([])),
                    statement("select quantity from items", json!([]))
                ]),
                "commit"
            ),
        ]),
    )
    .await;
    assert_eq!((&told[0], &told[1]), (&json!(0), &json!(1)), "{told}");
    let row = json!([{"text": hostile}, {"integer": 7}, {"decimal": "12.50"}, null]);
    assert_eq!(told[2], json!({"columns": ["sku", "quantity", "price", "nothing"], "rows": [row]}));
    assert_eq!(
        (&told[3]["fault"], &told[4]["fault"]),
        (&json!("invalid-statement"), &json!("constraint")),
        "{told}"
    );
    assert_eq!(told[7]["rows"], json!([[{"integer": 7}]]), "neither was committed");
    assert_eq!(told[8][1]["rows"], json!([[{"integer": 3}]]), "{told}");
    // What the call left open ends with it.
    let open = json!([transaction(json!([statement("update items set quantity = 9", json!([]))]), "drop"), {"do": "fail"}]);
    bus.invoke("reacher.run", &json!({"steps": open})).await.expect_status(500);
    let after = run(&bus, json!([query("select quantity from items", json!([]))])).await;
    assert_eq!(after[0]["rows"], json!([[{"integer": 3}]]));
}

#[tokio::test]
async fn rows_of_postgres_are_typed() {
    rows_are_typed(Kind::Postgres, ["$1", "$2"]).await;
}

#[tokio::test]
async fn rows_of_mariadb_are_typed() {
    rows_are_typed(Kind::Mariadb, ["?", "?"]).await;
}

#[tokio::test]
async fn sqlite_is_a_file_but_not_the_bus_s_own() {
    let options = Options { services: vec!["reacher"], workers: 1, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let file = bus.folder().root().join("notes.db");
    std::fs::write(&file, "").unwrap();
    let body = json!({"name": "stock", "kind": "sql", "engine": "sqlite", "file": file});
    bus.admin("POST", "/connections", Some(&body)).await.expect(201);
    let odb = bus.folder().path("odb.sqlite");
    assert!(odb.exists(), "the ODB's file has another name");
    let body = json!({"name": "own", "kind": "sql", "engine": "sqlite", "file": odb});
    bus.admin("POST", "/connections", Some(&body)).await.expect(201);
    bus.settle().await;
    let told = run(
        &bus,
        json!([
            execute("create table note (id integer primary key, text text)", json!([])),
            execute("insert into note (text) values (?)", json!([{"text": "a"}])),
            query("select * from note", json!([])),
            {"do": "query", "connection": "own", "statement": "select * from secret"},
        ]),
    )
    .await;
    assert_eq!(told[2]["rows"], json!([[{"integer": 1}, {"text": "a"}]]), "{told}");
    assert!(told[3]["fault"].is_string(), "{told}");
    let ping = bus.cli(&["connection", "ping", "own"]).await;
    assert!(ping.expect(1).stderr.contains("is a file of the bus itself"), "{ping:?}");
}

/// Many rows in batches, in little memory; and what is too much at once.
#[tokio::test]
async fn many_rows_are_read_in_batches() {
    let server = Server::start(Kind::Postgres);
    let limits = json!({"rows_max": 100, "bytes_max": 65_536, "statement_ms": 120_000});
    let bus = bus(&with(definition(&server, Kind::Postgres), limits), 1).await;
    bus.admin(
        "PATCH",
        "/services/reacher.run",
        Some(&json!({"limits": {"timeout_ms": 60_000, "cpu_ms": 30_000}})),
    )
    .await
    .expect(200);
    bus.settle().await;
    let all = "select i, 'row ' || i as text from generate_series(1, 300000) as i";
    let worker = bus.workers().await[0];
    let before = resident(worker);
    let told = run(
        &bus,
        json!([
            {"do": "cursor", "statement": statement(all, json!([])), "batch": 500},
            {"do": "cursor", "statement": statement(all, json!([])), "batch": 100, "stop_after": 1000},
            query(all, json!([])),
            query("select repeat('x', 100000)", json!([])),
            query("select 1 as one", json!([])),
        ]),
    )
    .await;
    assert_eq!(told[0], json!({"columns": ["i", "text"], "count": 300_000}), "{told}");
    assert_eq!(told[1]["count"], 1000);
    assert_eq!(
        (&told[2]["fault"], &told[3]["fault"]),
        (&json!("too-many-rows"), &json!("too-large")),
        "{told}"
    );
    assert_eq!(told[4]["rows"], json!([[{"integer": 1}]]));
    let grown = resident(worker).saturating_sub(before);
    assert!(grown < 64 * 1024, "the worker grew by {grown} KiB");
}

/// In KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Each fault has its code, in its time, and is over with its cause.
#[tokio::test]
async fn a_database_in_trouble_fails_its_calls() {
    let mut server = Server::start(Kind::Postgres);
    let limits = json!({"statement_ms": 500, "pool": {"max": 1, "wait_ms": 200, "connect_ms": 1000}});
    let bus = bus(&with(definition(&server, Kind::Postgres), limits), 1).await;
    let started = Instant::now();
    let told =
        run(&bus, json!([query("select pg_sleep(60)", json!([])), query("select 1", json!([]))])).await;
    assert_eq!(
        (&told[0]["fault"], &told[1]["rows"]),
        (&json!("statement-timeout"), &json!([[{"integer": 1}]])),
        "{told}"
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // One holds the only connection.
    let holds = transaction(json!([statement("select pg_sleep(0.4)", json!([]))]), "commit");
    let waits = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        run(&bus, json!([query("select 1", json!([]))])).await
    };
    let (held, waited) = tokio::join!(run(&bus, json!([holds])), waits);
    assert!(held[0][0]["rows"].is_array(), "{held}");
    assert_eq!(waited[0]["fault"], "connection-busy", "{waited}");
    server.stop();
    let told = run(&bus, json!([query("select 1", json!([])), query("select 1", json!([]))])).await;
    assert_eq!(told[1]["fault"], "unreachable", "{told}");
    server.start_again();
    let told = run(&bus, json!([query("select 2", json!([]))])).await;
    assert_eq!(told[0]["rows"], json!([[{"integer": 2}]]), "{told}");
}

/// Two that wait for each other: one of them goes on, the other is told to try again.
#[tokio::test]
async fn a_deadlock_is_a_conflict() {
    let server = Server::start(Kind::Postgres);
    let bus = bus(&definition(&server, Kind::Postgres), 2).await;
    let made = json!([
        execute("create table pair (id int primary key, n int)", json!([])),
        execute("insert into pair values (1, 0), (2, 0)", json!([])),
    ]);
    run(&bus, made).await;
    let one = |first: i32, second: i32| {
        let step = |id: i32| statement(&format!("update pair set n = n + 1 where id = {id}"), json!([]));
        let pause = statement("select pg_sleep(0.3)", json!([]));
        json!([transaction(json!([step(first), pause, step(second)]), "commit")])
    };
    let (left, right) = tokio::join!(run(&bus, one(1, 2)), run(&bus, one(2, 1)));
    let lost = [&left, &right].into_iter().filter(|told| told[0]["fault"] == "conflict").count();
    assert_eq!(lost, 1, "{left} {right}");
    let after = poll::until("the other's work", poll::CHANGE_BOUND, async || {
        let told = run(&bus, json!([query("select sum(n) from pair", json!([]))])).await;
        if told[0]["rows"] == json!([[{"integer": 2}]]) { Ok(()) } else { Err(told.to_string()) }
    });
    after.await;
}

/// What a service keeps hold of ends with its call: of an instance that serves more calls, and of a call that is cut.
#[tokio::test]
async fn no_transaction_outlives_its_call() {
    let server = Server::start(Kind::Postgres);
    let bus = bus(&definition(&server, Kind::Postgres), 1).await;
    let limits = json!({"limits": {"calls_per_instance": 10, "timeout_ms": 1500}});
    bus.admin("PATCH", "/services/reacher.run", Some(&limits)).await.expect(200);
    bus.settle().await;
    let made = json!([
        execute("create table one (n int)", json!([])),
        execute("insert into one values (0)", json!([])),
    ]);
    run(&bus, made).await;
    let keep = transaction(json!([statement("update one set n = 7", json!([]))]), "keep");
    let over = async || {
        poll::until("the end of all transactions", poll::CHANGE_BOUND, async || {
            let open = server.sql(
                Some(DATABASE),
                "select count(*) from pg_stat_activity where state like 'idle in transaction%'",
            );
            if open.trim() == "0" { Ok(()) } else { Err(open) }
        })
        .await;
        let told = run(
            &bus,
            json!([execute("update one set n = n + 1", json!([])), query("select n from one", json!([]))]),
        )
        .await;
        told[1]["rows"][0][0]["integer"].as_i64().unwrap()
    };
    run(&bus, json!([keep])).await;
    assert_eq!(over().await, 1);
    let cut = json!({"steps": [keep, {"do": "sleep", "ms": 60_000}]});
    bus.invoke("reacher.run", &cut).await.expect_status(504);
    assert_eq!(over().await, 2);
}
