//! Who may come in over SOAP.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_tests::{
    Options, Quickstart, Request,
    envelope::{SOAP_11, call_11, envelope, of_text_11, text_of, username_token},
};
use serde_json::json;
use sha1::{Digest as _, Sha1};

const GREET: &str = "<greet xmlns=\"urn:busbar:greeter:v0\"><name>Ada</name></greet>";
const PASSWORD: &str = "correct horse battery";

/// So long ago, as XML has it.
fn ago(time: Duration) -> String {
    (chrono::Utc::now() - time).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn digest(nonce: &[u8], created: &str, password: &str) -> String {
    let mut hash = Sha1::new();
    for part in [nonce, created.as_bytes(), password.as_bytes()] {
        hash.update(part);
    }
    BASE64_STANDARD.encode(hash.finalize())
}

fn with_digest(path: &str, nonce: &[u8], created: &str, password: &str) -> Request {
    let nonce_text = BASE64_STANDARD.encode(nonce);
    let token = username_token("ada", "Digest", &digest(nonce, created, password), &nonce_text, created);
    of_text_11(path, envelope(SOAP_11, &token, GREET))
}

/// (28)
#[tokio::test]
async fn a_token_is_taken_once_and_fresh() {
    let bus =
        Quickstart::start_with(Options { services: vec!["greeter"], workers: 3, ..Options::default() }).await;
    let definition = json!({"name": "wss", "kind": "ws-security", "username": "ada", "password": PASSWORD});
    let made = bus.admin("POST", "/security", Some(&definition)).await.expect(201);
    assert!(made.get("password").is_none(), "{made}");
    let members = json!({"protocol": "soap", "security": "wss"});
    bus.create_channel("guarded", "/soap/guarded", "greeter.greet", members).await;
    bus.settle().await;
    let now = ago(Duration::ZERO);
    let good = with_digest("/soap/guarded", b"nonce-0001", &now, PASSWORD);
    let reply = bus.http().send(&good).await;
    reply.expect_status(200);
    assert_eq!(text_of(reply.text(), "greeting").as_deref(), Some("Hello, Ada!"));
    // Replayed, to every worker.
    for connection in &mut bus.connect_each().await {
        let again = connection.send(&good).await;
        again.expect_status(500);
        assert_eq!(again.fault_11().0, "FailedAuthentication", "{again}");
    }
    // At once, to all workers: one of them takes it.
    let fresh = with_digest("/soap/guarded", b"nonce-0002", &ago(Duration::ZERO), PASSWORD);
    let sent: Vec<_> = (0..12).map(|_| bus.http().send(&fresh)).collect();
    let replies = futures_util::future::join_all(sent).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    for (nonce, created, password) in [
        (&b"nonce-0003"[..], ago(Duration::from_secs(600)), PASSWORD),
        (b"nonce-0004", ago(Duration::ZERO), "guessed-0815"),
        (b"nonce-0005", (chrono::Utc::now() + Duration::from_secs(600)).to_rfc3339(), PASSWORD),
        (b"nonce-0006", "yesterday".to_owned(), PASSWORD),
    ] {
        let reply = bus.http().send(&with_digest("/soap/guarded", nonce, &created, password)).await;
        assert_ne!(reply.status, 200, "{created} {password}");
        let (code, text) = reply.fault_11();
        assert_eq!(code, "FailedAuthentication");
        assert!(!text.contains(password), "{text}");
    }
    let reply = bus.http().send(&call_11("/soap/guarded", GREET)).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_11().0, "InvalidSecurity");
    // A digest is asked for: the password in text is not taken.
    let token = username_token("ada", "Text", PASSWORD, "AAAA", &ago(Duration::ZERO));
    let reply = bus.http().send(&of_text_11("/soap/guarded", envelope(SOAP_11, &token, GREET))).await;
    assert_eq!(reply.fault_11().0, "FailedAuthentication");
    let texts = [bus.log_text(), bus.read("/security").await.to_string(), bus.folder().console()];
    assert!(texts.iter().all(|text| !text.contains(PASSWORD)), "the password is nowhere");
}

#[tokio::test]
async fn credentials_of_http_guard_soap_channels_too() {
    let bus = Quickstart::start(&["greeter"]).await;
    let (_, key) = bus.create_key("partner").await;
    let text = json!({
        "name": "text", "kind": "ws-security", "username": "ada", "password": PASSWORD, "password_type": "text",
    });
    bus.admin("POST", "/security", Some(&text)).await.expect_status(201);
    bus.create_channel(
        "keyed",
        "/soap/keyed",
        "greeter.greet",
        json!({"protocol": "soap", "security": "partner"}),
    )
    .await;
    bus.create_channel(
        "text",
        "/soap/text",
        "greeter.greet",
        json!({"protocol": "soap", "security": "text"}),
    )
    .await;
    bus.settle().await;
    let reply = bus.http().send(&call_11("/soap/keyed", GREET)).await;
    reply.expect_status(401);
    assert!(reply.header("www-authenticate").is_some(), "{reply}");
    assert_eq!(reply.fault_11().0, "Client");
    bus.http().send(&call_11("/soap/keyed", GREET).key(&key)).await.expect_status(200);
    let token = username_token("ada", "Text", PASSWORD, "AAAA", &ago(Duration::ZERO));
    let request = of_text_11("/soap/text", envelope(SOAP_11, &token, GREET));
    bus.http().send(&request).await.expect_status(200);
    // The description is open, as the OpenAPI description is.
    bus.http().get("/soap/keyed?wsdl").await.expect_status(200);
    let rest = json!({"name": "r", "protocol": "rest", "path": "/r", "service": "greeter.greet", "security": "text"});
    let reply = bus.admin("POST", "/channels", Some(&rest)).await;
    assert!((400..500).contains(&reply.status), "{reply}");
    assert!(reply.text().contains("soap") || reply.text().contains("SOAP"), "{reply}");
}
