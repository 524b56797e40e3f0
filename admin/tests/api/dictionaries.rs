//! `/api/v1/dictionaries`.

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::{Api, Reply, request};

const PATH: &str = "/api/v1/dictionaries";

fn countries() -> Value {
    json!({"name": "countries", "summary": "ISO and shop", "systems": ["erp", "shop"], "defaults": {"shop": "XX"},
        "entries": [{"codes": {"erp": "DE", "shop": "germany"}},
            {"codes": {"erp": "SU", "shop": "soviet-union"}, "valid_until": "1991-12-26"}]})
}

async fn made(api: &Api) -> String {
    api.post(PATH, countries()).await.is(201).text("href").to_owned()
}

async fn import(api: &Api, href: &str, tag: Option<&str>, csv: impl Into<Body>) -> Reply {
    let mut request = request("PUT", &format!("{href}/csv")).header("content-type", "text/csv");
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    api.send(request.body(csv.into()).unwrap()).await
}

async fn exported(api: &Api, href: &str) -> String {
    let request = request("GET", &format!("{href}/csv")).body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(response.headers().contains_key("etag"));
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn what_can_never_be_right_is_refused_with_its_place() {
    let api = Api::new();
    api.post(PATH, json!({})).await.invalid_at("/name", &["required"]);
    api.post(PATH, json!({})).await.invalid_at("/systems", &["required"]);
    api.post(PATH, json!([])).await.invalid_at("", &["not a JSON object"]);
    for (member, value, path, word) in [
        ("name", json!("No Name"), "/name", "not valid"),
        ("systems", json!(["erp"]), "/systems", "has 1 items; allowed is 2 to 16"),
        ("systems", json!(["erp", "Shop"]), "/systems/1", "not valid"),
        ("systems", json!(["erp", "valid_from"]), "/systems/1", "not valid"),
        ("systems", json!(["erp", "erp"]), "/systems/1", "stands twice"),
        ("systems", json!(null), "/systems", "is null"),
        ("defaults", json!({"Shop": "a"}), "/defaults/Shop", "not valid"),
        ("defaults", json!({"shop": ""}), "/defaults/shop", "has 0 characters"),
        (
            "entries",
            json!([{"codes": {"erp": "A"}}]),
            "/entries/0/codes",
            "of 1 systems; allowed is 2 or more",
        ),
        ("entries", json!([["A", "B"]]), "/entries/0", "expected an object"),
        ("summary", json!("x".repeat(1025)), "/summary", "1025 bytes"),
    ] {
        let mut odd = countries();
        odd[member] = value;
        api.post(PATH, odd).await.invalid_at(path, &[word]);
    }
    for (entry, word) in [
        (json!({"codes": {"erp": "A", "shop": "a\nb"}}), "control character"),
        (json!({"codes": {"erp": "A", "shop": "b"}, "valid_from": "1.1.2026"}), "1.1.2026"),
        (json!({"codes": {"erp": "A", "shop": "b"}, "until": "2026-01-01"}), "unknown field"),
    ] {
        let mut odd = countries();
        odd["entries"] = json!([entry]);
        let refused = api.post(PATH, odd).await.refused(400, "invalid-input");
        assert!(refused.text("detail").contains(word), "{refused:?}");
    }
    assert_eq!(api.get(PATH).await.names(), [""; 0]);
}

#[tokio::test]
async fn what_does_not_go_together_is_a_conflict() {
    let api = Api::new();
    let mut odd = countries();
    odd["defaults"] = json!({"crm": "X"});
    odd["entries"] = json!([{"codes": {"erp": "A", "crm": "b"}},
        {"codes": {"erp": "A", "shop": "b"}, "valid_from": "2026-02-01", "valid_until": "2026-01-01"}]);
    let refused = api.post(PATH, odd).await.refused(409, "unfit");
    let refused = refused.says_at("/defaults/crm", &["allowed is erp, shop"]);
    let refused = refused.says_at("/entries/0/codes/crm", &["not one of the dictionary's"]);
    refused.says_at("/entries/1/valid_until", &["before the entry's first day"]);
    let href = made(&api).await;
    let smaller = json!({"systems": ["erp", "crm"]});
    let refused = api.patch(&href, smaller).await.refused(409, "unfit");
    refused
        .says_at("/entries/0/codes/shop", &["allowed is erp, crm"])
        .says_at("/defaults/shop", &["erp, crm"]);
    let whole = json!({"systems": ["erp", "crm"], "defaults": null, "entries": null});
    assert_eq!(api.patch(&href, whole).await.is(200).json["entries_count"], 0);
    api.post(PATH, countries()).await.refused(409, "name-taken");
}

#[tokio::test]
async fn a_dictionary_lives_its_life() {
    let api = Api::new();
    let created = api.post(PATH, countries()).await.is(201);
    let href = created.text("href").to_owned();
    assert_eq!(created.header("location"), href);
    for (member, value) in [
        ("summary", json!("ISO and shop")),
        ("systems", json!(["erp", "shop"])),
        ("defaults", json!({"shop": "XX"})),
        ("entries_count", json!(2)),
    ] {
        assert_eq!(created.json[member], value, "{member}");
    }
    assert_eq!(created.json.get("entries"), None, "they have an address of their own");
    assert_eq!(api.get(PATH).await.json["items"][0], created.json);
    let entries = api.get(&format!("{href}/entries")).await.is(200);
    assert_eq!(entries.header("etag"), "\"1\"");
    assert_eq!(
        entries.json["entries"][1],
        json!({"codes": {"erp": "SU", "shop": "soviet-union"}, "valid_from": null, "valid_until": "1991-12-26"})
    );
    let more = json!({"systems": ["crm", "shop", "erp"], "defaults": {"erp": "ZZ"}, "summary": null});
    let changed = api.send_if("PATCH", &href, "\"1\"", more).await.is(200);
    assert_eq!((&changed.json["summary"], &changed.json["entries_count"]), (&Value::Null, &json!(2)));
    assert_eq!(changed.json["defaults"], json!({"shop": "XX", "erp": "ZZ"}), "one that is not named stays");
    let kept = api.get(&format!("{href}/entries")).await.json;
    assert_eq!(kept["entries"][0]["codes"], json!({"erp": "DE", "shop": "germany"}));
    api.send_if("PATCH", &href, "\"1\"", json!({"defaults": null})).await.refused(412, "precondition-failed");
    let fewer = api.patch(&href, json!({"defaults": {"erp": null}})).await.is(200);
    assert_eq!(fewer.json["defaults"], json!({"shop": "XX"}));
    api.delete(&href).await.is(204);
    api.get(&href).await.refused(404, "not-found");
}

#[tokio::test]
async fn one_that_a_grant_names_stays() {
    let api = Api::new();
    api.deploy("orders", b"o", &["orders.place"]);
    let href = made(&api).await;
    let grants = "/api/v1/plugins/orders/grants";
    api.put(grants, json!({"dictionaries": ["count*tries"]})).await.invalid_at("/dictionaries/0", &["grant"]);
    let set = api.put(grants, json!({"dictionaries": ["countries"]})).await.is(200);
    assert_eq!(set.json["dictionaries"], json!(["countries"]));
    api.delete(&href).await.refused(409, "in-use").says_at("", &["plugin \"orders\""]);
    api.patch(&href, json!({"name": "nations"})).await.refused(409, "in-use");
    api.put(grants, json!({})).await.is(200);
    api.delete(&href).await.is(204);
}

#[tokio::test]
async fn a_translation_can_be_tried() {
    let api = Api::new();
    let href = made(&api).await;
    let translate = async |query: &str| api.get(&format!("{href}/translate?{query}")).await;
    let bad = translate("from=Erp&to=shop&on=1.1.2026&by=me").await;
    bad.invalid_at("/by", &["allowed is key, from, to, on"]);
    let bad = translate("from=Erp&to=shop&on=1.1.2026").await;
    bad.invalid_at("/key", &["required"]).says_at("/from", &["not valid"]).says_at("/on", &["1.1.2026"]);
    let unknown = translate("key=DE&from=erp&to=web").await.refused(409, "system-unknown");
    assert!(unknown.text("detail").ends_with("allowed is erp, shop"), "{unknown:?}");
    for (query, code) in [
        ("key=DE&from=erp&to=shop", json!("germany")),
        ("key=SU&from=erp&to=shop", json!("XX")),
        ("key=SU&from=erp&to=shop&on=1991-12-26", json!("soviet-union")),
        ("key=france&from=shop&to=erp", Value::Null),
    ] {
        assert_eq!(translate(query).await.is(200).json["code"], code, "{query}");
    }
    let on = translate("key=SU&from=erp&to=shop&on=1991-12-26").await.json["on"].clone();
    assert_eq!(on, "1991-12-26");
}

#[tokio::test]
async fn what_is_wrong_with_a_csv_is_told_by_line_and_column() {
    let api = Api::new();
    let href = made(&api).await;
    let before = exported(&api, &href).await;
    for (csv, word) in [
        ("", "is not a line of columns"),
        ("erp\nDE\n", "is not a line of columns"),
        ("erp,Shop\n", "line 1, column 2: system \"Shop\" is not valid"),
        ("erp;shop,x\n", "line 1, column 2: system \"shop,x\" is not valid"),
        ("erp,shop\nDE\n", "line 2: has 1 cells; line 1 has 2"),
        (
            "erp,shop\nDE,germany\n\nAT,\"aus\ntria\"\n",
            "line 4, column 2 (shop): code \"aus\\ntria\" has a control",
        ),
        ("erp,shop\nDE,\"germany\n", "control character"),
        ("erp,shop\nDE,\n", "line 2: has codes of 1 systems"),
        (
            "erp,shop,valid_from\nDE,germany,2026-02-30\n",
            "line 2, column 3 (valid_from): date \"2026-02-30\"",
        ),
        (
            "valid_until,erp,shop,valid_from\n,A,b,\n2026-01-01,A,b,2026-01-02\n",
            "line 3 (valid_until): is 2026-01-01, which is before the entry's first day, 2026-01-02",
        ),
    ] {
        let refused = import(&api, &href, None, csv).await.refused(400, "invalid-input");
        assert!(refused.text("detail").contains(word), "{csv:?}: {refused:?}");
    }
    let refused =
        import(&api, &href, None, &b"erp,shop\nDE,\xfcber\n"[..]).await.refused(400, "invalid-input");
    assert!(
        refused.text("detail").contains("line 2, column 2 (shop): \"\u{fffd}ber\" is not UTF-8"),
        "{refused:?}"
    );
    let many = format!("erp,shop\n{}", "a,b\n".repeat(10_001));
    let refused = import(&api, &href, None, many).await.refused(400, "invalid-input");
    assert!(refused.text("detail").contains("has 10001 items; allowed is 0 to 10000"), "{refused:?}");
    for (csv, word) in [
        (
            "erp,shop,web\n",
            "line 1, column 3: system \"web\" is not one of the dictionary's; allowed is erp, shop",
        ),
        ("erp,erp,shop\n", "line 1, column 2: \"erp\" has a column already"),
        ("erp,valid_from\n", "system \"shop\" has no column"),
    ] {
        let refused = import(&api, &href, None, csv).await.refused(409, "unfit");
        assert!(refused.text("detail").contains(word), "{csv:?}: {refused:?}");
    }
    let sized = request("PUT", &format!("{href}/csv")).header("content-type", "application/json");
    api.send(sized.body("{}".into()).unwrap()).await.refused(415, "unsupported-media-type");
    let large = "x".repeat(4 * 1024 * 1024 + 1);
    import(&api, &href, None, large).await.refused(413, "too-large");
    import(&api, &href, Some("\"7\""), "erp,shop\n").await.refused(412, "precondition-failed");
    assert_eq!(exported(&api, &href).await, before, "nothing changed");
}

#[tokio::test]
async fn a_csv_replaces_all_entries_and_comes_out_as_it_went_in() {
    let api = Api::new();
    let href = made(&api).await;
    assert_eq!(
        exported(&api, &href).await,
        "erp,shop,valid_from,valid_until\r\nDE,germany,,\r\nSU,soviet-union,,1991-12-26\r\n"
    );
    let german = "\u{feff}valid_from;shop;erp\r\n2026-01-01;\"a;\"\"b\"\"\";=1+1\r\n;;\r\n; x ,;DE\r\n";
    let changed = import(&api, &href, Some("\"1\""), german).await.is(200);
    assert_eq!((&changed.json["entries_count"], changed.header("etag")), (&json!(2), "\"2\""));
    let text = exported(&api, &href).await;
    assert_eq!(
        text, "erp,shop,valid_from,valid_until\r\n=1+1,\"a;\"\"b\"\"\",2026-01-01,\r\nDE,\" x ,\",,\r\n",
        "no value is altered"
    );
    let again = import(&api, &href, None, text).await.is(200);
    assert_eq!(again.header("etag"), "\"2\"", "nothing changes");
    import(&api, &href, None, "erp,shop").await.is(200);
    assert_eq!(exported(&api, &href).await, "erp,shop,valid_from,valid_until\r\n");
}

#[tokio::test]
async fn ten_thousand_entries_go_in_and_out_every_way() {
    let api = Api::new();
    let entry = |at: u32| {
        json!({"codes": {"erp": format!("material-number-{at:09}"), "shop": format!("sku-{at}")},
        "valid_from": "2026-01-01", "valid_until": "2026-12-31"})
    };
    let entries: Vec<Value> = (0..10_000).map(entry).collect();
    let new = json!({"name": "materials", "systems": ["erp", "shop"], "entries": entries});
    assert!(new.to_string().len() > 1024 * 1024, "more than other bodies may have");
    let made = api.post(PATH, new.clone()).await.is(201);
    assert_eq!(made.json["entries_count"], 10_000);
    let href = made.text("href").to_owned();
    assert_eq!(api.get(&format!("{href}/entries")).await.is(200).json["entries"], new["entries"]);
    let csv = exported(&api, &href).await;
    let keyed = request("PUT", &format!("{href}/csv")).header("content-type", "text/csv");
    let keyed = keyed.header("idempotency-key", "k1").body(csv.into()).unwrap();
    assert_eq!(api.send(keyed).await.is(200).header("etag"), "\"1\"", "the same as it was");
    let mut more = new;
    more["entries"].as_array_mut().unwrap().push(entry(0));
    more["name"] = json!("more");
    api.post(PATH, more).await.invalid_at("/entries", &["has 10001 items; allowed is 0 to 10000"]);
    let exported = request("GET", "/api/v1/export").body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(exported).await.unwrap();
    let document = response.into_body().collect().await.unwrap().to_bytes();
    let apply = request("POST", "/api/v1/apply").header("content-type", "application/yaml");
    let applied = api.send(apply.body(document.into()).unwrap()).await.is(200);
    assert_eq!(applied.json["changes"], json!([]), "a document puts in place what it was made of");
}

#[tokio::test]
async fn a_document_that_does_not_go_together_is_refused() {
    let api = Api::new();
    let document = json!({"busbar": 1, "dictionaries": {"countries": {"systems": ["erp", "shop"],
        "entries": [{"erp": "A", "crm": "b"}]}}});
    let refused = api.post("/api/v1/apply", document).await.refused(409, "conflict");
    refused.says_at("/dictionaries/countries/entries/0/crm", &["allowed is erp, shop"]);
}
