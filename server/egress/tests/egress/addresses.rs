//! Where a connection may go, whatever names say.

use std::sync::atomic::Ordering::SeqCst;

use busbar_egress::{Connection, ErrorKind, Secrets, Settings};

use crate::stage::{Names, connection, error, get, ok, serve, settings, text};

fn refused(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::RefusedAddress { address, .. } => address.to_string(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_not_listed_is_not_connected_to() {
    let server = serve(|_, _| ok("")).await;
    let port = server.address.port();
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("169.254.169.254", "169.254.169.254"),
        ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ] {
        let settings = Settings { allow: Vec::new(), ..settings(&format!("http://{host}:{port}")) };
        let error = error(&connection(settings), get("/")).await;
        assert_eq!(refused(&error.kind), address);
        assert!(!error.maybe_processed);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let server = serve(|_, _| ok("hello")).await;
    let url = format!("http://api.example:{}", server.address.port());
    // What was public when someone looked is private when it counts.
    let names = Names::new("api.example", &[&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.1"]]);
    let settings = Settings { allow: vec!["127.0.0.1".to_owned()], ..settings(&url) };
    let settings = Settings { pool: busbar_egress::Pool { idle_max: 0, idle_ms: 1 }, ..settings };
    let connection = Connection::new(settings, &Secrets::default(), names.outside()).unwrap();
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "hello");
    assert_eq!(refused(&error(&connection, get("/")).await.kind), "127.0.0.2");
    assert!(connection.call(get("/")).await.is_ok());
    assert_eq!(names.asked.load(SeqCst), 3, "asked once for each connection, and that answer is used");
    assert!(server.requests()[0].contains(&format!("host: api.example:{}\r\n", server.address.port())));
}

#[tokio::test]
async fn of_several_addresses_those_that_are_allowed_are_tried() {
    let server = serve(|_, _| ok("hello")).await;
    let url = format!("http://api.example:{}", server.address.port());
    // The first is refused, nobody listens at the second.
    let names = Names::new("api.example", &[&["10.0.0.1", "127.0.0.9", "127.0.0.1"]]);
    let connection = Connection::new(settings(&url), &Secrets::default(), names.outside()).unwrap();
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_name_without_an_address_is_no_connection() {
    let names = Names::new("api.example", &[&[]]);
    for url in ["http://api.example", "http://unknown.example"] {
        let connection = Connection::new(settings(url), &Secrets::default(), names.outside()).unwrap();
        let error = error(&connection, get("/")).await;
        assert!(matches!(error.kind, ErrorKind::Connect { .. }) && !error.maybe_processed, "{error}");
    }
}

#[tokio::test]
async fn a_port_without_a_listener_is_no_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = error(&connection(settings(&url)), get("/")).await;
    assert!(matches!(error.kind, ErrorKind::Connect { .. }) && !error.maybe_processed, "{error}");
}
