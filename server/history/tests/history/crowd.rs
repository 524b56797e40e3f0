//! Several processes and threads at once: one line of versions, none lost.

use std::{collections::BTreeSet, thread};

use tempfile::tempdir;

use crate::{
    is_sound,
    kill::{Writer, wait_more},
    open, record, settings,
};

#[test]
fn threads_take_their_turns() {
    let folder = tempdir().unwrap();
    thread::scope(|scope| {
        for writer in 0..4_u64 {
            let path = folder.path();
            scope.spawn(move || {
                let history = open(path);
                (0..10).for_each(|number| drop(record(&history, writer * 100 + number)));
            });
        }
    });
    let history = open(folder.path());
    let entries = history.log(1_000).unwrap().entries;
    let found: BTreeSet<String> = entries.iter().map(|entry| entry.reason.clone()).collect();
    let wanted = (0..4).flat_map(|writer| (0..10).map(move |n| format!("{} workers", writer * 100 + n)));
    assert_eq!(found, wanted.collect());
    assert_eq!(entries.len(), 40);
    is_sound(&history);
}

#[test]
fn processes_take_their_turns_and_readers_see_whole_versions() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let mut writers = [Writer::start(&history), Writer::start(&history)];
    let (mut before, mut wrote) = (0, BTreeSet::new());
    while before < 40 || wrote.len() < 2 {
        before = wait_more(&history, before, &mut writers);
        let newest = history.log(1).unwrap().entries.remove(0);
        let text = history.show(&newest.id).unwrap();
        assert_eq!(text.lines().count(), settings(1).lines().count(), "{text}");
        wrote.insert(number(&text) / 1_000_000);
        assert!(before < 5_000, "only {wrote:?} wrote");
    }
    drop(writers);
    is_sound(&history);
    let entries = history.log(usize::MAX).unwrap().entries;
    let numbers: BTreeSet<u64> =
        entries.iter().map(|entry| number(&history.show(&entry.id).unwrap())).collect();
    assert_eq!(numbers.len(), entries.len(), "each version once");
}

fn number(text: &str) -> u64 {
    text.lines().last().unwrap().trim_start_matches("count = ").parse().unwrap()
}
