//! What databases of others answer.

use std::future::ready;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_engine::ways::{Borrowed, Cursor, Passage, Transaction, WayFuture, sql::Statement, unfit};
use busbar_model::{
    Fault, connection,
    fault::FaultKind,
    sql::{Column, Kind, RowSet, Rows, Value},
};
use serde_json::{Map, Value as Json};

use super::{Script, web::is_same};
use crate::testing::case::connection::{SqlAnswer, Type};

impl Script {
    pub(super) fn statement(&self, passage: &Passage, statement: &Statement) -> Result<SqlAnswer, Fault> {
        let parameters = Json::Array(statement.parameters.iter().map(shown).collect());
        let fits = |one: &SqlAnswer| {
            let expected = one.parameters.clone().map(Json::Array);
            spaced(&one.statement) == spaced(&statement.text)
                && expected.is_none_or(|expected| is_same(&expected, &parameters))
        };
        let asked = || format!("{:?} with {parameters}", statement.text);
        self.take(passage, connection::sql::KIND, |others| &mut others.sql, fits, asked)
    }

    /// What a transaction comes to: taken from the script, if that waits for it.
    fn mark(&self, passage: &Passage, what: &str) {
        let mut told = self.lock();
        let answers = told.left.get_mut(&passage.connection().name).and_then(|others| others.sql.as_mut());
        if let Some(answers) = answers
            && let Some(at) = answers.iter().position(|one| one.statement == what)
        {
            answers.remove(at);
        }
    }
}

impl SqlAnswer {
    pub(super) fn affected(self) -> Result<u64, Fault> {
        match (self.fault, self.rows) {
            (Some(fault), _) => Err(fault.into()),
            (None, Some(rows)) => Ok(rows.len() as u64),
            (None, None) => Ok(self.affected.unwrap_or_default()),
        }
    }

    /// The columns are those of the first row.
    pub(super) fn rows(self) -> Result<Rows, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let given = self.rows.unwrap_or_default();
        let names: Vec<String> = given.first().map(|row| row.keys().cloned().collect()).unwrap_or_default();
        let row = |row: &Map<String, Json>| {
            let value =
                |name: &String| of(row.get(name).unwrap_or(&Json::Null), self.types.get(name).copied());
            names.iter().map(value).collect::<Result<Vec<_>, _>>()
        };
        let mut rows = RowSet::with_capacity(names.len(), given.len());
        for given in &given {
            rows.push(row(given)?);
        }
        let column = |name: &String| Column { name: name.clone(), kind: Kind::Any };
        Ok(Rows { columns: names.iter().map(column).collect(), rows })
    }
}

fn of(json: &Json, kind: Option<Type>) -> Result<Value, Fault> {
    Ok(match (json, kind) {
        (Json::Null, _) => Value::Null,
        (json, Some(Type::Json)) => Value::Json(json.to_string()),
        (Json::String(text), Some(Type::Bytes)) => Value::Bytes(STANDARD.decode(text).map_err(|error| {
            Fault::new(FaultKind::Failed, format!("{text:?} is no base64: {error}"))
                .with_code("answer-invalid")
        })?),
        (Json::String(text), Some(Type::Decimal)) => Value::Decimal(text.clone()),
        (Json::String(text), Some(Type::Date)) => Value::Date(text.clone()),
        (Json::String(text), Some(Type::Time)) => Value::Time(text.clone()),
        (Json::String(text), Some(Type::Timestamp)) => Value::Timestamp(text.clone()),
        (Json::String(text), Some(Type::Uuid)) => Value::Uuid(text.clone()),
        (Json::String(text), None) => Value::Text(text.clone()),
        (Json::Bool(value), _) => Value::Boolean(*value),
        (Json::Number(number), Some(Type::Decimal)) => Value::Decimal(number.to_string()),
        (Json::Number(number), _) => match number.as_i64() {
            Some(value) => Value::Integer(value),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        (json, _) => Value::Json(json.to_string()),
    })
}

/// As a case has it.
fn shown(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text) => text.as_str().into(),
    }
}

