//! Encrypted connections: whose certificate is believed.

use busbar_model::connection::{amqp::Tls, sql::Engine};
use busbar_sql::Settings;
use busbar_test_databases::{Kind, Server};

use crate::stage::{connect, of_url, rows, text};

fn by_tls(settings: &Settings, server: &Server, server_name: Option<&str>) -> Settings {
    let ca = Some(std::fs::read_to_string(server.certificate()).unwrap());
    let tls = Tls { ca, server_name: server_name.map(str::to_owned), identity: None };
    Settings { tls: Some(tls), ..settings.clone() }
}

#[tokio::test]
async fn only_the_right_server_is_believed() {
    for (engine, kind) in [(Engine::Postgres, Kind::Postgres), (Engine::Mysql, Kind::Mariadb)] {
        let (server, other) = (Server::start_encrypted(kind), Server::start_encrypted(kind));
        let settings = of_url(engine, &server.database("shop"));
        let connection = connect(&by_tls(&settings, &server, None));
        let is_encrypted = match engine {
            Engine::Postgres => "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            _ => {
                "SELECT IF(variable_value = '', 'false', 'true') FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'"
            }
        };
        assert_eq!(rows(&connection, is_encrypted).await, [[text("true")]], "{engine:?}");
        let foreign = connect(&by_tls(&settings, &other, None)).ping().await.unwrap_err();
        assert_eq!(
            foreign.to_string(),
            "no TLS with the database: its certificate is not from an authority that is trusted",
            "{engine:?}"
        );
        let renamed = connect(&by_tls(&settings, &server, Some("db.example.com"))).ping().await.unwrap_err();
        assert_eq!(renamed.kind.code(), "tls", "{engine:?} {renamed}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_refused() {
    for (engine, kind) in [(Engine::Postgres, Kind::Postgres), (Engine::Mysql, Kind::Mariadb)] {
        let (plain, other) = (Server::start(kind), Server::start_encrypted(kind));
        let settings = of_url(engine, &plain.database("shop"));
        let error = connect(&by_tls(&settings, &other, None)).ping().await.unwrap_err();
        assert_eq!(error.kind.code(), "tls", "{engine:?} {error}");
    }
}
