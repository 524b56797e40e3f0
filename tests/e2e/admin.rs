//! The admin API.

use busbar_tests::{Quickstart, Reply, Request};
use serde_json::{Value, json};

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted() {
    let bus = Quickstart::start(&["echo"]).await;
    strangers_are_refused(&bus).await;
    channels_live_their_lives(&bus).await;
    security_definitions_live_their_lives(&bus).await;
    doubles_are_refused(&bus).await;
    nonsense_is_refused_and_named(&bus).await;
    edits_are_not_lost(&bus).await;
    lists_are_paged_and_filtered(&bus).await;
    what_runs_is_told(&bus).await;
    the_api_describes_itself(&bus).await;
}

async fn strangers_are_refused(bus: &Quickstart) {
    let get = Request::get("/api/v1/channels");
    for bad in [
        get.clone(),
        get.clone().bearer("wrong"),
        get.clone().bearer(bus.invoker_key()),
        get.clone().key(bus.token()),
        get.clone().basic("admin", bus.token()),
        Request::post("/api/v1/channels").json(&json!({})),
        Request::get("/api/v1/no-such-thing"),
    ] {
        let reply = bus.admin_client().send(&bad).await;
        reply.problem(401, "unauthenticated");
        assert!(reply.header("www-authenticate").unwrap_or_default().starts_with("Bearer"), "{reply}");
    }
    bus.admin("GET", "/no-such-thing", None).await.problem(404, "not-found");
}

/// (30)
async fn channels_live_their_lives(bus: &Quickstart) {
    let reply = bus
        .admin(
            "POST",
            "/channels",
            Some(&json!({"name": "orders", "protocol": "rest", "path": "/orders/{id}", "service": "echo"})),
        )
        .await;
    let created = reply.expect(201);
    let id = created["id"].as_str().unwrap();
    assert!(reply.header("location").unwrap().ends_with(&format!("/api/v1/channels/{id}")), "{reply}");
    let expected = json!({"name": "orders", "protocol": "rest", "path": "/orders/{id}", "methods": [], "service": "echo",
        "security": null, "active": true});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&created[member], value, "{member}");
    }
    assert!(
        created["body_bytes_max"].as_u64() > Some(0) && created["timeout_ms"].as_u64() > Some(0),
        "{created}"
    );
    let path = format!("/channels/{id}");
    assert_eq!(bus.read(&path).await, created);
    let patched =
        bus.patch_channel(&created["id"], &json!({"path": "/order/{id}", "methods": ["PUT", "GET"]})).await;
    assert_eq!(patched["path"], "/order/{id}");
    assert_eq!(patched["methods"], json!(["GET", "PUT"]));
    assert_eq!(patched["service"], "echo", "what is not named stays");
    bus.settle().await;
    assert_eq!(bus.http().get("/order/7").await.expect(200)["params"], json!({"id": "7"}));
    assert_eq!(bus.http().get("/orders/7").await.status, 404);
    bus.admin("DELETE", &path, None).await.expect_status(204);
    bus.admin("GET", &path, None).await.problem(404, "not-found");
    bus.admin("DELETE", &path, None).await.problem(404, "not-found");
    bus.settle().await;
    assert_eq!(bus.http().get("/order/7").await.status, 404);
}

async fn security_definitions_live_their_lives(bus: &Quickstart) {
    let basic = bus.create_basic("life", "ada", "long-enough-1").await;
    assert_eq!((&basic["kind"], &basic["username"]), (&json!("basic"), &json!("ada")));
    assert!(basic.get("password").is_none_or(Value::is_null), "write-only: {basic}");
    let path = format!("/security/{}", basic["id"].as_str().unwrap());
    assert!(bus.read(&path).await.get("password").is_none_or(Value::is_null));
    let renamed = bus.admin("PATCH", &path, Some(&json!({"username": "bob"}))).await.expect(200);
    assert_eq!(renamed["username"], "bob");
    bus.admin("DELETE", &path, None).await.expect_status(204);
    let (key, secret) = bus.create_key("life-key").await;
    assert!(secret.len() >= 43, "256 bits: {secret}");
    let path = format!("/security/{}", key["id"].as_str().unwrap());
    assert!(bus.read(&path).await.get("key").is_none_or(Value::is_null), "shown once");
    bus.admin("DELETE", &path, None).await.expect_status(204);
}

/// (31)
async fn doubles_are_refused(bus: &Quickstart) {
    bus.create_channel("double", "/double", "echo", json!({"methods": ["GET", "PUT"]})).await;
    bus.create_basic("double", "ada", "long-enough-1").await;
    let before = (bus.read("/channels").await, bus.read("/security").await);
    let channel = |name: &str, path: &str, methods: Value| json!({"name": name, "protocol": "rest", "path": path, "service": "echo", "methods": methods});
    for same in [
        channel("double", "/other", json!([])),
        channel("other", "/double", json!(["GET", "PUT"])),
        channel("other", "/double", json!(["POST", "GET"])),
        channel("other", "/d%6Fuble", json!(["PUT"])),
    ] {
        let reply = bus.admin("POST", "/channels", Some(&same)).await;
        assert_eq!(reply.status, 409, "{same}: {reply}");
    }
    let security = json!({"name": "double", "kind": "api-key"});
    assert_eq!(bus.admin("POST", "/security", Some(&security)).await.status, 409);
    assert_eq!((bus.read("/channels").await, bus.read("/security").await), before, "nothing changed");
}

