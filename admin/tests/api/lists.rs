//! What all lists have in common.

use serde_json::Value;

use crate::fixture::Api;

const PATH: &str = "/api/v1/channels";

#[tokio::test]
async fn pages_are_newest_first_and_keep_their_filters() {
    let api = Api::new();
    for path in ["/a", "/b", "/c", "/d", "/e"] {
        api.channel(&path[1..], path).await;
    }
    let mut uri = format!("{PATH}?limit=2&service=some-service&active=true");
    let mut seen = Vec::new();
    loop {
        let page = api.get(&uri).await.is(200);
        seen.extend(page.names().into_iter().map(str::to_owned));
        match &page.json["next"] {
            Value::String(next) => uri = next.clone(),
            end => break assert_eq!(*end, Value::Null),
        }
        assert!(uri.contains("limit=2") && uri.contains("service=some-service"), "{uri}");
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
    assert_eq!(api.get(&format!("{PATH}?name=c")).await.names(), ["c"]);
    assert_eq!(api.get(&format!("{PATH}?path=%2Fd")).await.names(), ["d"]);
    assert_eq!(api.get(&format!("{PATH}?active=false")).await.is(200).names(), [""; 0]);
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused() {
    let api = Api::new();
    for limit in ["0", "501", "x", "", "-1"] {
        let refused = api.get(&format!("{PATH}?limit={limit}")).await;
        refused.invalid_at("/limit", &[&format!("{limit:?}"), "1 to 500"]);
    }
    for list in [
        "channels",
        "connections",
        "security",
        "secrets",
        "plugins",
        "services",
        "deployments",
        "servers",
        "jobs",
        "calendars",
        "dictionaries",
        "audit",
    ] {
        let refused = api.get(&format!("/api/v1/{list}?page=2")).await;
        refused.invalid_at("/page", &["limit, before"]);
        api.get(&format!("/api/v1/{list}?limit=500")).await.is(200);
    }
    api.get(&format!("{PATH}?active=yes")).await.invalid_at("/active", &["\"yes\"", "true or false"]);
    api.get(&format!("{PATH}?name=a&name=b")).await.invalid_at("/name", &["more than once"]);
}
