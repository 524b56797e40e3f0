//! Decision records are dated and can be found.

use crate::{none, tree::files};

const FOLDER: &str = "docs/decisions/";

/// `2026-11-21-a-name.md`
fn is_dated(name: &str) -> bool {
    let bytes = name.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let dashes = [4, 7, 10].iter().all(|at| bytes.get(*at) == Some(&b'-'));
    digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && dashes
        && name.len() > "2026-11-21-.md".len()
        && name.ends_with(".md")
}

#[test]
fn a_date_is_known() {
    assert!(is_dated("2026-11-21-one-listener.md"));
    for bad in ["one-listener.md", "2026-11-21.md", "2026-11-21-.md", "2026-1-21-x.md", "2026-11-21-x.txt"] {
        assert!(!is_dated(bad), "{bad}");
    }
}

#[test]
fn decisions_are_dated_and_linked() {
    let files = files();
    let records: Vec<_> =
        files.iter().filter(|file| file.path.starts_with(FOLDER) && file.name() != "README.md").collect();
    let undated = records.iter().filter(|file| !is_dated(file.name())).map(|file| file.path.clone());
    none("a decision has its date in its name", &undated.collect::<Vec<_>>());
    let Some(index) = files.iter().find(|file| file.path == format!("{FOLDER}README.md")) else { return };
    let index = index.text().unwrap_or_default();
    let lost = records
        .iter()
        .filter(|file| !index.contains(&format!("({})", file.name())))
        .map(|file| file.path.clone());
    none("docs/decisions/README.md links every decision", &lost.collect::<Vec<_>>());
}
