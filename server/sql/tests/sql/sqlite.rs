//! What is SQLite's own: files, locks, types of values.

use std::{
    os::unix::fs::{MetadataExt as _, symlink},
    time::Duration,
};

use busbar_model::connection::sql::{Engine, Sql};
use busbar_sql::{Begin, Connection, Kind, Outside, Settings, Value};

use crate::stage::{Place, code, connect, integer, rows, run, text};

#[tokio::test]
async fn the_buss_own_files_are_refused_by_whatever_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for parts in ["own/deep", "elsewhere"] {
        std::fs::create_dir_all(path(parts)).unwrap();
    }
    for name in ["bus.db", "bus.db-wal", "bus.db-shm", "bus.db-journal", "own/a.db", "own/deep/b.db"] {
        std::fs::write(path(name), "").unwrap();
    }
    for name in ["other.db", "bus.db-other", "owner.db", "linked-beside.db"] {
        std::fs::write(path(name), "").unwrap();
    }
    for (from, to) in [
        ("bus.db", "linked.db"),
        ("bus.db-shm", "linked-shm.db"),
        ("bus.db", "linked-beside.db-journal"),
        ("own/deep/b.db", "linked-b.db"),
        ("other.db", "linked-other.db"),
    ] {
        std::fs::hard_link(path(from), path(to)).unwrap();
    }
    symlink(path("bus.db"), path("symbolic.db")).unwrap();
    symlink(path("bus.db-wal"), path("elsewhere/wal.db")).unwrap();
    symlink(path("own"), path("elsewhere/own")).unwrap();
    symlink(path("other.db"), path("symbolic-other.db")).unwrap();
    let forbidden = vec![path("missing.db"), path("bus.db"), path("elsewhere/../own")];
    let outside = Outside { forbidden, ..Outside::default() };
    let refused = [
        "bus.db",
        "bus.db-wal",
        "bus.db-shm",
        "bus.db-journal",
        "linked.db",
        "linked-shm.db",
        "linked-beside.db",
        "linked-b.db",
        "symbolic.db",
        "elsewhere/wal.db",
        "elsewhere/own/a.db",
        "own/a.db",
        "own/deep/b.db",
        "own/../bus.db-shm",
    ];
    let allowed = ["other.db", "bus.db-other", "owner.db", "linked-other.db", "symbolic-other.db"];
    for (name, is_allowed) in
        refused.map(|name| (name, false)).into_iter().chain(allowed.map(|name| (name, true)))
    {
        let settings = Sql::file(path(name).to_str().unwrap().to_owned());
        let outcome = Connection::new(&settings, outside.clone()).unwrap().ping().await;
        assert_eq!(outcome.is_ok(), is_allowed, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("is a file of the bus itself"), "{error}");
        }
    }
}

/// Closing a file lets go of the locks that the process has on it.
#[tokio::test]
async fn locks_of_the_bus_outlast_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let bus = rusqlite::Connection::open(path("bus.db")).unwrap();
    let mode: String = bus.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    bus.execute_batch("CREATE TABLE stock (n INTEGER); BEGIN IMMEDIATE; INSERT INTO stock VALUES (1)")
        .unwrap();
    std::fs::hard_link(path("bus.db-shm"), path("linked.db")).unwrap();
    let inodes = ["bus.db", "bus.db-shm"].map(|name| std::fs::metadata(path(name)).unwrap().ino());
    let locks = || {
        let held = std::fs::read_to_string("/proc/locks").unwrap();
        inodes.map(|inode| held.lines().filter(|line| line.contains(&format!(":{inode} "))).count())
    };
    let before = locks();
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    let outside = Outside { forbidden: vec![path("bus.db")], ..Outside::default() };
    for name in ["bus.db", "bus.db-shm", "bus.db-wal", "linked.db"] {
        let settings = Sql::file(path(name).to_str().unwrap().to_owned());
        let refused = Connection::new(&settings, outside.clone()).unwrap().ping().await;
        assert_eq!((code(refused), locks()), ("unreachable", before), "{name}");
    }
    bus.execute_batch("COMMIT").unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_there_or_is_no_database_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Sql::file(folder.path().join(name).to_str().unwrap().to_owned());
    assert_eq!(code(connect(&file("missing.db")).ping().await), "unreachable");
    assert!(!folder.path().join("missing.db").exists());
    std::fs::write(folder.path().join("letter.txt"), "x".repeat(5_000)).unwrap();
    assert_eq!(code(connect(&file("letter.txt")).ping().await), "unreachable");
    assert_eq!(code(connect(&file("")).ping().await), "unreachable");
}

