//! Systems of others, as services and their tests see them.

use std::time::Duration;

use busbar_sdk::prelude::*;
use busbar_sdk::sql::{Isolation, Value};
use busbar_sdk::testing::{Dictionary, Script, TestHost};
use busbar_sdk::{Disposition, soap::PartnerFault};
use serde_json::json;

#[data]
#[derive(Debug, PartialEq)]
struct Item {
    sku: String,
    n: i64,
    price: String,
    note: Option<String>,
}

const ITEMS: &str = "select sku, n, price, note from items where n > $1";

fn stock() -> Script {
    let columns = ["sku", "n", "price", "note"];
    let price = Value::Decimal("12.50".to_owned());
    Script::new().rows(
        ITEMS,
        &columns,
        &[&[&"tea", &4, &price, &Value::Null], &[&"jam", &5_u64, &price, &"n"]],
    )
}

fn code<T>(result: Result<T, Fault>) -> String {
    result.err().map(|fault| fault.code).unwrap_or_default()
}

#[test]
fn what_nobody_has_set_up_is_unknown() {
    let outcome = TestHost::new().run(|| {
        let soap: Fault = soap::call::<()>("none", "a", &()).unwrap_err().into();
        assert_eq!((&*soap.code, soap.status), ("connection-unknown", Some(404)));
        assert!(soap.message.contains(r#"TestHost::soap("none""#), "{}", soap.message);
        let mut codes = vec![code(http::get("none", "/")), code(soap::operations("none"))];
        codes.push(code(soap::exchange("none", "a", "text/xml", Payload::Empty)));
        codes.push(code(sql::query("none", "select 1", &[])));
        codes.push(code(sql::execute("none", "select 1", &[])));
        codes.push(code(sql::cursor("none", "select 1", &[])));
        codes.push(code(sql::transaction("none", |_| Ok(()))));
        assert!(codes.iter().all(|code| code == "connection-unknown"), "{codes:?}");
        assert_eq!(code(dictionaries::translate("none", "a", "b", "c")), "dictionary-unknown");
        assert_eq!(code(dictionaries::entries("none")), "dictionary-unknown");
        Ok(())
    });
    outcome.value();
    assert_eq!(outcome.sent, Default::default());
}

#[test]
fn replies_of_any_status_are_replies() {
    let host = TestHost::new().http("prices", |request| match &*request.path {
        "/items/4711?unit=kg" => Ok(Response::json(&json!({"cents": 450}))?.header("X-Age", "3")),
        "/text" => Ok(Response::bytes("text/plain", vec![0xff])),
        "/away" => Err(Fault::retry_after(2, "it is away").code("circuit-open")),
        _ => Ok(Response::empty().status(404)),
    });
    let outcome = host.run(|| {
        let request =
            http::Request::post("/items/4711").query("unit", "kg").header("a", "b").json(&json!([1]))?;
        let reply = request.timeout(Duration::from_millis(20)).send("prices")?;
        assert_eq!((reply.status(), reply.header("x-age")), (200, Some("3")));
        assert_eq!(reply.content_type(), Some("application/json"));
        assert_eq!(reply.success()?.json::<serde_json::Value>()?["cents"], 450);
        let missing = http::get("prices", "/none")?;
        assert_eq!(missing.status(), 404);
        let fault = missing.success().unwrap_err();
        assert_eq!(fault.disposition, Disposition::Fail);
        assert!(fault.message.contains("404"), "{fault}");
        assert_eq!(code(http::get("prices", "/text")?.text()), "bad-reply");
        assert_eq!(code(http::get("prices", "/text")?.json::<u8>()), "bad-reply");
        assert_eq!(http::get("prices", "/text")?.bytes()?, [0xff]);
        let fault = http::get("prices", "/away").unwrap_err();
        assert_eq!((&*fault.code, fault.disposition), ("circuit-open", Disposition::RetryAfter(2)));
        Ok(Response::from(http::post("prices", "/none", "x")?))
    });
    assert_eq!(outcome.value().status, Some(404));
    let first = &outcome.sent.http[0];
    assert_eq!((&*first.connection, &*first.method, first.json()), ("prices", "POST", json!([1])));
    assert_eq!((first.header("A"), first.timeout), (Some("b"), Some(Duration::from_millis(20))));
    assert_eq!(outcome.sent.http.last().unwrap().body, b"\"x\"");
}

#[test]
fn operations_are_answered_or_refused_by_the_other_side() {
    let host = TestHost::new()
        .soap("partner", |call| match &*call.operation {
            "confirm" => Ok(json!({"number": call.input["order"]})),
            "ping" => Ok(json!(null)),
            "later" => Err(Fault::retry_after(1, "busy").code("connection-busy").into()),
            _ => Err(soap::Error::Partner(PartnerFault {
                code: "Server".to_owned(),
                message: "out of order".to_owned(),
                described: Some(("Reason".to_owned(), json!({"why": 7}))),
                ..PartnerFault::default()
            })),
        })
        .soap_envelopes("partner", |sent| Ok(Response::bytes(&*sent.content_type, sent.envelope.clone())));
    let outcome = host.run(|| {
        let confirmed: serde_json::Value = soap::call("partner", "confirm", &json!({"order": 3}))?;
        assert_eq!(confirmed, json!({"number": 3}));
        soap::call::<()>("partner", "ping", &())?;
        assert_eq!(code(soap::call::<u8>("partner", "confirm", &()).map_err(Fault::from)), "bad-reply");
        assert_eq!(code(soap::call::<()>("partner", "later", &()).map_err(Fault::from)), "connection-busy");
        let envelope = Payload::Bytes(b"<e/>".to_vec());
        assert_eq!(soap::exchange("partner", "urn:a", "text/xml", envelope)?.text()?, "<e/>");
        match soap::call::<()>("partner", "fail", &()) {
            Err(soap::Error::Partner(fault)) => assert_eq!(fault.described.unwrap().1, json!({"why": 7})),
            other => panic!("{other:?}"),
        }
        soap::call::<()>("partner", "fail", &())?;
        Ok(())
    });
    assert_eq!((&*outcome.fault().code, outcome.fault().disposition), ("partner-fault", Disposition::Fail));
    assert!(outcome.fault().message.contains("the fault Server: out of order"));
    assert_eq!(outcome.sent.soap[0].input, json!({"order": 3}));
    assert_eq!(outcome.sent.envelopes[0].action, "urn:a");
}

#[test]
fn rows_are_read_into_types() {
    let json = Value::Json(r#"{"a": [1, 2]}"#.to_owned());
    let odd: &[&dyn sql::Parameter] =
        &[&1, &Value::Decimal("7".to_owned()), &Value::Decimal("1.5".to_owned()), &b"ab".to_vec(), &json];
    let host = TestHost::new().sql(
        "stock",
        stock().rows("odd", &["flag", "big", "rate", "raw", "doc"], &[odd]).rows("none", &["n"], &[]).rows(
            "count",
            &["count"],
            &[&[&2]],
        ),
    );
    let outcome = host.run(|| {
        let rows = sql::query("stock", "select sku, n, price, note\n from items  where n > $1", &[&3])?;
        let items: Vec<Item> = rows.all()?;
        assert_eq!(
            (&*items[0].sku, items[0].n, &*items[0].price, items[0].note.as_deref()),
            ("tea", 4, "12.50", None)
        );
        assert_eq!((items[1].n, items[1].note.as_deref()), (5, Some("n")));
        assert!(rows.one::<Item>().unwrap_err().message.contains("there are 2"));
        let row = rows.iter().next().unwrap();
        assert_eq!((row.get::<u8>("n")?, row.get::<Option<String>>("note")?), (4, None));
        let fault = row.get::<u8>("m").unwrap_err();
        assert_eq!(fault.message, "the row has no column m; there are sku, n, price, note");
        assert!(row.get::<bool>("n").unwrap_err().message.starts_with("column n is not as expected: "));
        let row = sql::query("stock", "odd", &[])?.into_iter().next().unwrap();
        let odd: (bool, u64, f64, Vec<u8>, serde_json::Value) = row.read()?;
        assert_eq!(odd, (true, 7, 1.5, b"ab".to_vec(), json!({"a": [1, 2]})));
        assert_eq!(row.get::<String>("rate")?, "1.5");
        assert_eq!(sql::query("stock", "count", &[])?.one::<i64>()?, 2);
        let none = sql::query("stock", "none", &[])?;
        assert_eq!((none.at_most_one::<i64>()?, none.is_empty(), none.columns().len()), (None, true, 1));
        assert!(none.one::<i64>().is_err());
        Ok(())
    });
    outcome.value();
    assert_eq!(outcome.sent.sql[0].parameters, [Value::Integer(3)]);
    assert!(host.unsent("stock").is_empty());
}

#[test]
fn parameters_are_what_they_are_in_the_contract() {
    let host = TestHost::new().sql("stock", Script::new().changed("insert", 1));
    let outcome = host.run(|| {
        let given: &[&dyn sql::Parameter] = &[
            &true,
            &u64::MAX,
            &1.5_f32,
            &"a",
            &"b".to_owned(),
            &None::<i64>,
            &Some(7_u8),
            &[1_u8, 2].as_slice(),
            &json!({"a": 1}),
            &Value::Date("2026-11-30".to_owned()),
        ];
        sql::execute("stock", "insert", given)
    });
    assert_eq!(*outcome.value(), 1);
    let text = |text: &str| text.to_owned();
    assert_eq!(
        outcome.sent.sql[0].parameters,
        [
            Value::Boolean(true),
            Value::Decimal(text("18446744073709551615")),
            Value::Float(1.5),
            Value::Text(text("a")),
            Value::Text(text("b")),
            Value::Null,
            Value::Integer(7),
            Value::Bytes(vec![1, 2]),
            Value::Json(text(r#"{"a":1}"#)),
            Value::Date(text("2026-11-30")),
        ]
    );
}

#[test]
fn transactions_end_as_their_work_does() {
    let script = Script::new()
        .changed("update", 1)
        .changed("update", 0)
        .fault("insert", Fault::reject("constraint", "it is there already").status(409));
    let host = TestHost::new().sql("stock", script);
    let outcome = host.run(|| {
        let options = sql::Options { read_only: false, isolation: Some(Isolation::Serializable) };
        let first = sql::transaction_with("stock", options, |tx| tx.execute("update", &[]))?;
        let second = sql::transaction("stock", |tx| {
            tx.execute("update", &[])?;
            tx.query("insert", &[])
        });
        assert_eq!((first, &*second.unwrap_err().code), (1, "constraint"));
        assert_eq!(code(sql::execute("stock", "update", &[])), "invalid-statement");
        Ok(())
    });
    outcome.value();
    let statements: Vec<_> = outcome.sent.sql.iter().map(|sent| &*sent.statement).collect();
    assert_eq!(statements, ["begin", "update", "commit", "begin", "update", "insert", "rollback", "update"]);
}

#[test]
fn cursors_give_row_by_row() {
    let host = TestHost::new().sql("stock", stock());
    let outcome = host.run(|| {
        let cursor = sql::cursor("stock", ITEMS, &[&0])?.batch(1);
        assert_eq!(cursor.columns().len(), 4);
        cursor.map(|row| row?.get::<String>("sku")).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(outcome.value(), &["tea", "jam"]);
}

#[test]
fn dictionaries_translate_by_day() {
    let countries = Dictionary::new()
        .valid(None, Some("2025-12-31"), &[("erp", "CS"), ("shop", "old")])
        .entry(&[("erp", "CS"), ("shop", "new")])
        .entry(&[("erp", "DE"), ("bank", "276")])
        .entry(&[("erp", "DE"), ("shop", "germany")])
        .default_of("shop", "elsewhere");
    let host = TestHost::new().dictionary("countries", countries);
    let outcome = host.run(|| {
        let translate = |key, to| dictionaries::translate("countries", key, "erp", to);
        assert_eq!(translate("DE", "shop")?.as_deref(), Some("germany"));
        assert_eq!(translate("CS", "shop")?.as_deref(), Some("new"), "the clock says 2026");
        assert_eq!(
            (translate("XX", "shop")?.as_deref(), translate("XX", "bank")?),
            (Some("elsewhere"), None)
        );
        let then = dictionaries::on("2025-12-31");
        assert_eq!(then.translate("countries", "CS", "erp", "shop")?.as_deref(), Some("old"));
        assert_eq!((then.entries("countries")?.len(), dictionaries::entries("countries")?.len()), (4, 3));
        assert_eq!(code(translate("DE", "crm")), "system-unknown");
        assert_eq!(code(dictionaries::on("today").entries("countries")), "invalid-input");
        Ok(())
    });
    outcome.value();
}
