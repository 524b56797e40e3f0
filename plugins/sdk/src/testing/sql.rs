//! SQL databases of others: answers that were written down beforehand.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::TestHost;
use super::sent::{SqlStatement, connection_unknown};
use crate::Fault;
use crate::bindings::busbar::bus::sql as bus;
use crate::bindings::busbar::bus::types;
use crate::sql::{Parameter, Value};

/// What a database answers. Each answer is for one statement, whatever its white space, and is given once: of several
/// for the same statement the first is given first.
#[derive(Clone, Debug, Default)]
pub struct Script(VecDeque<(String, Answer)>);

#[derive(Clone, Debug)]
enum Answer {
    Rows { columns: Vec<String>, rows: Vec<Vec<Value>> },
    Changed(u64),
    Fault(Fault),
}

impl Script {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows, to a query or a cursor: `.rows("select sku, n from t", &["sku", "n"], &[&[&"tea", &4]])`.
    #[must_use]
    pub fn rows(self, statement: &str, columns: &[&str], rows: &[&[&dyn Parameter]]) -> Self {
        let row = |row: &&[&dyn Parameter]| row.iter().map(|value| value.to_value()).collect();
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        self.answer(statement, Answer::Rows { columns, rows: rows.iter().map(row).collect() })
    }

    /// How many rows it changed.
    #[must_use]
    pub fn changed(self, statement: &str, rows: u64) -> Self {
        self.answer(statement, Answer::Changed(rows))
    }

    #[must_use]
    pub fn fault(self, statement: &str, fault: Fault) -> Self {
        self.answer(statement, Answer::Fault(fault))
    }

    fn answer(mut self, statement: &str, answer: Answer) -> Self {
        self.0.push_back((spaced(statement), answer));
        self
    }

    fn take(&mut self, statement: &str) -> Option<Answer> {
        let statement = spaced(statement);
        let at = self.0.iter().position(|(known, _)| *known == statement)?;
        self.0.remove(at).map(|(_, answer)| answer)
    }
}

impl TestHost {
    /// A double for a database of others. Transactions are recorded; a rollback takes nothing back.
    #[must_use]
    pub fn sql(self, connection: &str, script: Script) -> Self {
        self.with(|host| host.others.sql.insert(connection.to_owned(), script))
    }

    /// Statements of a database's script that nobody has sent yet.
    #[must_use]
    pub fn unsent(&self, connection: &str) -> Vec<String> {
        let host = self.0.borrow();
        let script = host.others.sql.get(connection);
        script
            .into_iter()
            .flat_map(|script| script.0.iter().map(|(statement, _)| statement.clone()))
            .collect()
    }

    fn statement(
        &self,
        connection: &str,
        statement: &str,
        parameters: &[bus::Value],
    ) -> Result<Answer, Fault> {
        let mut host = self.0.borrow_mut();
        let script = host.others.sql.get_mut(connection);
        let answer = script.ok_or_else(|| connection_unknown(connection, "sql"))?.take(statement);
        let parameters = parameters.iter().cloned().map(Value::received).collect();
        let (connection, statement) = (connection.to_owned(), statement.to_owned());
        host.sent.sql.push(SqlStatement { connection, statement: statement.clone(), parameters });
        match answer {
            Some(Answer::Fault(fault)) => Err(fault),
            Some(answer) => Ok(answer),
            None => {
                let text = format!("the database's script has no answer left for {statement:?}");
                Err(Fault::fail(text).code("invalid-statement"))
            }
        }
    }

    pub(super) fn query(
        &self,
        connection: &str,
        statement: &str,
        parameters: &[bus::Value],
    ) -> Result<bus::Rows, Fault> {
        Ok(match self.statement(connection, statement, parameters)? {
            Answer::Rows { columns, rows } => {
                let column = |name| bus::Column { name, kind: String::new() };
                let columns = columns.into_iter().map(column).collect();
                let row = |row: Vec<Value>| row.into_iter().map(Value::into_bus).collect();
                bus::Rows { columns, rows: rows.into_iter().map(row).collect() }
            }
            _ => bus::Rows { columns: Vec::new(), rows: Vec::new() },
        })
    }

    pub(super) fn execute(
        &self,
        connection: &str,
        statement: &str,
        parameters: &[bus::Value],
    ) -> Result<u64, Fault> {
        Ok(match self.statement(connection, statement, parameters)? {
            Answer::Changed(rows) => rows,
            Answer::Rows { rows, .. } => rows.len() as u64,
            Answer::Fault(fault) => return Err(fault),
        })
    }

    fn marked(&self, connection: &str, mark: &str) {
        let (connection, statement) = (connection.to_owned(), mark.to_owned());
        let statement = SqlStatement { connection, statement, parameters: Vec::new() };
        self.0.borrow_mut().sent.sql.push(statement);
    }
}

/// In place of the contract's.
pub(crate) struct Cursor {
    columns: Vec<bus::Column>,
    rows: RefCell<VecDeque<Vec<bus::Value>>>,
}

impl Cursor {
    pub(super) fn over(rows: bus::Rows) -> Self {
        Self { columns: rows.columns, rows: RefCell::new(rows.rows.into()) }
    }

    pub(crate) fn columns(&self) -> Vec<bus::Column> {
        self.columns.clone()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the contract has it")]
    pub(crate) fn next(&self, max: u32) -> Result<Vec<Vec<bus::Value>>, types::Fault> {
        let mut rows = self.rows.borrow_mut();
        let count = rows.len().min(max as usize);
        Ok(rows.drain(..count).collect())
    }
}

/// In place of the contract's.
pub(crate) struct Transaction {
    host: TestHost,
    connection: String,
    ended: Cell<bool>,
}

impl Transaction {
    pub(super) fn begin(host: TestHost, connection: &str) -> Result<Self, Fault> {
        if !host.0.borrow().others.sql.contains_key(connection) {
            return Err(connection_unknown(connection, "sql"));
        }
        host.marked(connection, "begin");
        Ok(Self { host, connection: connection.to_owned(), ended: Cell::new(false) })
    }

    pub(crate) fn query(
        &self,
        statement: &str,
        parameters: &[bus::Value],
    ) -> Result<bus::Rows, types::Fault> {
        Ok(self.host.query(&self.connection, statement, parameters)?)
    }

    pub(crate) fn execute(&self, statement: &str, parameters: &[bus::Value]) -> Result<u64, types::Fault> {
        Ok(self.host.execute(&self.connection, statement, parameters)?)
    }

    pub(crate) fn commit(&self) -> Result<(), types::Fault> {
        self.end("commit");
        Ok(())
    }

    pub(crate) fn rollback(&self) -> Result<(), types::Fault> {
        self.end("rollback");
        Ok(())
    }

    fn end(&self, how: &str) {
        if !self.ended.replace(true) {
            self.host.marked(&self.connection, how);
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.end("rollback");
    }
}

fn spaced(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
