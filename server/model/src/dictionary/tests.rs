//! What fits into a dictionary, and what it answers.

use std::{collections::BTreeMap, time::Instant};

use proptest::prelude::*;

use super::{Code, Date, Dictionary, Draft, Lookup, Named, Parts, System, Table};
use crate::{bounds::DICTIONARY_CODE_BYTES_MAX, time::Timestamp};

fn system(text: &str) -> System {
    text.parse().unwrap()
}

fn codes(given: &[(&str, &str)]) -> BTreeMap<System, Code> {
    given.iter().map(|(of, code)| (system(of), code.parse().unwrap())).collect()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn named(given: &[(&str, &str)]) -> Named {
    Named { codes: codes(given), ..Named::default() }
}

fn valid(given: &[(&str, &str)], from: Option<&str>, until: Option<&str>) -> Named {
    Named { codes: codes(given), valid_from: from.map(day), valid_until: until.map(day) }
}

fn parts(entries: Vec<Named>) -> Parts {
    let systems = ["erp", "shop", "crm"].map(system).to_vec();
    Parts { systems, defaults: codes(&[("shop", "XX")]), entries }
}

fn lookup(table: Table) -> Lookup {
    let draft = Draft { name: "countries".parse().unwrap(), summary: None, table };
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    Lookup::new(Dictionary { id: "d1".to_owned(), draft, revision: 1, created_at, updated_at })
}

/// All that is told, place and message.
fn told(parts: Parts) -> Vec<String> {
    let unfit = Table::new(parts).unwrap_err();
    unfit.iter().map(|unfit| format!("{}: {}", unfit.path, unfit.message)).collect()
}

#[test]
fn what_is_no_system_or_code_is_refused() {
    for bad in ["", "Erp", "1erp", "e.rp", "e rp", "é", "valid_from", "valid_until", &"x".repeat(64)] {
        assert!(bad.parse::<System>().is_err(), "{bad:?}");
    }
    assert!("e-r_p9".parse::<System>().is_ok() && "x".repeat(63).parse::<System>().is_ok());
    for bad in ["", "a\nb", "a\tb", "\u{85}", &"é".repeat(257)] {
        assert!(bad.parse::<Code>().is_err(), "{bad:?}");
    }
    for good in [" ", "=1+1", "\"", "é".repeat(256).as_str()] {
        assert_eq!(good.parse::<Code>().unwrap().as_str(), good);
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let all = told(Parts {
        systems: vec![system("erp"), system("erp")],
        defaults: codes(&[("shop", "XX")]),
        entries: vec![
            named(&[("erp", "DE")]),
            valid(&[("erp", "1"), ("crm", "2")], Some("2026-02-01"), Some("2026-01-31")),
        ],
    });
    let expected = [
        "/systems/1: system \"erp\" stands twice",
        "/defaults/shop: system \"shop\" is not one of the dictionary's; allowed is erp, erp",
        "/entries/0/codes: has codes of 1 systems; allowed is 2 or more",
        "/entries/1/codes/crm: system \"crm\" is not one of the dictionary's; allowed is erp, erp",
        "/entries/1/valid_until: is 2026-01-31, which is before the entry's first day, 2026-02-01",
    ];
    assert_eq!(all, expected);
    let one = Parts { systems: vec![system("erp")], ..Parts::default() };
    assert_eq!(told(one), ["/systems: has 1 items; allowed is 2 to 16"]);
}

#[test]
fn what_is_too_much_is_refused() {
    let many = vec![named(&[("erp", "a"), ("shop", "b")]); 10_001];
    assert_eq!(told(parts(many)), ["/entries: has 10001 items; allowed is 0 to 10000"]);
    let long = "x".repeat(256);
    let large = vec![named(&[("erp", &long), ("shop", &long)]); DICTIONARY_CODE_BYTES_MAX / 512];
    assert_eq!(told(parts(large)), ["/entries: codes have 1048578 bytes in all; allowed is 1048576"]);
    assert_eq!(told(parts(vec![Named::default(); 200])).len(), 100, "no more is told than someone reads");
}

#[test]
fn the_first_entry_that_says_so_is_taken_and_else_the_default() {
    let table = Table::new(parts(vec![
        named(&[("erp", "DE"), ("crm", "49")]),
        named(&[("erp", "DE"), ("shop", "germany")]),
        named(&[("erp", "D"), ("shop", "germany")]),
        named(&[("erp", "AT"), ("shop", "austria"), ("crm", "43")]),
        named(&[("erp", "AT"), ("shop", "oesterreich")]),
    ]))
    .unwrap();
    let lookup = lookup(table.clone());
    let on = day("2026-11-29");
    for (key, from, to, expected) in [
        ("DE", "erp", "shop", Some("germany")),
        ("D", "erp", "shop", Some("germany")),
        ("germany", "shop", "erp", Some("DE")),
        ("AT", "erp", "shop", Some("austria")),
        ("oesterreich", "shop", "erp", Some("AT")),
        ("43", "crm", "shop", Some("austria")),
        ("49", "crm", "shop", Some("XX")),
        ("FR", "erp", "shop", Some("XX")),
        ("FR", "erp", "crm", None),
        ("de", "erp", "crm", None),
        ("DE", "erp", "erp", Some("DE")),
    ] {
        assert_eq!(lookup.translate(key, from, to, on), Ok(expected), "{key} {from} {to}");
        assert_eq!(table.translate(key, from, to, on), Ok(expected), "{key} {from} {to}");
    }
    for (from, to) in [("erp", "web"), ("web", "erp")] {
        let unknown = lookup.translate("DE", from, to, on).unwrap_err();
        assert_eq!(unknown.system, "web");
        assert_eq!(
            unknown.to_string(),
            "system \"web\" is not one of the dictionary's; allowed is erp, shop, crm"
        );
    }
}

#[test]
fn an_entry_holds_from_its_first_day_to_its_last() {
    let lookup = lookup(
        Table::new(parts(vec![
            valid(&[("erp", "A"), ("crm", "old")], None, Some("2026-12-31")),
            valid(&[("erp", "A"), ("crm", "new")], Some("2027-01-01"), Some("2027-01-01")),
        ]))
        .unwrap(),
    );
    for (on, expected) in [
        ("2026-12-31", Some("old")),
        ("2027-01-01", Some("new")),
        ("2027-01-02", None),
        ("0001-01-01", Some("old")),
    ] {
        assert_eq!(lookup.translate("A", "erp", "crm", day(on)), Ok(expected), "{on}");
    }
}

#[test]
fn parts_make_the_same_table_and_json_keeps_it() {
    let given = parts(vec![valid(&[("erp", "A"), ("crm", "b")], Some("2026-01-01"), None)]);
    let table = Table::new(given.clone()).unwrap();
    assert_eq!(table.parts(), given);
    assert_eq!((table.codes_count(), table.code_bytes()), (3, 4));
    let json = serde_json::to_string(&table).unwrap();
    assert_eq!(
        json,
        r#"{"systems":["erp","shop","crm"],"defaults":[null,"XX",null],"entries":[{"codes":["A",null,"b"],"valid_from":"2026-01-01"}]}"#
    );
    assert_eq!(serde_json::from_str::<Table>(&json).unwrap(), table);
}

#[test]
fn a_damaged_table_translates_nothing_and_harms_nobody() {
    let json = r#"{"systems":["erp","shop"],"defaults":[],"entries":[{"codes":[]},{"codes":["A"]}]}"#;
    let lookup = lookup(serde_json::from_str(json).unwrap());
    assert_eq!(lookup.translate("A", "erp", "shop", day("2026-01-01")), Ok(None));
}

fn large() -> Table {
    let entry = |at: u32| named(&[("erp", &format!("material-{at:06}")), ("shop", &format!("sku-{at:06}"))]);
    Table::new(parts((0..10_000).map(entry).collect())).unwrap()
}

/// Measured by hand, in release: some 0.3 us. The bound is for a slow machine and a debug build.
#[test]
fn the_index_answers_at_once() {
    let lookup = lookup(large());
    let on = day("2026-11-29");
    let keys: Vec<String> = (0..10_000).map(|at| format!("material-{:06}", at * 7 % 10_000)).collect();
    let begun = Instant::now();
    for key in &keys {
        assert!(lookup.translate(key, "erp", "shop", on).unwrap().unwrap().starts_with("sku-"));
    }
    let each = begun.elapsed() / 10_000;
    assert!(each.as_micros() < 100, "{each:?}");
}

fn any_entry() -> impl Strategy<Value = Named> {
    let code = || prop::option::of("[abc]{1,2}");
    let dates = (prop::option::of(1_u32..15), prop::option::of(15_u32..28));
    (code(), code(), code(), dates).prop_filter_map(
        "fewer than two codes",
        |(erp, shop, crm, (from, until))| {
            let given = [("erp", erp), ("shop", shop), ("crm", crm)];
            let given: Vec<_> = given.into_iter().filter_map(|(of, code)| Some((of, code?))).collect();
            let given: Vec<_> = given.iter().map(|(of, code)| (*of, code.as_str())).collect();
            let date = |day: u32| format!("2026-11-{day:02}");
            let (from, until) = (from.map(date), until.map(date));
            (given.len() > 1).then(|| valid(&given, from.as_deref(), until.as_deref()))
        },
    )
}

proptest! {
    #[test]
    fn the_index_gives_what_looking_through_gives(
        entries in prop::collection::vec(any_entry(), 0..30),
        key in "[abc]{1,2}",
        on in 1_u32..29,
        from in 0_usize..3,
        to in 0_usize..3,
    ) {
        let table = Table::new(parts(entries)).unwrap();
        let systems = ["erp", "shop", "crm"];
        let on = day(&format!("2026-11-{on:02}"));
        let slow = table.translate(&key, systems[from], systems[to], on).unwrap().map(str::to_owned);
        let lookup = lookup(table);
        prop_assert_eq!(lookup.translate(&key, systems[from], systems[to], on).unwrap(), slow.as_deref());
    }
}
