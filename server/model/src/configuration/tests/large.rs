//! What may be exported can be applied, however much there is.

use serde_json::{Value, json};

use super::{Document, yaml};
use crate::bounds::{
    CONNECTION_WSDL_BYTES_MAX, CONNECTIONS_WSDL_BYTES_MAX, DICTIONARIES_CODE_BYTES_MAX,
    DICTIONARY_CODE_BYTES_MAX, DICTIONARY_ENTRIES_MAX,
};

/// Of two systems, whose names are as long as they may be, and of codes that need the most quoting.
fn dictionary(name: usize) -> (String, Value) {
    let systems = ["a", "b"].map(|of| of.repeat(63));
    let bytes = DICTIONARY_CODE_BYTES_MAX / DICTIONARY_ENTRIES_MAX / systems.len();
    let entry = |at: usize| {
        let code = format!("{at:05}{}", "\"".repeat(bytes - 5));
        let [one, other] = &systems;
        json!({one: code, other: code, "valid_from": "2026-01-01", "valid_until": "2026-12-31"})
    };
    let entries: Vec<_> = (0..DICTIONARY_ENTRIES_MAX).map(entry).collect();
    (format!("d{name}"), json!({"systems": systems, "entries": entries}))
}

fn wsdl(name: usize) -> (String, Value) {
    let text = "<a b=\"\"/>\r\n".repeat(CONNECTION_WSDL_BYTES_MAX / 11);
    (
        format!("c{name}"),
        json!({"kind": "soap", "base_url": "https://a", "wsdl": {"documents": [{"location": "a.wsdl", "text": text}]}}),
    )
}

#[test]
fn the_largest_documents_that_are_written_are_read() {
    let connections = (0..CONNECTIONS_WSDL_BYTES_MAX / CONNECTION_WSDL_BYTES_MAX).map(wsdl);
    let dictionaries = (0..DICTIONARIES_CODE_BYTES_MAX / DICTIONARY_CODE_BYTES_MAX).map(dictionary);
    let jobs = (0..100_000).map(|at| {
        let schedule = json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Europe/Berlin"});
        (format!("job-{at}"), json!({"service": "a", "schedule": schedule, "attempts": 7}))
    });
    let given = json!({
        "busbar": 1,
        "connections": connections.collect::<serde_json::Map<_, _>>(),
        "dictionaries": dictionaries.collect::<serde_json::Map<_, _>>(),
        "jobs": jobs.collect::<serde_json::Map<_, _>>(),
    });
    let document = Document::read(&serde_json::from_value(given).unwrap());
    let document = document.unwrap_or_else(|mistakes| panic!("{}: {}", mistakes.len(), mistakes[0]));
    let text = document.to_yaml();
    eprintln!("{} bytes", text.len());
    let again = Document::read(&yaml::read(&text).unwrap()).unwrap();
    assert_eq!((again.jobs.len(), again.dictionaries.len()), (100_000, 4));
    assert!(again.to_yaml() == text);
}