fn spaced(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Given(Rows);

pub(super) fn cursor(rows: Rows) -> Box<dyn Cursor> {
    Box::new(Given(rows))
}

impl Cursor for Given {
    fn columns(&self) -> &[Column] {
        &self.0.columns
    }

    fn next(&mut self, most: u32, _: u64) -> Borrowed<'_, RowSet> {
        Box::pin(ready(Ok(self.0.rows.take_first(most as usize))))
    }
}

/// Nothing is taken back by a rollback.
struct Within {
    script: Script,
    passage: Passage,
    ended: bool,
}

pub(super) fn begin(script: Script, passage: Passage) -> Result<Box<dyn Transaction>, Fault> {
    let there = script.lock().left.get(&passage.connection().name).is_some_and(|others| others.sql.is_some());
    if !there {
        return Err(unfit(passage.connection(), connection::sql::KIND));
    }
    script.mark(&passage, "begin");
    Ok(Box::new(Within { script, passage, ended: false }))
}

impl Within {
    fn end(&mut self, how: &str) {
        if !std::mem::replace(&mut self.ended, true) {
            self.script.mark(&self.passage, how);
        }
    }
}

impl Transaction for Within {
    fn query(&mut self, statement: Statement) -> Borrowed<'_, Rows> {
        Box::pin(ready(self.script.statement(&self.passage, &statement).and_then(SqlAnswer::rows)))
    }

    fn execute(&mut self, statement: Statement) -> Borrowed<'_, u64> {
        Box::pin(ready(self.script.statement(&self.passage, &statement).and_then(SqlAnswer::affected)))
    }

    fn commit(mut self: Box<Self>) -> WayFuture<()> {
        self.end("commit");
        Box::pin(ready(Ok(())))
    }

    fn rollback(mut self: Box<Self>) -> WayFuture<()> {
        self.end("rollback");
        Box::pin(ready(Ok(())))
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        self.end("rollback");
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::sql::Value;
    use serde_json::json;

    use super::{SqlAnswer, shown};

    fn answer(json: serde_json::Value) -> SqlAnswer {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn rows_have_the_columns_and_types_that_are_given() {
        let rows =
            [json!({"n": 1, "price": "1.50", "raw": "AAE=", "tags": ["a"], "x": null}), json!({"n": 2.5})];
        let types = json!({"price": "decimal", "raw": "bytes"});
        let found = answer(json!({"statement": "s", "rows": rows, "types": types})).rows().unwrap();
        let names: Vec<_> = found.columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names, ["n", "price", "raw", "tags", "x"]);
        let first = [
            Value::Integer(1),
            Value::Decimal("1.50".into()),
            Value::Bytes(vec![0, 1]),
            Value::Json(r#"["a"]"#.into()),
            Value::Null,
        ];
        assert_eq!(found.rows[0], first);
        assert_eq!(found.rows[1][..2], [Value::Float(2.5), Value::Null]);
        let given: Vec<_> = first.iter().map(shown).collect();
        assert_eq!(given, [json!(1), json!("1.50"), json!("AAE="), json!(["a"]), json!(null)]);
        let wrong = answer(json!({"statement": "s", "rows": [{"a": "?"}], "types": {"a": "bytes"}}));
        assert!(wrong.rows().unwrap_err().message.contains("no base64"));
    }

    #[test]
    fn what_is_no_row_is_a_number_or_a_fault() {
        assert_eq!(answer(json!({"statement": "s", "affected": 3})).affected().unwrap(), 3);
        assert_eq!(answer(json!({"statement": "s", "rows": [{"a": 1}]})).affected().unwrap(), 1);
        assert!(answer(json!({"statement": "s", "affected": 3})).rows().unwrap().rows.is_empty());
        let fault = answer(json!({"statement": "s", "fault": {"code": "constraint", "status": 409}}));
        assert_eq!(fault.affected().unwrap_err().status, Some(409));
    }
}
