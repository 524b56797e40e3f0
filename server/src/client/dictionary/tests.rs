//! What commands ask of the bus, and say.

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
    #[arg(long, global = true)]
    json: bool,
}

async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
    let words = std::iter::once("dictionary").chain(line.split_whitespace());
    let line = Line::try_parse_from(words).unwrap();
    let (mut session, out, err) = fake.session(line.json);
    let outcome = run(&mut session, line.command).await;
    (conclude(&mut session.output, outcome), out.text(), err.text())
}

fn bus(asked: &Asked) -> (u16, Value) {
    let dictionary = json!({"id": "d1", "name": "countries", "summary": null, "systems": ["erp", "shop"],
        "defaults": {"shop": "XX"}, "entries_count": 7, "href": "/api/v1/dictionaries/d1"});
    match asked.line().as_str() {
        "GET /api/v1/dictionaries?limit=500" | "GET /api/v1/dictionaries?name=countries&limit=500" => {
            (200, json!({"items": [dictionary], "next": null}))
        }
        "GET /api/v1/dictionaries/d1/translate?key=D%20E&from=erp&to=shop"
        | "GET /api/v1/dictionaries/d1/translate?key=DE&from=erp&to=shop&on=2026-12-31" => {
            (200, json!({"code": "germany", "on": "2026-12-31"}))
        }
        line if line.contains("/translate") => (200, json!({"code": null, "on": "2026-11-29"})),
        "PUT /api/v1/dictionaries/d1/csv" if asked.body.starts_with(b"bad") => {
            let wrong = json!([{"path": "", "message": "line 3, column 2 (shop): code has 257 characters"}]);
            (400, json!({"detail": "wrong", "code": "invalid-input", "errors": wrong}))
        }
        "DELETE /api/v1/dictionaries/d1" => (204, Value::Null),
        "POST /api/v1/dictionaries" => (201, dictionary),
        _ => (200, dictionary),
    }
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    let fake = Fake::start(bus).await;
    for line in [
        "create countries",
        "create countries --systems erp,shop --default shop",
        "create countries --systems erp,shop --default shop=A --default shop=B",
        "create countries --systems erp,shop --csv /no/such/file",
        "update countries",
        "import countries /no/such/file",
    ] {
        let (code, out, err) = obey(&fake, line).await;
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
    }
    assert!(fake.changes().is_empty());
}

#[tokio::test]
async fn lists_and_shows() {
    let fake = Fake::start(bus).await;
    let (_, list, _) = obey(&fake, "list").await;
    assert!(list.ends_with("\ncountries\terp shop\t7\tshop=XX\t-\n"), "{list}");
    let (_, show, _) = obey(&fake, "show countries").await;
    assert!(show.ends_with("systems\terp shop\ndefaults\tshop=XX\nentries\t7\n"), "{show}");
}

#[tokio::test]
async fn sends_what_was_given_and_no_more() {
    let fake = Fake::start(bus).await;
    for line in [
        "create countries --systems erp,shop --default shop=X=Y --summary Codes",
        "update countries --rename nations --default shop= --default erp=DE",
        "delete countries",
    ] {
        let (code, _, err) = obey(&fake, line).await;
        assert_eq!(code, 0, "{line}: {err}");
    }
    let changes = fake.changes();
    assert_eq!(
        changes[0].json(),
        json!({"name": "countries", "systems": ["erp", "shop"], "defaults": {"shop": "X=Y"}, "summary": "Codes"})
    );
    assert_eq!(changes[1].json(), json!({"name": "nations", "defaults": {"shop": null, "erp": "DE"}}));
    assert_eq!(changes[2].line(), "DELETE /api/v1/dictionaries/d1");
}

#[tokio::test]
async fn entries_come_from_a_file_and_go_to_one() {
    let fake = Fake::start(bus).await;
    let (good, bad) = (fake.folder().join("good.csv"), fake.folder().join("bad.csv"));
    std::fs::write(&good, "erp,shop\r\nDE,germany\r\n").unwrap();
    std::fs::write(&bad, "bad").unwrap();
    assert_eq!(obey(&fake, &format!("import countries {}", good.display())).await.0, 0);
    let create = "create countries --systems erp,shop --csv";
    assert_eq!(obey(&fake, &format!("{create} {}", good.display())).await.0, 0);
    let (code, _, err) = obey(&fake, &format!("{create} {}", bad.display())).await;
    assert!(code == 1 && err.contains("line 3, column 2 (shop)"), "{err}");
    let changes = fake.changes();
    let lines: Vec<_> = changes.iter().map(Asked::line).collect();
    let put = "PUT /api/v1/dictionaries/d1/csv";
    let post = "POST /api/v1/dictionaries";
    assert_eq!(lines, [put, post, put, post, put, "DELETE /api/v1/dictionaries/d1"], "made and taken away");
    assert_eq!(changes[0].header("content-type"), Some("text/csv"));
    assert_eq!(changes[0].body, "erp,shop\r\nDE,germany\r\n");
    assert_eq!((changes[0].header("if-match"), changes[2].header("if-match")), (None, Some("\"7\"")));
    let output = fake.folder().join("out.csv");
    assert_eq!(obey(&fake, &format!("export countries --output {}", output.display())).await.0, 0);
    assert!(std::fs::read_to_string(output).unwrap().contains("countries"));
    assert!(obey(&fake, "export countries --json").await.1.contains("\"countries\""));
    let asked: Vec<_> = fake.asked().iter().map(Asked::line).collect();
    assert!(asked.contains(&"GET /api/v1/dictionaries/d1/entries".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_translation_is_said_and_without_one_the_command_fails() {
    let fake = Fake::start(bus).await;
    let line = "translate countries DE --from erp --to shop --on 2026-12-31";
    assert_eq!(obey(&fake, line).await, (0, "germany\n".to_owned(), String::new()));
    assert!(obey(&fake, &format!("{line} --json")).await.1.contains("\"code\": \"germany\""));
    let (code, out, err) = obey(&fake, "translate countries FR --from erp --to shop").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("dictionary countries has no code of shop for \"FR\" of erp on 2026-11-29"),
        "{err}"
    );
}
