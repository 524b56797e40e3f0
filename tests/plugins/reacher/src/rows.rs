//! SQL in JSON: `{"integer": 1}` is a value.

use busbar_sdk::bindings::busbar::bus::sql as bus;
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
#[derive(Clone)]
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
    /// Let go of. Its steps have no parameters and no rows.
    Drop,
    /// The same, but kept hold of.
    Keep,
}

impl Statement {
    fn values(&self) -> Vec<sql::Value> {
        self.parameters.iter().cloned().map(value).collect()
    }

    pub(crate) fn query(self) -> Result<Value, Fault> {
        let values = self.values();
        Ok(shown(sql::query(&self.connection, &self.statement, &given(&values))?))
    }

    pub(crate) fn execute(self) -> Result<Value, Fault> {
        let values = self.values();
        Ok(json!(sql::execute(&self.connection, &self.statement, &given(&values))?))
    }

    pub(crate) fn count(self, batch: u32, stop_after: Option<u64>) -> Result<Value, Fault> {
        let values = self.values();
        let cursor = sql::cursor(&self.connection, &self.statement, &given(&values))?.batch(batch);
        let columns: Vec<String> = cursor.columns().iter().map(|column| column.name.clone()).collect();
        let mut count = 0;
        for row in cursor {
            row?;
            count += 1;
            if stop_after.is_some_and(|most| count >= most) {
                break;
            }
        }
        Ok(json!({"columns": columns, "count": count}))
    }
}

fn given(values: &[sql::Value]) -> Vec<&dyn sql::Parameter> {
    values.iter().map(|value| value as &dyn sql::Parameter).collect()
}

/// What ends a transaction that is to be rolled back.
const ROLLED_BACK: &str = "rolled-back";

pub(crate) fn transaction(connection: &str, steps: Vec<Statement>, end: End) -> Result<Value, Fault> {
    if matches!(end, End::Drop | End::Keep) {
        return left(connection, &steps, matches!(end, End::Keep));
    }
    let mut done = Vec::new();
    let ended = sql::transaction(connection, |transaction| {
        for step in steps {
            let values = step.values();
            let is_query = step.statement.trim_start().to_ascii_lowercase().starts_with("select");
            done.push(match is_query {
                true => shown(transaction.query(&step.statement, &given(&values))?),
                false => json!(transaction.execute(&step.statement, &given(&values))?),
            });
        }
        match end {
            End::Commit => Ok(()),
            End::Rollback | End::Drop | End::Keep => Err(Fault::fail("asked to roll back").code(ROLLED_BACK)),
        }
    });
    match ended {
        Err(fault) if fault.code != ROLLED_BACK => Err(fault),
        _ => Ok(done.into()),
    }
}

/// The SDK's own transactions always end in one way or the other.
fn left(connection: &str, steps: &[Statement], is_kept: bool) -> Result<Value, Fault> {
    let transaction = bus::begin(connection, bus::Options { read_only: false, isolation: None })?;
    let done: Result<Vec<u64>, _> =
        steps.iter().map(|step| transaction.execute(&step.statement, &[])).collect();
    if is_kept {
        std::mem::forget(transaction);
    }
    Ok(json!(done?))
}

fn shown(rows: sql::Rows) -> Value {
    let columns: Vec<&str> = rows.columns().iter().map(|column| column.name.as_str()).collect();
    let rows: Vec<Vec<Value>> =
        rows.iter().map(|row| row.values().iter().cloned().map(cell).collect()).collect();
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
