//! Connections of the kinds http, soap and sql.

use serde_json::{Value, json};

use super::obey;
use crate::client::fake::{Asked, Fake};

fn bus(asked: &Asked) -> (u16, Value) {
    let api = json!({"id": "h1", "name": "api", "kind": "http", "active": true, "base_url": "https://a.example/v1",
        "tls": null, "auth": {"kind": "basic", "username": "ada"}, "timeouts": {"connect_ms": 5, "total_ms": 6},
        "breaker": null, "allow": []});
    let stock = json!({"id": "d1", "name": "stock", "kind": "sql", "active": true, "engine": "postgres", "host": "db",
        "port": 5432, "database": "shop", "username": "bus", "tls": null, "file": null});
    let notes = json!({"id": "d2", "name": "notes", "kind": "sql", "active": true, "engine": "sqlite", "host": null,
        "port": null, "file": "/var/lib/notes.db", "tls": null});
    let partner = json!({"id": "s1", "name": "partner", "kind": "soap", "active": true,
        "base_url": "https://p.example/soap", "tls": null, "auth": {"kind": "none"}, "username_token": null,
        "wsdl": {"documents": [{"location": "a.wsdl", "text": "<a/>"}]}, "version": "1.1"});
    match asked.line().as_str() {
        "GET /api/v1/connections/s1/operations" => {
            let operation = json!({"name": "confirm", "action": "urn:confirm", "style": "document",
                "input_schema": {}, "output_schema": null, "documentation": "Confirms.", "problem": null});
            let other = json!({"name": "old", "action": "", "style": "rpc", "input_schema": {},
                "output_schema": null, "documentation": null, "problem": "a.wsdl, line 3: encoded"});
            (200, json!({"items": [operation, other]}))
        }
        line if line.ends_with("/statistics") => (200, json!({"items": []})),
        line if line.starts_with("PATCH") || line.starts_with("POST") => (200, partner),
        _ => (200, json!({"items": [partner, api, stock, notes], "next": null})),
    }
}

async fn sent(fake: &Fake, line: &str) -> Value {
    let (code, _, said) = obey(fake, line).await;
    assert_eq!(code, 0, "{line}: {said}");
    fake.changes().last().unwrap().json()
}

#[tokio::test]
async fn each_kind_is_listed_with_its_address_and_shown_with_its_members() {
    let fake = Fake::start(bus).await;
    let (_, list, _) = obey(&fake, "list").await;
    for line in [
        "\npartner\tsoap\thttps://p.example/soap\t-\t-\tyes\n",
        "\napi\thttp\thttps://a.example/v1\t-\tada\tyes\n",
        "\nstock\tsql\tpostgres://db:5432/shop\t-\tbus\tyes\n",
        "\nnotes\tsql\t/var/lib/notes.db\t-\t-\tyes\n",
    ] {
        assert!(list.contains(line), "{line:?} {list}");
    }
    let (_, shown, _) = obey(&fake, "show api").await;
    assert!(shown.contains("breaker\tnone\n") && shown.contains("allow\tnone\n"), "{shown}");
    assert!(shown.contains("total_ms 6") && shown.contains("kind basic"), "{shown}");
    let (_, shown, _) = obey(&fake, "show partner").await;
    assert!(shown.contains("wsdl\ta.wsdl\n") && !shown.contains("<a/>"), "{shown}");
}

#[tokio::test]
async fn operations_are_listed_with_what_keeps_them_from_being_called() {
    let fake = Fake::start(bus).await;
    let (_, list, _) = obey(&fake, "operations partner").await;
    assert!(list.ends_with(
        "\nconfirm\tdocument\turn:confirm\tConfirms.\nold\trpc\t-\tcan't be called: a.wsdl, line 3: encoded\n"
    ), "{list}");
}