#[tokio::test]
async fn no_other_file_is_reached() {
    let place = Place::new(Engine::Sqlite);
    let connection = place.connection();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db").to_str().unwrap().to_owned();
    for (sql, wanted, said) in [
        (format!("ATTACH '{other}' AS other"), "invalid-statement", "ATTACH is not permitted by this bus"),
        (format!("EXPLAIN ATTACH '{other}' AS other"), "denied", "not authorized"),
        (format!("VACUUM INTO '{other}'"), "invalid-statement", "VACUUM is not permitted by this bus"),
        (format!("SELECT load_extension('{other}')"), "invalid-statement", "not authorized"),
        ("PRAGMA writable_schema = 1".to_owned(), "denied", "not authorized"),
        ("PRAGMA temp_store_directory = '/tmp'".to_owned(), "denied", "not authorized"),
        ("CREATE TEMP TABLE mine (n INTEGER)".to_owned(), "denied", "not authorized"),
        ("EXPLAIN COMMIT".to_owned(), "denied", "not authorized"),
        ("EXPLAIN SAVEPOINT a".to_owned(), "denied", "not authorized"),
        ("SELECT readfile('/etc/passwd')".to_owned(), "invalid-statement", "no such function"),
        ("SELECT writefile('/tmp/x', 'y')".to_owned(), "invalid-statement", "no such function"),
    ] {
        let error = connection.query(&sql, Vec::new()).await.unwrap_err();
        assert_eq!(error.kind.code(), wanted, "{sql}: {error}");
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
    assert!(!folder.path().join("other.db").exists());
}

#[tokio::test]
async fn writers_wait_for_each_other_and_are_told_when_it_takes_too_long() {
    let place = Place::new(Engine::Sqlite);
    let connection = connect(&Settings { statement_ms: 300, ..place.settings() });
    run(&connection, "CREATE TABLE stock (n INTEGER)").await;
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
    let refused = connection.execute("INSERT INTO stock VALUES (2)", Vec::new()).await.unwrap_err();
    assert_eq!(refused.kind.code(), "conflict", "{refused}");
    let waiting = tokio::spawn({
        let connection = connection.clone();
        async move { connection.execute("INSERT INTO stock VALUES (3)", Vec::new()).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    transaction.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 2);
}

#[tokio::test]
async fn constraints_hold() {
    let place = Place::new(Engine::Sqlite);
    let connection = place.connection();
    run(&connection, "CREATE TABLE a (n INTEGER PRIMARY KEY, m INTEGER CHECK (m > 0))").await;
    run(&connection, "CREATE TABLE b (n INTEGER REFERENCES a (n))").await;
    let refused = connection.execute("INSERT INTO b VALUES (1)", Vec::new()).await.unwrap_err();
    assert_eq!(refused.kind.code(), "constraint", "{refused}");
    let refused = connection.execute("INSERT INTO a VALUES (1, 0)", Vec::new()).await.unwrap_err();
    assert_eq!(refused.to_string(), "CHECK constraint failed: m > 0");
    assert_eq!(run(&connection, "INSERT INTO a VALUES (1, 1)").await, 1);
    assert_eq!(run(&connection, "CREATE TABLE c (n INTEGER)").await, 0);
}

#[tokio::test]
async fn values_are_what_they_are_and_columns_say_how_they_are_meant() {
    let place = Place::new(Engine::Sqlite);
    let connection = place.connection();
    run(
        &connection,
        "CREATE TABLE kinds (b BOOLEAN, i INTEGER, f REAL, d DECIMAL(10, 2), t TEXT, x BLOB, day DATE, \
         at DATETIME, u UUID, j JSON)",
    )
    .await;
    let values = vec![
        Value::Boolean(true),
        Value::Integer(i64::MIN),
        Value::Float(1.5),
        Value::Decimal("12.50".to_owned()),
        text("ä\n"),
        Value::Bytes(vec![0, 255]),
        Value::Date("2026-11-30".to_owned()),
        Value::Timestamp("2026-11-30T10:00:00.5Z".to_owned()),
        Value::Uuid("019abcde-0000-7000-8000-000000000000".to_owned()),
        Value::Json("{\"a\":1}".to_owned()),
    ];
    connection.execute("INSERT INTO kinds VALUES (?,?,?,?,?,?,?,?,?,?)", values.clone()).await.unwrap();
    let found = connection.query("SELECT * FROM kinds", Vec::new()).await.unwrap();
    let kinds: Vec<Kind> = found.columns.iter().map(|column| column.kind).collect();
    let wanted: Vec<Kind> = values.iter().map(Value::kind).collect();
    assert_eq!(kinds, wanted);
    let mut expected = values;
    // By its column's affinity it becomes a number.
    expected[3] = Value::Float(12.5);
    assert_eq!((found.rows.len(), &found.rows[0]), (1, expected.as_slice()));
    assert_eq!(rows(&connection, "SELECT NULL, 1, 'x'").await, [[Value::Null, Value::Integer(1), text("x")]]);
}
