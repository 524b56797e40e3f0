//! What tables look like, in words that all databases share.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use busbar_store::Odb;
use busbar_test_databases::Kind;
use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{Integer, Text},
    sqlite::SqliteConnection,
};

use crate::place::Place;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// By name: its kind of type, and whether it takes NULL.
    columns: BTreeMap<String, (&'static str, bool)>,
    /// Columns in the order of the key.
    primary_key: Vec<String>,
    unique: BTreeSet<Vec<String>>,
}

pub(crate) type Shape = BTreeMap<String, Table>;

const OF_MIGRATIONS: &str = "__diesel_schema_migrations";

/// SQLite has one type for whole numbers, which is that of truth values too.
fn kind_of(declared: &str) -> &'static str {
    match declared.to_ascii_lowercase().as_str() {
        "integer" | "bigint" | "int" | "boolean" | "tinyint" => "whole",
        "text" | "longtext" | "varchar" | "varbinary" => "text",
        "blob" | "bytea" | "longblob" => "bytes",
        other => panic!("{other} is no type of ours"),
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    #[diesel(sql_type = Integer)]
    required: i32,
    #[diesel(sql_type = Integer)]
    in_key: i32,
}

#[derive(QueryableByName)]
struct Indexed {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    columns: String,
}

/// A migrated file.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join("odb.sqlite");
        Odb::migrate(&format!("sqlite:{}", path.display())).unwrap();
        Self(path)
    }

    pub(crate) fn shape(&self) -> Shape {
        let mut connection = SqliteConnection::establish(&self.0.to_string_lossy()).unwrap();
        let columns = sql_query(
            "SELECT t.name AS table_name, c.name AS name, c.type AS declared, c.\"notnull\" AS required, c.pk AS in_key
             FROM sqlite_master t, pragma_table_info(t.name) c
             WHERE t.type = 'table' ORDER BY t.name, c.pk, c.cid",
        );
        let mut shape = Shape::new();
        for column in columns.load::<Column>(&mut connection).unwrap() {
            if column.table_name == OF_MIGRATIONS {
                continue;
            }
            let table = shape.entry(column.table_name).or_default();
            if column.in_key > 0 {
                table.primary_key.push(column.name.clone());
            }
            table.columns.insert(column.name, (kind_of(&column.declared), column.required == 0));
        }
        let unique = sql_query(
            "SELECT t.name AS table_name,
                 (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS columns
             FROM sqlite_master t, pragma_index_list(t.name) i
             WHERE t.type = 'table' AND i.\"unique\" AND i.origin <> 'pk'",
        );
        for index in unique.load::<Indexed>(&mut connection).unwrap() {
            let columns = index.columns.split(',').map(str::to_owned).collect();
            shape.entry(index.table_name).or_default().unique.insert(columns);
        }
        shape
    }
}

pub(crate) fn of_server(place: &Place) -> Shape {
    let schema = match crate::KIND {
        Kind::Postgres => "current_schema()",
        Kind::Mariadb => "DATABASE()",
    };
    let columns = place.rows(&format!(
        "SELECT concat_ws(',', table_name, column_name, data_type, is_nullable) FROM information_schema.columns
         WHERE table_schema = {schema}"
    ));
    let mut shape = Shape::new();
    for line in columns.lines() {
        let [table, name, declared, nullable] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if table != OF_MIGRATIONS {
            let column = (kind_of(declared), nullable == "YES");
            shape.entry(table.to_owned()).or_default().columns.insert(name.to_owned(), column);
        }
    }
    let keys = match crate::KIND {
        Kind::Postgres => {
            "SELECT concat_ws(',', t.relname, CASE WHEN i.indisprimary THEN 'PRIMARY' ELSE 'unique' END,
                 (SELECT string_agg(a.attname, ',' ORDER BY k.at)
                  FROM unnest(i.indkey) WITH ORDINALITY k (number, at)
                  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number))
             FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
             JOIN pg_namespace n ON n.oid = t.relnamespace
             WHERE i.indisunique AND n.nspname = current_schema()"
        }
        Kind::Mariadb => {
            "SELECT concat_ws(',', table_name, index_name, group_concat(column_name ORDER BY seq_in_index))
             FROM information_schema.statistics WHERE table_schema = DATABASE() AND non_unique = 0
             GROUP BY table_name, index_name"
        }
    };
    for line in place.rows(keys).lines() {
        let mut parts = line.split(',').map(str::to_owned);
        let (table, index) = (parts.next().unwrap(), parts.next().unwrap());
        let columns: Vec<String> = parts.collect();
        match shape.get_mut(&table) {
            Some(table) if index == "PRIMARY" => table.primary_key = columns,
            Some(table) => drop(table.unique.insert(columns)),
            None => assert_eq!(table, OF_MIGRATIONS),
        }
    }
    shape
}
