//! Databases that go away, refuse, or have no room.

use std::time::Duration;

use busbar_model::connection::sql::{Engine, Pool};
use busbar_sql::{Begin, Secret, Settings};
use busbar_test_databases::{Kind, Server};

use crate::stage::{Place, code, connect, endless, integer, of_url, run};

const SERVERS: [(Engine, Kind); 2] = [(Engine::Postgres, Kind::Postgres), (Engine::Mysql, Kind::Mariadb)];

#[tokio::test]
async fn a_restart_is_survived() {
    for (engine, kind) in SERVERS {
        let mut server = Server::start(kind);
        let settings = of_url(engine, &server.database("shop"));
        let connection = connect(&settings);
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
        let cursor = connection.open("SELECT 1", Vec::new()).await.unwrap();
        let under_way = tokio::spawn({
            let connection = connection.clone();
            async move { connection.query(endless(engine), Vec::new()).await }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        server = tokio::task::spawn_blocking(move || {
            server.kill();
            server
        })
        .await
        .unwrap();
        let error = under_way.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind.code(), error.maybe_processed),
            ("connection-lost", true),
            "{engine:?} {error}"
        );
        let error = transaction.execute("INSERT INTO stock VALUES (2)", Vec::new()).await.unwrap_err();
        assert_eq!(error.kind.code(), "connection-lost", "{engine:?} {error}");
        assert!(transaction.commit().await.is_err());
        drop(cursor);
        assert_eq!(code(connection.query("SELECT 1", Vec::new()).await), "unreachable", "{engine:?}");
        server = tokio::task::spawn_blocking(move || {
            server.start_again();
            server
        })
        .await
        .unwrap();
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?}");
        drop(server);
    }
}

#[tokio::test]
async fn connections_that_were_lost_while_nobody_used_them_are_no_ones_error() {
    for (engine, kind) in SERVERS {
        let mut server = Server::start(kind);
        let connection = connect(&of_url(engine, &server.database("shop")));
        let (one, two) =
            tokio::join!(connection.query("SELECT 1", Vec::new()), connection.query("SELECT 1", Vec::new()));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(connection.statistics().idle, 2);
        server = tokio::task::spawn_blocking(move || {
            server.stop();
            server.start_again();
            server
        })
        .await
        .unwrap();
        for number in 0..3 {
            let found = connection.query("SELECT 1", Vec::new()).await;
            assert!(found.is_ok(), "{engine:?} {number}: {found:?}");
        }
        assert!(connection.statistics().errors.is_empty());
        drop(server);
    }
}

#[tokio::test]
async fn a_server_without_a_connection_left_is_busy() {
    for (engine, kind) in SERVERS {
        let server = Server::start(kind);
        let url = server.database("shop");
        let mut settings = of_url(engine, &url);
        if engine == Engine::Postgres {
            server.sql(
                None,
                "ALTER DATABASE shop CONNECTION LIMIT 10; CREATE ROLE clerk LOGIN PASSWORD 'hush'",
            );
            settings.username = Some("clerk".to_owned());
            settings.password = Some(Secret::new("hush"));
        } else {
            server.sql(None, "SET GLOBAL max_connections = 10");
        }
        settings.pool.max = 20;
        let connection = connect(&settings);
        let mut held = Vec::new();
        let error = loop {
            match connection.begin(Begin::default()).await {
                Ok(transaction) => held.push(transaction),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind.code(), error.maybe_processed), ("busy", false), "{engine:?} {error}");
        assert!((9..=11).contains(&held.len()), "{}", held.len());
        held.pop().unwrap().rollback().await.unwrap();
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_without_the_password() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let wrong = Settings { password: Some(Secret::new("hunter2")), ..place.settings() };
        let error = connect(&wrong).ping().await.unwrap_err();
        assert_eq!(error.kind.code(), "login-refused", "{engine:?} {error}");
        assert!(!format!("{error:?} {error} {wrong:?}").contains("hunter2"));
        let nowhere = Settings { database: Some("nowhere".to_owned()), ..place.settings() };
        assert_eq!(code(connect(&nowhere).ping().await), "login-refused", "{engine:?}");
        let closed = Settings { port: Some(1), ..place.settings() };
        assert_eq!(code(connect(&closed).query("SELECT 1", Vec::new()).await), "unreachable", "{engine:?}");
        assert_eq!(
            code(place.connection().query("SELECT * FROM nothing", Vec::new()).await),
            "invalid-statement"
        );
        assert_eq!(code(place.connection().query("SELEC 1", Vec::new()).await), "invalid-statement");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let pool = Pool { connect_ms: 200, ..Pool::default() };
        let port = Some(listener.local_addr().unwrap().port());
        let connection = connect(&Settings { pool, port, ..place.settings() });
        let error = connection.query("SELECT 1", Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection to the database: it took longer than 200 ms");
    }
}

#[tokio::test]
async fn what_a_login_may_not_do_is_denied() {
    let server = Server::start(Kind::Postgres);
    let url = server.database("shop");
    server.sql(Some("shop"), "CREATE TABLE stock (n integer); CREATE ROLE clerk LOGIN PASSWORD 'hush'");
    let mut settings = of_url(Engine::Postgres, &url);
    settings.username = Some("clerk".to_owned());
    settings.password = Some(Secret::new("hush"));
    let error = connect(&settings).query("SELECT * FROM stock", Vec::new()).await.unwrap_err();
    assert_eq!((error.kind.code(), error.sqlstate.as_deref()), ("denied", Some("42501")), "{error}");
}
