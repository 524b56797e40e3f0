//! Dictionaries.

use std::collections::BTreeMap;

use busbar_model::{
    Dictionary,
    bounds::{DICTIONARIES_MAX, DICTIONARY_CODE_CHARS_MAX},
    dictionary::{Draft, Named, Parts, Table},
    plugin::Grants,
};
use busbar_store::{Action, AuditFilter, Error, MasterKey, ObjectKind, Page, Wanted, dictionary::Filter};

use crate::fixture::{Fixture, by, name};

pub(crate) fn draft(of: &str, codes: &[(&str, &str)]) -> Draft {
    let entry = |(erp, shop): &(&str, &str)| Named {
        codes: BTreeMap::from([("erp", erp), ("shop", shop)])
            .into_iter()
            .map(|(system, code)| (system.parse().unwrap(), code.parse().unwrap()))
            .collect(),
        valid_until: Some("2026-12-31".parse().unwrap()),
        ..Named::default()
    };
    let parts = Parts {
        systems: ["erp", "shop"].map(|system| system.parse().unwrap()).to_vec(),
        defaults: BTreeMap::from([("shop".parse().unwrap(), "XX".parse().unwrap())]),
        entries: codes.iter().map(entry).collect(),
    };
    Draft { name: name(of), summary: Some("Countries".to_owned()), table: Table::new(parts).unwrap() }
}

fn create(fixture: &Fixture, draft: Draft) -> Dictionary {
    fixture.odb.create_dictionary(&by(), draft).unwrap()
}

fn update(fixture: &Fixture, made: &Dictionary, draft: Draft) -> Result<Dictionary, Error> {
    fixture.odb.update_dictionary(&by(), &made.id, Some(made.revision), |_| Ok::<_, Error>(draft.clone()))
}

#[test]
fn a_name_is_taken_once_and_an_edit_is_not_lost() {
    let fixture = Fixture::new();
    let made = create(&fixture, draft("countries", &[("DE", "germany")]));
    let other = create(&fixture, draft("units", &[]));
    let taken = fixture.odb.create_dictionary(&by(), draft("countries", &[])).unwrap_err();
    assert!(matches!(taken, Error::NameTaken { .. }), "{taken}");
    let taken = update(&fixture, &other, draft("countries", &[])).unwrap_err();
    assert!(matches!(taken, Error::NameTaken { .. }), "{taken}");
    let after = update(&fixture, &made, draft("countries", &[("AT", "austria")])).unwrap();
    assert_eq!((after.revision, &after.id), (2, &made.id));
    let late = update(&fixture, &made, draft("countries", &[])).unwrap_err();
    assert!(matches!(late, Error::RevisionMismatch { current: 2 }), "{late}");
    let late = fixture.odb.delete_dictionary(&by(), &made.id, Some(1)).unwrap_err();
    assert!(matches!(late, Error::RevisionMismatch { current: 2 }), "{late}");
    let same = update(&fixture, &after, after.draft.clone()).unwrap();
    assert_eq!(same, after, "nothing is done where nothing changes");
    fixture.odb.delete_dictionary(&by(), &made.id, Some(2)).unwrap();
    let gone = fixture.odb.dictionary(&made.id).unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
}

