//! What kind of statement a text is, by its first words. It decides what is refused and what a connection must forget
//! before others get it; what a statement may do is the database's to say.

use busbar_model::connection::sql::Engine;

use crate::{
    ErrorKind, SqlError,
    bounds::{PARAMETERS_MAX, STATEMENT_BYTES_MAX},
    value::Value,
};

mod words;

use words::Words;

/// A transaction begins and ends by calls, so that it is known who has one.
const OF_TRANSACTIONS: [&str; 10] =
    ["BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "ABORT", "XA", "PREPARE"];
/// Behind `SET`, or behind the scope that follows it.
const OF_TRANSACTIONS_IF_SET: [&str; 2] = ["TRANSACTION", "CHARACTERISTICS"];
const SCOPES: [&str; 3] = ["SESSION", "LOCAL", "GLOBAL"];
/// Statements of MariaDB that hold others, of any kind, as `SET STATEMENT` does.
const WRAPPING: [&str; 7] = ["EXECUTE", "IF", "CASE", "LOOP", "REPEAT", "WHILE", "FOR"];
/// What the parameters of a call can't be for, or what is for another database or file.
const ELSEWHERE: [&str; 6] = ["COPY", "LOAD", "USE", "ATTACH", "DETACH", "VACUUM"];
const READING: [&str; 8] = ["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"];
const WRITING: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"];
/// Also in a statement that reads these leave something behind in its session.
const TRACES: [&str; 5] = ["set_config", "advisory", "get_lock", "temp", "@"];

/// One statement with its parameters, as it is given to a connection.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
    /// The session has to be reset before others get it.
    pub(crate) leaves_traces: bool,
}

impl Job {
    pub(crate) fn new(
        engine: Engine,
        read_only: bool,
        sql: &str,
        params: Vec<Value>,
    ) -> Result<Self, SqlError> {
        let refused = |text: String| Err(ErrorKind::InvalidStatement { text }.undone());
        if sql.len() > STATEMENT_BYTES_MAX {
            return refused(format!("it has {} bytes; allowed is {STATEMENT_BYTES_MAX}", sql.len()));
        }
        if sql.contains('\0') {
            return refused("it has a NUL".to_owned());
        }
        if params.len() > PARAMETERS_MAX {
            return refused(format!("it has {} parameters; allowed is {PARAMETERS_MAX}", params.len()));
        }
        let mut words = Words::new(engine, sql);
        let word = words.first();
        let is = |words: &[&str]| words.contains(&word.as_str());
        if word.is_empty() {
            return refused("it begins with no word, or with a comment that may be executed".to_owned());
        }
        let set = if word == "SET" { subject(&mut words) } else { String::new() };
        if is(&OF_TRANSACTIONS) || OF_TRANSACTIONS_IF_SET.contains(&set.as_str()) {
            let all = format!("{word} {set}");
            let all = all.trim_end();
            return refused(format!("{all} is not for statements: transactions begin and end by calls"));
        }
        let is_wrapping = is(&WRAPPING) || set == "STATEMENT";
        if is(&ELSEWHERE) || (engine == Engine::Mysql && is_wrapping) {
            return refused(format!("{word} is not permitted by this bus"));
        }
        if read_only && !is(&READING) && !(engine == Engine::Sqlite && word == "PRAGMA") {
            let text = format!("{} are allowed, not {word:?}", READING.join(", "));
            return Err(ErrorKind::ReadOnly { text }.undone());
        }
        let is_plain = is(&READING) || is(&WRITING);
        let leaves_traces = engine != Engine::Sqlite && (!is_plain || has_traces(sql));
        Ok(Self { sql: sql.to_owned(), params, leaves_traces })
    }
}

/// What is set, past its scope.
fn subject(words: &mut Words<'_>) -> String {
    let word = words.next();
    if SCOPES.contains(&word.as_str()) { words.next() } else { word }
}

fn has_traces(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    TRACES.iter().any(|trace| {
        let trace = trace.as_bytes();
        bytes.windows(trace.len()).any(|window| window.eq_ignore_ascii_case(trace))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(engine: Engine, read_only: bool, sql: &str) -> Result<Job, &'static str> {
        Job::new(engine, read_only, sql, Vec::new()).map_err(|error| error.kind.code())
    }

    #[test]
    fn transactions_are_not_for_statements() {
        for sql in [
            "BEGIN",
            "/* x */ commit",
            "Start Transaction",
            "ROLLBACK TO a",
            "END;",
            "abort",
            "xa start 'x'",
            "PREPARE TRANSACTION 'x'",
            "set /**/ transaction read write",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "SET GLOBAL TRANSACTION READ WRITE",
        ] {
            for engine in Engine::ALL {
                let error = Job::new(engine, false, sql, Vec::new()).unwrap_err();
                assert_eq!(error.kind.code(), "invalid-statement", "{sql}");
                assert!(error.to_string().contains("transactions begin and end by calls"), "{error}");
            }
        }
        for sql in ["SET STATEMENT max_statement_time = 1 FOR COMMIT", "EXECUTE IMMEDIATE 'COMMIT'"] {
            assert_eq!(job(Engine::Mysql, false, sql).unwrap_err(), "invalid-statement", "{sql}");
        }
        assert!(job(Engine::Postgres, false, "SET LOCAL search_path TO a").is_ok());
        assert_eq!(job(Engine::Mysql, false, "USE other").unwrap_err(), "invalid-statement");
        assert_eq!(job(Engine::Sqlite, false, "attach 'x' as y").unwrap_err(), "invalid-statement");
        assert_eq!(job(Engine::Sqlite, false, "SELECT '\0'").unwrap_err(), "invalid-statement");
    }

    #[test]
    fn what_can_not_be_told_is_refused() {
        for sql in ["", "/* open", "-- only", "/*! BEGIN */", "/* a */ 'x'"] {
            for engine in Engine::ALL {
                assert_eq!(job(engine, false, sql).unwrap_err(), "invalid-statement", "{engine:?} {sql}");
                assert_eq!(job(engine, true, sql).unwrap_err(), "invalid-statement", "{engine:?} {sql}");
            }
        }
        assert_eq!(job(Engine::Mysql, false, "/*!50000 COMMIT */").unwrap_err(), "invalid-statement");
    }

    #[test]
    fn for_reading_is_what_reads() {
        for sql in ["SELECT 1", "with a as (select 1) select * from a", "SHOW TABLES", "(SELECT 1)"] {
            assert!(job(Engine::Mysql, true, sql).is_ok(), "{sql}");
        }
        for sql in ["INSERT INTO a VALUES (1)", "SET x = 1", "CALL p()", "DO 1", "CREATE TABLE a (b int)"] {
            assert_eq!(job(Engine::Mysql, true, sql).unwrap_err(), "read-only", "{sql}");
        }
    }

    #[test]
    fn what_leaves_traces_is_known() {
        for sql in ["SELECT 1", "INSERT INTO a VALUES ($1)", "delete from a"] {
            assert!(!job(Engine::Postgres, false, sql).unwrap().leaves_traces, "{sql}");
        }
        for sql in
            ["SET x = 1", "SELECT Set_Config('a', 'b', false)", "LISTEN a", "CREATE TEMP TABLE a (b int)"]
        {
            assert!(job(Engine::Postgres, false, sql).unwrap().leaves_traces, "{sql}");
        }
        assert!(job(Engine::Mysql, false, "SELECT @a := 1").unwrap().leaves_traces);
    }
}
