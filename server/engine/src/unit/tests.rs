//! Layers over a ledger in memory.

use busbar_model::{bounds, unit::Key};

use super::{KvError, Layer};
use crate::double::Committed;

fn key(key: &str) -> Key {
    Key { plugin: "p".parse().unwrap(), key: key.to_owned() }
}

async fn text(layer: &Layer, name: &str) -> Option<String> {
    let entry = layer.get(key(name)).await.unwrap();
    entry.map(|entry| String::from_utf8(entry.value).unwrap())
}

async fn listed(layer: &Layer, after: Option<&str>, limit: u32) -> (Vec<String>, Option<String>) {
    let plugin = "p".parse().unwrap();
    let listing = layer.list(&plugin, "k".into(), after.map(str::to_owned), limit).await.unwrap();
    (listing.entries.into_iter().map(|(key, _)| key).collect(), listing.next)
}

#[tokio::test]
async fn a_nested_call_sees_what_stands_below_and_keeps_its_own_to_itself() {
    let below = Layer::new(Committed::with([("a".into(), "1"), ("n".into(), "5")]));
    below.put(key("b"), b"2".to_vec(), None, None).unwrap();
    below.increment(key("n"), 2).await.unwrap();
    let above = below.above();
    assert_eq!((text(&above, "a").await, text(&above, "b").await), (Some("1".into()), Some("2".into())));
    assert_eq!(above.increment(key("n"), 3).await, Ok(10));
    above.delete(key("a"), None).unwrap();
    assert_eq!((text(&above, "a").await, text(&below, "a").await), (None, Some("1".into())));
    assert_eq!(text(&below, "n").await.as_deref(), Some("7"));
    below.absorb(&above).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!((text(&below, "a").await, text(&below, "n").await), (None, Some("10".into())));
    assert_eq!(below.take().unwrap().writes.len(), 3);
}

#[tokio::test]
async fn expectations_are_checked_against_what_is_staged() {
    let layer = Layer::new(Committed::with([("a".into(), "1")]));
    // What is committed is left to the commit.
    layer.put(key("a"), b"2".to_vec(), Some(99), None).unwrap();
    let version = layer.get(key("a")).await.unwrap().unwrap().version;
    let above = layer.above();
    assert_eq!(above.put(key("a"), b"3".to_vec(), Some(99), None), Err(KvError::Conflict));
    above.put(key("a"), b"3".to_vec(), Some(version), None).unwrap();
    assert_ne!(above.get(key("a")).await.unwrap().unwrap().version, version);
}

#[tokio::test]
async fn a_listing_shows_staged_changes_in_its_pages() {
    let committed = (0..6).map(|number| (format!("k{number}"), "x"));
    let layer = Layer::new(Committed::with(committed));
    layer.delete(key("k1"), None).unwrap();
    layer.put(key("k25"), b"x".to_vec(), None, None).unwrap();
    layer.put(key("k9"), b"x".to_vec(), None, None).unwrap();
    layer.put(key("other"), b"x".to_vec(), None, None).unwrap();
    assert_eq!(
        listed(&layer, None, 3).await,
        (vec!["k0".into(), "k2".into(), "k25".into()], Some("k25".into()))
    );
    let rest = vec!["k3".to_owned(), "k4".into(), "k5".into(), "k9".into()];
    assert_eq!(listed(&layer, Some("k25"), 10).await, (rest.clone(), None));
    assert_eq!(listed(&layer, Some("k25"), 4).await, (rest, None));
}

#[tokio::test]
async fn an_answered_call_has_no_effects_any_more() {
    let layer = Layer::new(Committed::with([]));
    assert!(layer.take().is_none());
    assert!(matches!(layer.put(key("a"), Vec::new(), None, None), Err(KvError::Limit(_))));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let layer = Layer::new(Committed::with([("t".into(), "text")]));
    let large = vec![0; bounds::KV_VALUE_BYTES_MAX + 1];
    assert!(matches!(layer.put(key("a"), large, None, None), Err(KvError::Limit(_))));
    let long = "k".repeat(bounds::KV_KEY_BYTES_MAX + 1);
    assert!(matches!(layer.get(key(&long)).await, Err(KvError::Limit(_))));
    assert_eq!(layer.increment(key("t"), 1).await, Err(KvError::NotANumber));
}
