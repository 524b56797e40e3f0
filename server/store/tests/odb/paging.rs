//! Lists in pages.

use busbar_store::{AuditFilter, Error, Page, channel::Filter};

use crate::fixture::{Fixture, by, draft};

#[test]
fn pages_follow_one_another_without_gaps_or_doubles() {
    let fixture = Fixture::new();
    for number in 0..7 {
        fixture.odb.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
    }
    let mut page = Page::first(3);
    let mut names = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let paged = fixture.odb.channels(&page, &Filter::default()).unwrap();
        sizes.push(paged.items.len());
        names.extend(paged.items.iter().map(|channel| channel.name.to_string()));
        match paged.next {
            Some(next) => page.before = Some(next),
            None => break,
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(names, ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
}

#[test]
fn a_page_that_ends_the_list_names_no_next_one() {
    let fixture = Fixture::new();
    assert_eq!(fixture.odb.channels(&Page::first(3), &Filter::default()).unwrap().next, None);
    for number in 0..3 {
        fixture.odb.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
    }
    let paged = fixture.odb.channels(&Page::first(3), &Filter::default()).unwrap();
    assert_eq!((paged.items.len(), paged.next), (3, None));
}

#[test]
fn the_audit_trail_pages_by_number() {
    let fixture = Fixture::new();
    for number in 0..3 {
        fixture.odb.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
    }
    let first = fixture.odb.audit(&Page::first(2), &AuditFilter::default()).unwrap();
    assert_eq!(first.items.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 2]);
    let second = fixture.odb.audit(&Page { limit: 2, before: first.next }, &AuditFilter::default()).unwrap();
    assert_eq!(second.items.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1]);
    assert_eq!(second.next, None);
    let odd = Page { limit: 2, before: Some("x".to_owned()) };
    assert!(matches!(fixture.odb.audit(&odd, &AuditFilter::default()), Err(Error::InvalidCursor(_))));
}
