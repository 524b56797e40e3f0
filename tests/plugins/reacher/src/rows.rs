//! SQL in JSON: `{"integer": 1}` is a value.

use busbar_sdk::bindings::busbar::bus::sql;
use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{Value, json};

#[data]
pub(crate) struct Statement {
    connection: String,
    statement: String,
    #[serde(default)]
    parameters: Vec<Cell>,
}

#[data]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Date(String),
    Time(String),
    Timestamp(String),
    Uuid(String),
    Json(String),
}

#[data]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    Commit,
    Rollback,
    /// Let go of.
    Drop,
}

impl Statement {
    fn taken(self) -> (String, String, Vec<sql::Value>) {
        (self.connection, self.statement, self.parameters.into_iter().map(value).collect())
    }

    pub(crate) fn query(self) -> Result<Value, Fault> {
        let (connection, statement, parameters) = self.taken();
        Ok(shown(sql::query(&connection, &statement, &parameters)?))
    }

    pub(crate) fn execute(self) -> Result<Value, Fault> {
        let (connection, statement, parameters) = self.taken();
        Ok(json!(sql::execute(&connection, &statement, &parameters)?))
    }

    pub(crate) fn count(self, batch: u32, stop_after: Option<u64>) -> Result<Value, Fault> {
        let (connection, statement, parameters) = self.taken();
        let cursor = sql::open(&connection, &statement, &parameters)?;
        let columns: Vec<String> = cursor.columns().into_iter().map(|column| column.name).collect();
        let mut count = 0;
        loop {
            let rows = cursor.next(batch)?;
            count += rows.len() as u64;
            if rows.is_empty() || stop_after.is_some_and(|most| count >= most) {
                return Ok(json!({"columns": columns, "count": count}));
            }
        }
    }
}

pub(crate) fn transaction(connection: &str, steps: Vec<Statement>, end: End) -> Result<Value, Fault> {
    let transaction = sql::begin(connection, sql::Options { read_only: false, isolation: None })?;
    let mut done = Vec::new();
    for step in steps {
        let (_, statement, parameters) = step.taken();
        let is_query = statement.trim_start().to_ascii_lowercase().starts_with("select");
        done.push(match is_query {
            true => shown(transaction.query(&statement, &parameters)?),
            false => json!(transaction.execute(&statement, &parameters)?),
        });
    }
    match end {
        End::Commit => transaction.commit()?,
        End::Rollback => transaction.rollback()?,
        End::Drop => drop(transaction),
    }
    Ok(done.into())
}

fn shown(rows: sql::Rows) -> Value {
    let columns: Vec<String> = rows.columns.into_iter().map(|column| column.name).collect();
    let rows: Vec<Vec<Value>> =
        rows.rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
    json!({"columns": columns, "rows": rows})
}

fn value(cell: Cell) -> sql::Value {
    match cell {
        Cell::Null => sql::Value::Null,
        Cell::Boolean(value) => sql::Value::Boolean(value),
        Cell::Integer(value) => sql::Value::Integer(value),
        Cell::Float(value) => sql::Value::Float(value),
        Cell::Decimal(text) => sql::Value::Decimal(text),
        Cell::Text(text) => sql::Value::Text(text),
        Cell::Bytes(bytes) => sql::Value::Bytes(bytes),
        Cell::Date(text) => sql::Value::Date(text),
        Cell::Time(text) => sql::Value::Time(text),
        Cell::Timestamp(text) => sql::Value::Timestamp(text),
        Cell::Uuid(text) => sql::Value::Uuid(text),
        Cell::Json(text) => sql::Value::Json(text),
    }
}

fn cell(value: sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Boolean(value) => json!({"boolean": value}),
        sql::Value::Integer(value) => json!({"integer": value}),
        sql::Value::Float(value) => json!({"float": value}),
        sql::Value::Decimal(text) => json!({"decimal": text}),
        sql::Value::Text(text) => json!({"text": text}),
        sql::Value::Bytes(bytes) => json!({"bytes": bytes}),
        sql::Value::Date(text) => json!({"date": text}),
        sql::Value::Time(text) => json!({"time": text}),
        sql::Value::Timestamp(text) => json!({"timestamp": text}),
        sql::Value::Uuid(text) => json!({"uuid": text}),
        sql::Value::Json(text) => json!({"json": text}),
    }
}
