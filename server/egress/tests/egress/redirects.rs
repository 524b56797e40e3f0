//! Replies that point elsewhere.

use busbar_egress::{
    Auth, Connection, ErrorKind, Outside, Redirects, Request, RequestBody, Secret, Secrets, Settings,
};
use http::{HeaderValue, Method};

use crate::stage::{Names, Parts, connection, error, get, ok, post, reply, serve, settings, text};

fn to(hosts: &[&str]) -> Redirects {
    Redirects::Hosts { max: 5, hosts: hosts.iter().map(|host| (*host).to_owned()).collect() }
}

fn redirected(kind: &ErrorKind) -> &str {
    match kind {
        ErrorKind::Redirect { text } => text,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn by_default_a_redirect_is_the_reply() {
    let server = serve(|_, _| reply(302, "location: /elsewhere\r\n", "")).await;
    let reply = connection(settings(&server.url())).call(get("/")).await.unwrap();
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["location"]),
        (302, &HeaderValue::from_static("/elsewhere"))
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_row_of_redirects_ends() {
    let server = serve(|number, _| reply(302, &format!("location: /{number}\r\n"), "")).await;
    let settings = Settings { redirects: Redirects::SameOrigin { max: 5 }, ..settings(&server.url()) };
    let connection = connection(settings);
    let error = error(&connection, get("/")).await;
    assert_eq!(redirected(&error.kind), "it is number 6, and 5 are allowed");
    assert!(error.maybe_processed);
    assert_eq!((server.requests().len(), server.connections()), (6, 1));
    assert_eq!(connection.statistics().redirects, 5);
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_address_is_not_followed() {
    let inner = serve(|_, _| ok("secret")).await;
    let location = format!("location: http://127.0.0.2:{}/\r\n", inner.address.port());
    let server = serve(move |_, _| reply(302, &location, "")).await;
    let settings = Settings {
        redirects: to(&["127.0.0.2", "api.example"]),
        allow: vec!["127.0.0.1".to_owned()],
        ..settings(&server.url())
    };
    let error = error(&connection(settings), get("/")).await;
    assert!(matches!(&error.kind, ErrorKind::RefusedAddress { host, .. } if host == "127.0.0.2"), "{error}");
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_name_that_is_allowed_does_not_make_its_address_so() {
    let server = serve(|_, _| reply(302, "location: http://api.example/\r\n", "")).await;
    let names = Names::new("api.example", &[&["169.254.169.254"]]);
    let settings = Settings { redirects: to(&["api.example"]), ..settings(&server.url()) };
    let connection = Connection::new(settings, &Secrets::default(), names.outside()).unwrap();
    let error = error(&connection, get("/")).await;
    assert!(matches!(&error.kind, ErrorKind::RefusedAddress { .. }), "{error}");
}

#[tokio::test]
async fn another_origin_is_not_followed_unless_its_host_is_allowed() {
    let other = serve(|_, _| ok("")).await;
    let location = format!("location: {}/\r\n", other.url());
    let server = serve(move |_, _| reply(307, &location, "")).await;
    for redirects in [Redirects::SameOrigin { max: 5 }, to(&["b.example"])] {
        let settings = Settings { redirects, ..settings(&server.url()) };
        // The same host; another port is another origin.
        redirected(&error(&connection(settings), get("/")).await.kind);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn credentials_never_follow_to_another_origin_nor_back() {
    let other = serve(|_, _| ok("done")).await;
    let location = format!("location: {}/there\r\n", other.url());
    let server = serve(move |_, _| reply(307, &location, "")).await;
    let auths = [
        Auth::Bearer {},
        Auth::Basic { username: "ada".to_owned() },
        Auth::ApiKey { header: "X-API-Key".to_owned() },
    ];
    for auth in auths {
        let settings = Settings { redirects: to(&["127.0.0.1"]), auth, ..settings(&server.url()) };
        let secrets = Secrets { credential: Some(Secret::new("hunter2")), ..Secrets::default() };
        let connection = Connection::new(settings, &secrets, Outside::system()).unwrap();
        let mut request = post("/", "body");
        request.headers.insert("cookie", HeaderValue::from_static("session=1"));
        assert_eq!(text(connection.call(request).await.unwrap()).await.unwrap(), "done");
    }
    let shown =
        ["authorization: Bearer hunter2", "authorization: Basic YWRhOmh1bnRlcjI=", "x-api-key: hunter2"];
    for ((first, second), shown) in server.requests().iter().zip(other.requests()).zip(shown) {
        assert!(first.contains(&format!("\r\n{shown}\r\n")) && first.contains("cookie"), "{first}");
        assert!(second.starts_with("POST /there") && second.ends_with("body"), "{second}");
        for name in ["authorization", "x-api-key", "cookie", "hunter2"] {
            assert!(!second.contains(name), "{second}");
        }
    }
}

#[tokio::test]
async fn who_was_sent_elsewhere_and_back_shows_nothing_either() {
    let base = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let known = std::sync::Arc::clone(&base);
    let other =
        serve(move |_, _| reply(302, &format!("location: {}/back\r\n", known.get().unwrap()), "")).await;
    let location = format!("location: {}/\r\n", other.url());
    let server =
        serve(move |number, _| if number == 0 { reply(302, &location, "") } else { ok("back") }).await;
    base.set(server.url()).unwrap();
    let settings =
        Settings { redirects: to(&["127.0.0.1"]), auth: Auth::Bearer {}, ..settings(&server.url()) };
    let secrets = Secrets { credential: Some(Secret::new("hunter2")), ..Secrets::default() };
    let connection = Connection::new(settings, &secrets, Outside::system()).unwrap();
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "back");
    let sent = server.requests();
    assert!(sent[0].contains("hunter2") && !sent[1].contains("hunter2"), "{sent:?}");
}

#[tokio::test]
async fn a_body_follows_only_where_it_is_asked_for_and_can_be() {
    let server = serve(|_, request| match request.split(' ').nth(1) {
        Some("/seen") => reply(303, "location: /end\r\n", ""),
        Some("/kept") => reply(308, "location: /end\r\n", ""),
        _ => ok("end"),
    })
    .await;
    let settings = Settings { redirects: Redirects::SameOrigin { max: 5 }, ..settings(&server.url()) };
    let connection = connection(settings);
    let typed = |path| {
        let mut request = post(path, "body");
        request.headers.insert("content-type", HeaderValue::from_static("text/plain"));
        request
    };
    for path in ["/seen", "/kept"] {
        assert_eq!(text(connection.call(typed(path)).await.unwrap()).await.unwrap(), "end");
    }
    let sent = server.requests();
    assert!(
        sent[1].starts_with("GET /end") && sent[1].ends_with("\r\n\r\n") && !sent[1].contains("content-type")
    );
    assert!(
        sent[3].starts_with("POST /end") && sent[3].ends_with("body") && sent[3].contains("content-type")
    );

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(sender);
    let body = RequestBody::stream(Parts(receiver));
    let request = Request { body, ..Request::new(Method::POST, "/kept".parse().unwrap()) };
    assert!(redirected(&error(&connection, request).await.kind).contains("stream"));
}
