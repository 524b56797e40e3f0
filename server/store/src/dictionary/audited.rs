//! What the audit trail shows of a dictionary: of its entries those that changed, within bounds, and what proves the rest.

use std::collections::HashSet;

use busbar_model::{
    Dictionary, Digest,
    bounds::DICTIONARY_ENTRIES_AUDITED_MAX,
    dictionary::{Entry, Table},
};
use serde_json::{Map, Value, json};

/// `other` is what it was, or becomes.
pub(super) fn view(dictionary: &Dictionary, other: Option<&Dictionary>) -> Value {
    let draft = &dictionary.draft;
    let entries: Vec<String> = texts(&draft.table).collect();
    let others: HashSet<String> = other.iter().flat_map(|other| texts(&other.draft.table)).collect();
    let differing = draft.table.entries().iter().zip(&entries).filter(|(_, text)| !others.contains(*text));
    let differing = differing.map(|(entry, _)| named(&draft.table, entry));
    json!({
        "name": draft.name,
        "summary": draft.summary,
        "systems": draft.table.systems(),
        "defaults": draft.table.defaults().map(|(system, code)| (system.to_string(), json!(code))).collect::<Map<_, _>>(),
        "entries": {
            "count": entries.len(),
            "digest": Digest::of(entries.join("\n").as_bytes()),
            "differing": differing.take(DICTIONARY_ENTRIES_AUDITED_MAX).collect::<Vec<_>>(),
        },
    })
}

fn texts(table: &Table) -> impl Iterator<Item = String> {
    table.entries().iter().map(|entry| named(table, entry).to_string())
}

fn named(table: &Table, entry: &Entry) -> Value {
    let codes: Map<_, _> =
        table.codes(entry).map(|(system, code)| (system.to_string(), json!(code))).collect();
    let mut shown = json!({"codes": codes});
    for (member, day) in [("valid_from", entry.valid_from), ("valid_until", entry.valid_until)] {
        if let Some(day) = day {
            shown[member] = json!(day);
        }
    }
    shown
}
