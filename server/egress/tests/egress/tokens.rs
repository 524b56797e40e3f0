//! OAuth 2.0: a token is fetched once, kept, and fetched anew when it is refused.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use busbar_egress::{Auth, Connection, ErrorKind, Outside, Request, RequestBody, Secret, Secrets, Settings};

use crate::stage::{Answer, Parts, Server, error, get, ok, post, reply, serve, settings, text};

/// Gives `token-0`, `token-1` and so on.
async fn endpoint() -> Server {
    serve(|number, _| {
        ok(&format!(r#"{{"access_token": "token-{number}", "token_type": "bearer", "expires_in": 3600}}"#))
    })
    .await
}

/// Lets in the token that it is told to.
async fn api(good: &Arc<Mutex<&'static str>>) -> Server {
    let good = Arc::clone(good);
    serve(move |_, request| {
        let is_good = request.contains(&format!("authorization: Bearer {}\r\n", good.lock().unwrap()));
        if is_good { ok("in") } else { reply(401, "", "out") }
    })
    .await
}

fn with_tokens(api: &Server, endpoint: &Server) -> Connection {
    let auth = Auth::ClientCredentials {
        token_url: format!("{}/token", endpoint.url()),
        client_id: "shop".to_owned(),
        scope: Some("orders".to_owned()),
        audience: None,
        in_body: false,
    };
    let secrets = Secrets { credential: Some(Secret::new("hunter2")), ..Secrets::default() };
    Connection::new(Settings { auth, ..settings(&api.url()) }, &secrets, Outside::system()).unwrap()
}

async fn status(connection: &Connection, request: Request) -> u16 {
    connection.call(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn one_token_is_fetched_for_many_calls() {
    let (endpoint, api) = (endpoint().await, api(&Arc::new(Mutex::new("token-0"))).await);
    let connection = with_tokens(&api, &endpoint);
    let call = || status(&connection, get("/"));
    assert_eq!(tokio::join!(call(), call(), call(), call()), (200, 200, 200, 200));
    let asked = endpoint.requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("POST /token HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains("authorization: Basic c2hvcDpodW50ZXIy\r\n"), "{}", asked[0]);
    assert!(asked[0].ends_with("grant_type=client_credentials&scope=orders"), "{}", asked[0]);
    assert_eq!(connection.statistics().tokens, 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let good = Arc::new(Mutex::new("token-0"));
    let (endpoint, api) = (endpoint().await, api(&good).await);
    let connection = with_tokens(&api, &endpoint);
    assert_eq!(status(&connection, get("/")).await, 200);
    *good.lock().unwrap() = "token-1";
    assert_eq!(status(&connection, post("/", "x")).await, 200, "what was not let in was not done");
    assert_eq!((endpoint.requests().len(), api.requests().len()), (2, 3));
    *good.lock().unwrap() = "none";
    for _ in 0..5 {
        assert_eq!(status(&connection, get("/")).await, 401);
    }
    assert_eq!(endpoint.requests().len(), 3, "not by each call");
}

#[tokio::test]
async fn a_stream_is_not_sent_twice_but_the_next_call_has_a_new_token() {
    let good = Arc::new(Mutex::new("token-1"));
    let (endpoint, api) = (endpoint().await, api(&good).await);
    let connection = with_tokens(&api, &endpoint);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(sender);
    let request = Request { body: RequestBody::stream(Parts(receiver)), ..post("/", "") };
    assert_eq!(status(&connection, request).await, 401);
    assert_eq!(status(&connection, post("/", "x")).await, 200);
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_told_and_left_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&asked);
    let endpoint = serve(move |_, _| {
        told.fetch_add(1, SeqCst);
        reply(503, "", "hunter2")
    })
    .await;
    let api = serve(|_, _| ok("")).await;
    let connection = with_tokens(&api, &endpoint);
    for _ in 0..3 {
        let error = error(&connection, get("/")).await;
        assert_eq!(error.to_string(), "no credentials: the token endpoint answered 503");
        assert!(!error.maybe_processed);
    }
    assert_eq!((asked.load(SeqCst), api.connections()), (1, 0));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    error(&connection, get("/")).await;
    assert_eq!(asked.load(SeqCst), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_hostile_gives_no_token() {
    let api = serve(|_, _| ok("")).await;
    let answers = [
        Answer::Close(Vec::new()),
        ok("{}"),
        ok(&"x".repeat(100_000)),
        reply(302, "location: http://elsewhere.example/\r\n", ""),
        ok(r#"{"access_token": "a\r\nx-evil: 1", "token_type": "bearer"}"#),
    ];
    for answer in answers {
        let bytes = answer.bytes().to_vec();
        let endpoint = serve(move |_, _| Answer::Close(bytes.clone())).await;
        let error = error(&with_tokens(&api, &endpoint), get("/")).await;
        assert!(matches!(error.kind, ErrorKind::Auth { .. }), "{error}");
    }
    assert_eq!(api.connections(), 0);
}

#[tokio::test]
async fn an_endpoint_has_to_be_allowed_too() {
    let (endpoint, api) = (endpoint().await, serve(|_, _| ok("")).await);
    let auth = Auth::ClientCredentials {
        token_url: format!("http://127.0.0.2:{}/", endpoint.address.port()),
        client_id: "shop".to_owned(),
        scope: None,
        audience: None,
        in_body: true,
    };
    let secrets = Secrets { credential: Some(Secret::new("hunter2")), ..Secrets::default() };
    let settings = Settings { auth, allow: vec!["127.0.0.1".to_owned()], ..settings(&api.url()) };
    let connection = Connection::new(settings, &secrets, Outside::system()).unwrap();
    let error = error(&connection, get("/")).await;
    assert!(matches!(error.kind, ErrorKind::RefusedAddress { .. }), "{error}");
    assert_eq!(endpoint.connections(), 0);
}

#[tokio::test]
async fn a_caller_can_not_show_credentials_of_its_own() {
    let api = serve(|_, _| ok("")).await;
    let settings = Settings { auth: Auth::Basic { username: "ada".to_owned() }, ..settings(&api.url()) };
    let secrets = Secrets { credential: Some(Secret::new("hunter2")), ..Secrets::default() };
    let connection = Connection::new(settings, &secrets, Outside::system()).unwrap();
    let mut request = get("/");
    request.headers.insert("authorization", "Bearer mine".parse().unwrap());
    text(connection.call(request).await.unwrap()).await.unwrap();
    let sent = api.requests().remove(0);
    assert!(sent.contains("authorization: Basic YWRhOmh1bnRlcjI=\r\n") && !sent.contains("mine"), "{sent}");
}
