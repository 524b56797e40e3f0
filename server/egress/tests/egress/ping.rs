//! Whether a system answers.

use busbar_egress::{
    Auth, BreakerSettings, Connection, ErrorKind, Outside, PingMethod, PingSettings, Secret, Secrets,
    Settings,
};

use crate::stage::{connection, error, get, reply, serve, settings};

#[tokio::test]
async fn a_ping_shows_credentials_and_tells_the_status() {
    let server = serve(|_, request| {
        let is_known = request.contains("authorization: Bearer hunter2\r\n");
        reply(if is_known { 204 } else { 401 }, "", "")
    })
    .await;
    let settings = Settings {
        auth: Auth::Bearer {},
        ping: PingSettings { method: PingMethod::Head, path: "/health?deep=1".to_owned() },
        ..settings(&format!("{}/v1", server.url()))
    };
    for (secret, is_good) in [("hunter2", true), ("wrong", false)] {
        let secrets = Secrets { credential: Some(Secret::new(secret)), ..Secrets::default() };
        let connection = Connection::new(settings.clone(), &secrets, Outside::system()).unwrap();
        assert_eq!(connection.ping().await.unwrap().is_good(), is_good);
        assert_eq!(connection.statistics().calls, 0);
    }
    assert!(server.requests()[0].starts_with("HEAD /v1/health?deep=1 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_ping_goes_past_an_open_breaker_and_tells_what_is_wrong() {
    let server = serve(|_, _| reply(500, "", "down")).await;
    let breaker = BreakerSettings { failures: 1, ..BreakerSettings::default() };
    let ping = PingSettings { method: PingMethod::Get, ..PingSettings::default() };
    let settings = Settings { breaker: Some(breaker), ping, ..settings(&server.url()) };
    let connection = connection(settings.clone());
    connection.call(get("/")).await.unwrap();
    assert!(matches!(error(&connection, get("/")).await.kind, ErrorKind::BreakerOpen { .. }));
    assert_eq!(connection.ping().await.unwrap().status, 500);

    let refused = crate::stage::connection(Settings { allow: Vec::new(), ..settings });
    assert!(matches!(refused.ping().await.unwrap_err().kind, ErrorKind::RefusedAddress { .. }));
}