#[tokio::test]
async fn a_kind_is_told_by_what_is_given() {
    let fake = Fake::start(bus).await;
    let line = "create open --base-url https://a.example --set timeouts.total_ms=5000 --set breaker=null \
                --allow 10.0.0.0/8 --allow 192.168.3.7 --set ping.path=/health";
    let expected = json!({"name": "open", "kind": "http", "base_url": "https://a.example",
        "timeouts": {"total_ms": 5000}, "breaker": null, "allow": ["10.0.0.0/8", "192.168.3.7"],
        "ping": {"path": "/health"}});
    assert_eq!(sent(&fake, line).await, expected);
    let line = "create notes --engine sqlite --file /var/lib/notes.db --read-only";
    let expected = json!({"name": "notes", "kind": "sql", "engine": "sqlite", "file": "/var/lib/notes.db",
        "read_only": true});
    assert_eq!(sent(&fake, line).await, expected);
    let line = "create partner --wsdl https://p.example/a?wsdl --service Orders --port-name OrdersPort";
    let expected = json!({"name": "partner", "kind": "soap", "wsdl": {"url": "https://p.example/a?wsdl"},
        "service": "Orders", "port": "OrdersPort"});
    assert_eq!(sent(&fake, line).await, expected);
}

#[tokio::test]
async fn a_password_is_asked_for_where_there_is_one() {
    let fake = Fake::start(bus).await;
    for line in [
        "create a --base-url https://a.example --username ada",
        "create a --base-url https://a.example --auth bearer",
        "create a --engine postgres --host db --database d --username u",
        "create a --wsdl https://a.example --token-username bus",
        "update api --auth bearer",
        "update partner --token-username bus",
        "set-password partner --token",
        "update api --base-url https://b.example/v1",
        "update api --base-url http://a.example/v1",
        "update stock --host other",
        "update stock --port 1",
    ] {
        let (code, _, said) = obey(&fake, line).await;
        assert!(code == 2 && said.contains("--password-stdin"), "{line}: {said}");
    }
    assert!(fake.changes().is_empty());
}

#[tokio::test]
async fn auth_is_changed_in_what_is_given() {
    let fake = Fake::start(bus).await;
    let changed = sent(&fake, "update api --username bob").await;
    assert_eq!(changed, json!({"auth": {"kind": "basic", "username": "bob"}}));
    let changed = sent(&fake, "update api --base-url https://a.example/v2").await;
    assert_eq!(changed, json!({"base_url": "https://a.example/v2"}));
    let changed = sent(&fake, "update partner --base-url https://q.example").await;
    assert_eq!(changed, json!({"base_url": "https://q.example"}));
    assert_eq!(sent(&fake, "update notes --file /b.db").await, json!({"file": "/b.db"}));
    assert_eq!(sent(&fake, "update api --auth none").await, json!({"auth": {"kind": "none"}}));
    assert_eq!(sent(&fake, "update stock --username bob").await, json!({"username": "bob"}));
    assert_eq!(sent(&fake, "update partner --token-username none").await, json!({"username_token": null}));
}

#[tokio::test]
async fn a_wsdl_is_read_with_the_files_that_it_refers_to() {
    let fake = Fake::start(bus).await;
    let folder = tempfile::tempdir().unwrap();
    let wsdl =
        r#"<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="b.wsdl"/></definitions>"#;
    let other =
        r#"<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="a.wsdl"/></definitions>"#;
    let path = folder.path().join("a.wsdl");
    std::fs::write(&path, wsdl).unwrap();
    let line = format!("update partner --wsdl {}", path.display());
    let (code, _, said) = obey(&fake, &line).await;
    assert!(code == 2 && said.contains("b.wsdl can't be read"), "{said}");
    std::fs::write(folder.path().join("b.wsdl"), other).unwrap();
    let documents =
        [json!({"location": "a.wsdl", "text": wsdl}), json!({"location": "b.wsdl", "text": other})];
    assert_eq!(sent(&fake, &line).await, json!({"wsdl": {"documents": documents}}));
}

#[tokio::test]
async fn what_is_no_member_is_refused() {
    let fake = Fake::start(bus).await;
    for line in ["update api --set timeouts", "update api --set =1", "update api --set a..b=1"] {
        let (code, _, said) = obey(&fake, line).await;
        assert!(code == 2 && said.contains("timeouts.total_ms=5000"), "{line}: {said}");
    }
}