#[test]
fn what_is_stored_is_read_as_the_same() {
    let fixture = Fixture::new();
    let odd = "\u{1f600} 'ä' \"\\ ${x};,=1+1";
    let made = create(&fixture, draft("countries", &[("DE", "germany"), (odd, "x")]));
    let units = create(&fixture, draft("units", &[]));
    assert_eq!(fixture.odb.dictionary(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.definitions().unwrap().dictionaries, [made.clone(), units]);
    let page = fixture.odb.dictionaries(&Page::first(1), &Filter::default()).unwrap();
    assert_eq!((page.items[0].name.as_str(), page.items[0].entries_count), ("units", 0));
    assert!(page.next.is_some());
    let named = Filter { name: Some("countries".to_owned()) };
    let page = fixture.odb.dictionaries(&Page::first(10), &named).unwrap();
    let [countries] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((countries.entries_count, countries.table.entries().len()), (2, 0));
    assert_eq!(countries.table.systems(), made.draft.table.systems());
    assert_eq!(countries.table.defaults().count(), 1);
    assert_eq!((&countries.summary, countries.revision), (&made.draft.summary, 1));
}

#[test]
fn what_grants_name_stays_and_keeps_its_name() {
    let fixture = Fixture::new();
    fixture.deploy("orders", b"orders");
    let made = create(&fixture, draft("countries", &[]));
    let grant = |patterns: &[&str]| {
        let dictionaries = patterns.iter().map(ToString::to_string).collect();
        let grants = Some(Grants { dictionaries, ..Grants::default() });
        fixture.odb.set_grants(&by(), "orders", None, grants).unwrap();
    };
    grant(&["countries"]);
    for refused in [
        update(&fixture, &made, draft("nations", &[])).unwrap_err(),
        fixture.odb.delete_dictionary(&by(), &made.id, None).unwrap_err(),
    ] {
        let Error::InUse { users, .. } = refused else { panic!("{refused}") };
        assert_eq!(users[..], [r#"the grants of plugin "orders""#]);
    }
    let after = update(&fixture, &made, draft("countries", &[("DE", "germany")])).unwrap();
    grant(&["*"]);
    update(&fixture, &after, draft("nations", &[])).unwrap();
    fixture.odb.delete_dictionary(&by(), &made.id, None).unwrap();
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let fixture = Fixture::new();
    let long = |first: &str| format!("{first}{}", "x".repeat(DICTIONARY_CODE_CHARS_MAX - 1));
    // All but two bytes of a dictionary's.
    let codes = vec![(long("a"), long("b")); 2047];
    let codes: Vec<_> = codes.iter().map(|(erp, shop)| (erp.as_str(), shop.as_str())).collect();
    for at in 0..4 {
        create(&fixture, draft(&format!("large-{at}"), &codes));
    }
    let full = fixture.odb.create_dictionary(&by(), draft("one-more", &codes)).unwrap_err();
    let Error::DictionariesFull { what: "bytes of dictionaries' codes", would, most } = full else {
        panic!("{full}")
    };
    assert!((most, would) == (4 << 20, 5 * (2047 * 512 + 2)), "{would}");
    for at in 4..DICTIONARIES_MAX {
        create(&fixture, draft(&format!("small-{at}"), &[]));
    }
    let full = fixture.odb.create_dictionary(&by(), draft("one-more", &[])).unwrap_err();
    assert_eq!(full.to_string(), "257 dictionaries would be too many: allowed is 256 in all");
}

#[test]
fn the_audit_trail_shows_what_changed() {
    let fixture = Fixture::new();
    let many: Vec<String> = (0..150).map(|at| at.to_string()).collect();
    let many: Vec<_> = many.iter().map(|at| (at.as_str(), "x")).collect();
    let made = create(&fixture, draft("countries", &many));
    let mut other = many.clone();
    other[7].1 = "y";
    update(&fixture, &made, draft("countries", &other)).unwrap();
    fixture.odb.delete_dictionary(&by(), &made.id, None).unwrap();
    let filter = AuditFilter { kind: Some(ObjectKind::Dictionary), ..AuditFilter::default() };
    let trail = fixture.odb.audit(&Page::first(10), &filter).unwrap().items;
    let [deleted, updated, created] = &trail[..] else { panic!("{trail:?}") };
    assert_eq!((deleted.action, created.action), (Action::Delete, Action::Create));
    let view = created.after.as_ref().unwrap();
    assert_eq!((&view["name"], &view["defaults"]["shop"]), (&"countries".into(), &"XX".into()));
    assert_eq!(view["entries"]["count"], 150);
    assert_eq!(view["entries"]["differing"].as_array().unwrap().len(), 100, "within bounds");
    let (was, is) = (updated.before.as_ref().unwrap(), updated.after.as_ref().unwrap());
    assert_eq!(
        is["entries"]["differing"],
        serde_json::json!([{"codes": {"erp": "7", "shop": "y"}, "valid_until": "2026-12-31"}])
    );
    assert_eq!(was["entries"]["differing"][0]["codes"]["shop"], "x");
    assert_ne!(was["entries"]["digest"], is["entries"]["digest"]);
}

#[test]
fn a_configuration_puts_them_in_place_and_takes_them_away() {
    let fixture = Fixture::new();
    let key = MasterKey::new(&[7; 32]);
    let apply = |dictionaries: Vec<Draft>, prune: bool| {
        let wanted = Wanted { dictionaries, ..Wanted::default() };
        let applied = fixture.odb.apply(&by(), &key, &wanted, prune, false).unwrap();
        assert!(applied.refusals.is_empty(), "{:?}", applied.refusals);
        let edit = |edit: &busbar_store::Edit| format!("{} {}", edit.action, edit.object_name);
        applied.edits.iter().map(edit).collect::<Vec<_>>()
    };
    let both = vec![draft("countries", &[("DE", "germany")]), draft("units", &[])];
    assert_eq!(apply(both.clone(), false), ["create countries", "create units"]);
    assert_eq!(apply(both, false), [""; 0], "a second time to no effect");
    let one = vec![draft("countries", &[("DE", "deutschland")])];
    assert_eq!(apply(one.clone(), false), ["update countries"]);
    assert_eq!(apply(one, true), ["delete units"]);
    let grants = Grants { dictionaries: vec!["countries".to_owned()], ..Grants::default() };
    fixture.deploy("orders", b"orders");
    fixture.odb.set_grants(&by(), "orders", None, Some(grants.clone())).unwrap();
    let plugin = busbar_model::configuration::PluginEntry {
        name: name("orders"),
        grants: Some(grants),
        config: serde_json::json!({}),
    };
    let wanted = Wanted { plugins: vec![plugin], ..Wanted::default() };
    let applied = fixture.odb.apply(&by(), &key, &wanted, true, false).unwrap();
    let [refusal] = &applied.refusals[..] else { panic!("{applied:?}") };
    assert_eq!(refusal.path, "/dictionaries/countries");
    assert!(matches!(refusal.error, Error::InUse { .. }), "{}", refusal.error);
}
