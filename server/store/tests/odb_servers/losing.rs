//! A server that goes and comes back, under the same handle.

use std::time::{Duration, Instant};

use busbar_model::unit::Change;
use busbar_store::{Error, Odb};
use busbar_test_databases::Server;

use crate::{
    fixture::{NOW, by, draft},
    staging::{key, ticking, write},
};

/// Longer than a caller waits for a connection.
const BOUND: Duration = Duration::from_secs(30);

fn is_temporary<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Lost(_) | Error::Connections(_) | Error::Busy), "{error:?}");
}

#[test]
fn a_restart_is_survived() {
    let mut server = Server::start(crate::KIND);
    let url = server.database("bus");
    Odb::migrate(&url).unwrap();
    let odb = Odb::open(&url, 3).unwrap();
    let mut commits = odb.commits();
    let mut add = || commits.commit(ticking, || vec![write("n", Change::Add(1))]);
    odb.create_channel(&by(), draft("a", "/a")).unwrap();
    assert_eq!(add().unwrap(), [Ok(())]);
    // All connections are lost, and nobody noticed.
    server.stop();
    server.start_again();
    odb.create_channel(&by(), draft("b", "/b")).unwrap();
    assert_eq!(add().unwrap(), [Ok(())]);
    server.kill();
    let begun = Instant::now();
    is_temporary(odb.head());
    is_temporary(odb.create_channel(&by(), draft("c", "/c")));
    assert!(add().is_err());
    assert!(begun.elapsed() < 3 * BOUND, "{:?}", begun.elapsed());
    server.start_again();
    odb.create_channel(&by(), draft("d", "/d")).unwrap();
    assert_eq!(add().unwrap(), [Ok(())]);
    assert_eq!(odb.head().unwrap().version, 3);
    assert_eq!(odb.kv(&key("n"), NOW).unwrap().unwrap().value, b"3");
}

#[test]
fn a_server_that_is_not_there_is_said_so_without_its_password() {
    let mut server = Server::start(crate::KIND);
    let url = server.database("bus");
    server.stop();
    let begun = Instant::now();
    let error = Odb::open(&url, 1).unwrap_err();
    assert!(begun.elapsed() < BOUND);
    let mut said = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        said = format!("{said}: {source}");
        cause = source.source();
    }
    assert!(!said.contains("hush"), "{said}");
}