async fn nonsense_is_refused_and_named(bus: &Quickstart) {
    let good = json!({"name": "odd", "protocol": "rest", "path": "/odd", "service": "echo"});
    for (member, value) in [
        ("name", json!("No Name")),
        ("path", json!("no-slash")),
        ("path", json!("/_busbar/mine")),
        ("path", json!("/a/{p...}/b")),
        ("protocol", json!("gopher")),
        ("methods", json!(["get"])),
        ("service", json!("")),
        ("active", json!("yes")),
        ("body_bytes_max", json!(-1)),
        ("timeout_ms", json!(0)),
        ("timeout_ms", json!(99_999_999_999_u64)),
        ("no_such_member", json!(1)),
    ] {
        let mut odd = good.clone();
        odd[member] = value;
        let reply = bus.admin("POST", "/channels", Some(&odd)).await;
        reply.problem(400, "invalid-input");
        assert!(
            reply.text().contains(member) || reply.text().contains(&odd[member].to_string()),
            "{odd}: {reply}"
        );
    }
    let post = Request::post("/api/v1/channels").bearer(bus.token());
    bus.admin_client()
        .send(&post.header("content-type", "application/json").body("{"))
        .await
        .problem(400, "invalid-input");
    for bad in [
        json!({"name": "s", "kind": "basic", "username": "ada"}),
        json!({"name": "s", "kind": "basic", "username": "a:b", "password": "long-enough-1"}),
        json!({"name": "s", "kind": "magic"}),
        json!({"kind": "api-key"}),
    ] {
        bus.admin("POST", "/security", Some(&bad)).await.problem(400, "invalid-input");
    }
    let reply = bus.admin("PUT", "/channels", Some(&good)).await;
    assert_eq!((reply.status, reply.header("allow").is_some()), (405, true), "{reply}");
}

async fn edits_are_not_lost(bus: &Quickstart) {
    let channel = bus.create_channel("edited", "/edited", "echo", json!({})).await;
    let path = format!("/channels/{}", channel["id"].as_str().unwrap());
    let first = bus.admin("GET", &path, None).await;
    let tag = first.header("etag").unwrap_or_else(|| panic!("no ETag in {first}")).to_owned();
    let edit = async |tag: &str, timeout: u32| -> Reply {
        let request =
            Request::new("PATCH", &format!("/api/v1{path}")).bearer(bus.token()).header("if-match", tag);
        bus.admin_client().send(&request.json(&json!({"timeout_ms": timeout}))).await
    };
    let changed = edit(&tag, 1_000).await;
    changed.expect_status(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert_eq!(edit(&tag, 2_000).await.status, 412, "someone else was faster");
    assert_eq!(bus.read(&path).await["timeout_ms"], 1_000);
    let delete =
        Request::new("DELETE", &format!("/api/v1{path}")).bearer(bus.token()).header("if-match", &tag);
    assert_eq!(bus.admin_client().send(&delete).await.status, 412);
}

async fn lists_are_paged_and_filtered(bus: &Quickstart) {
    let mut names: Vec<String> = (0..7).map(|number| format!("page-{number}")).collect();
    for name in &names {
        bus.create_channel(name, &format!("/{name}"), "paged.service", json!({})).await;
    }
    names.reverse();
    let mut seen = Vec::new();
    let mut next = Some("/api/v1/channels?service=paged.service&limit=3".to_owned());
    let mut pages = 0;
    while let Some(path) = next {
        let page = bus.admin_client().send(&Request::get(&path).bearer(bus.token())).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3, "{page}");
        seen.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(|next| {
            if next.starts_with('?') { format!("/api/v1/channels{next}") } else { next.to_owned() }
        });
        pages += 1;
    }
    assert_eq!((seen, pages), (names, 3), "newest first, each once");
    let one = bus.read("/channels?name=page-3").await;
    assert_eq!(one["items"].as_array().unwrap().len(), 1, "{one}");
    assert!(one["next"].is_null(), "{one}");
    for bad in ["limit=0", "limit=x", "limit=100000"] {
        let reply = bus.admin("GET", &format!("/channels?{bad}"), None).await;
        assert!(matches!(reply.status, 200 | 400), "{bad}: {reply}");
    }
}

async fn what_runs_is_told(bus: &Quickstart) {
    let servers = bus.read("/servers").await;
    let server = &servers["items"][0];
    let one = bus.read(&format!("/servers/{}", server["id"].as_str().unwrap())).await;
    assert_eq!(one["id"], server["id"]);
    let workers = server["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 2, "{server}");
    for worker in workers {
        let pid = u32::try_from(worker["pid"].as_u64().unwrap()).unwrap();
        assert!(bus.processes().iter().any(|process| process.pid == pid), "{worker}");
    }
    let services = bus.read("/services").await;
    let echo =
        services["items"].as_array().unwrap().iter().find(|service| service["name"] == "echo").unwrap();
    assert_eq!(echo["plugin"], "echo");
    let one = bus.read("/services/echo").await;
    assert_eq!(one["name"], "echo");
    let plugins = bus.read("/plugins").await;
    assert_eq!(plugins["items"][0]["name"], "echo", "{plugins}");
    bus.admin("GET", "/plugins/no-such", None).await.problem(404, "not-found");
    bus.admin("GET", "/services/no-such", None).await.problem(404, "not-found");
}

async fn the_api_describes_itself(bus: &Quickstart) {
    let document = bus.read("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/channels",
        "/channels/{id}",
        "/security",
        "/security/{id}",
        "/plugins",
        "/plugins/{name}/rollback",
        "/plugins/{name}/recall",
        "/plugins/{name}/grants",
        "/plugins/{name}/config",
        "/services/{name}",
        "/servers",
        "/deployments",
        "/deployments/{id}",
    ] {
        assert!(paths.keys().any(|known| known.ends_with(path)), "{path} is not described");
    }
}
