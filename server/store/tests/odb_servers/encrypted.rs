//! Connections by TLS: made as the URL says, or not at all.

use busbar_store::{Error, Odb};
use busbar_test_databases::{Kind, Server};

/// What a URL says to be encrypted and, where the client library can, to verify whom it speaks to.
fn by_tls(url: &str, authority: &std::path::Path) -> String {
    let authority = authority.display();
    match crate::KIND {
        Kind::Postgres => format!("{url}?sslmode=verify-full&sslrootcert={authority}"),
        Kind::Mariadb => format!("{url}?ssl_mode=required&ssl_ca={authority}"),
    }
}

/// How many of the server's connections to a database are encrypted.
fn encrypted(server: &Server) -> String {
    match crate::KIND {
        Kind::Postgres => server.sql(
            None,
            "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE s.ssl AND a.datname = 'bus'",
        ),
        Kind::Mariadb => server.sql(None, "SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'").replace("Ssl_finished_accepts\t", ""),
    }
}

#[test]
fn connections_are_encrypted_where_the_url_says_so() {
    let server = Server::start_encrypted(crate::KIND);
    let url = by_tls(&server.database("bus"), &server.certificate());
    Odb::migrate(&url).unwrap();
    let odb = Odb::open(&url, 2).unwrap();
    odb.head().unwrap();
    assert!(encrypted(&server).parse::<u32>().unwrap() > 0);
}

#[test]
fn a_server_that_does_not_encrypt_is_refused() {
    let (plain, other) = (Server::start(crate::KIND), Server::start_encrypted(crate::KIND));
    let url = by_tls(&plain.database("bus"), &other.certificate());
    let error = Odb::open(&url, 1).and_then(|odb| odb.head()).unwrap_err();
    assert!(matches!(error, Error::Open(_) | Error::Unsuited { .. } | Error::Connections(_)), "{error:?}");
}

#[test]
fn a_server_of_another_authority_is_refused_where_that_can_be_checked() {
    let (server, other) = (Server::start_encrypted(crate::KIND), Server::start_encrypted(crate::KIND));
    let url = by_tls(&server.database("bus"), &other.certificate());
    let opened = Odb::open(&url, 1).and_then(|odb| odb.head());
    match crate::KIND {
        Kind::Postgres => {
            let error = opened.unwrap_err();
            assert!(matches!(error, Error::Open(_) | Error::Connections(_)), "{error:?}");
        }
        // Its client library verifies nobody, which `ssl_mode=verify_ca` is refused for.
        Kind::Mariadb => {
            let verifying = url.replace("required", "verify_ca");
            let error = Odb::open(&verifying, 1).and_then(|odb| odb.head()).unwrap_err();
            assert!(matches!(error, Error::Unsuited { .. }), "{error:?}");
        }
    }
}
