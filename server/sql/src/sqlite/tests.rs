//! Files that are no connection's, and statements that SQLite itself refuses.

use std::time::Duration;

use busbar_model::connection::sql::Engine;

use super::*;

fn opened(folder: &tempfile::TempDir) -> Sqlite {
    let file = folder.path().join("stock.db");
    std::fs::write(&file, "").unwrap();
    let limits =
        Limits { read_only: false, statement: Duration::from_secs(1), rows_max: 10, bytes_max: 10_000 };
    let target = Target::new(file.to_str().unwrap().to_owned(), Vec::new());
    target.open(&limits, Arc::default()).unwrap()
}

/// As if its first word had not been known.
fn unchecked(sql: &str) -> Task {
    let job = Job::new(Engine::Sqlite, false, "SELECT 1", Vec::new()).unwrap();
    Task::Execute(Arc::new(Job { sql: sql.to_owned(), ..job }))
}

#[tokio::test]
async fn transactions_are_denied_by_sqlite_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = opened(&folder);
    for sql in ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a"] {
        let error = driver.work(unchecked(sql)).await.unwrap_err();
        assert_eq!(error.kind.code(), "denied", "{sql}: {error}");
    }
    driver.work(Task::Begin { read_only: false, isolation: None }).await.unwrap();
    let error = driver.work(unchecked("COMMIT")).await.unwrap_err();
    assert_eq!(error.kind.code(), "denied", "{error}");
    driver.work(Task::Commit).await.unwrap();
}

#[tokio::test]
async fn a_connection_with_a_transaction_of_nobody_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = opened(&folder);
    driver.say("BEGIN").unwrap();
    let error = driver.work(unchecked("SELECT 1")).await.unwrap_err();
    assert!(error.is_loss(), "{error}");
}

#[tokio::test]
async fn other_files_are_denied_by_sqlite_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = opened(&folder);
    let other = folder.path().join("other.db");
    for sql in [format!("ATTACH '{}' AS other", other.display()), "DETACH main".to_owned()] {
        let error = driver.work(unchecked(&sql)).await.unwrap_err();
        assert_eq!(error.kind.code(), "denied", "{sql}: {error}");
    }
    let vacuum = format!("VACUUM INTO '{}'", other.display());
    driver.work(unchecked(&vacuum)).await.unwrap_err();
    assert!(!other.exists());
}
