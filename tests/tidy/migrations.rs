//! Migrations: there for every database, with the same names.

use std::collections::{BTreeMap, BTreeSet};

use crate::{none, tree::files};

#[test]
fn every_database_has_the_same_migrations() {
    let mut databases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files() {
        let parts: Vec<&str> = file.path.split('/').collect();
        if let ["migrations", database, migration, "up.sql"] = parts[..] {
            databases.entry(database.to_owned()).or_default().insert(migration.to_owned());
        }
    }
    let sqlite = databases.get("sqlite").cloned().unwrap_or_default();
    assert!(!sqlite.is_empty(), "there are migrations for SQLite");
    let mut found = Vec::new();
    for (database, migrations) in &databases {
        found.extend(migrations.symmetric_difference(&sqlite).map(|name| format!("{database}: {name}")));
    }
    none("databases have the same migrations as SQLite", &found);
}
