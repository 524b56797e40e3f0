//! What kind of statement a text is, by its first word. It decides what is refused and what a connection must forget
//! before others get it; what a statement may do is the database's to say.

use busbar_model::connection::sql::Engine;

use crate::{
    ErrorKind, SqlError,
    bounds::{PARAMETERS_MAX, STATEMENT_BYTES_MAX},
    value::Value,
};

/// A transaction begins and ends by calls, so that it is known who has one.
const OF_TRANSACTIONS: [&str; 10] =
    ["BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "ABORT", "XA", "PREPARE"];
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
        let word = first_word(sql).to_ascii_uppercase();
        let is = |words: &[&str]| words.contains(&word.as_str());
        if is(&OF_TRANSACTIONS) {
            return refused(format!("{word} is not for statements: transactions begin and end by calls"));
        }
        if is(&ELSEWHERE) {
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

fn has_traces(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    TRACES.iter().any(|trace| {
        let trace = trace.as_bytes();
        bytes.windows(trace.len()).any(|window| window.eq_ignore_ascii_case(trace))
    })
}

/// Past space, comments and opening parentheses. What MySQL executes of comments is none, and no word.
fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest =
            rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';' || c == '\u{feff}');
        let after = if rest.starts_with("--") || rest.starts_with('#') {
            rest.find('\n').map(|end| &rest[end..])
        } else if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") {
            comment_end(rest).map(|end| &rest[end..])
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            return &rest[..end];
        };
        match after {
            Some(after) => rest = after,
            None => return "",
        }
    }
}

/// PostgreSQL's comments nest and others' do not: where one begins within another, no word is found.
fn comment_end(text: &str) -> Option<usize> {
    let end = text.find("*/")?;
    let nested = text.get(2..end)?.contains("/*");
    (!nested).then_some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(engine: Engine, read_only: bool, sql: &str) -> Result<Job, &'static str> {
        Job::new(engine, read_only, sql, Vec::new()).map_err(|error| error.kind.code())
    }

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for (sql, word) in [
            ("select 1", "select"),
            ("  -- x\n /* a */ ((SELECT 1)", "SELECT"),
            ("# x\nDELETE", "DELETE"),
            ("/*! SET x=1 */", ""),
            ("/*M!100000 SET x=1 */", ""),
            ("/* a /* b */ SELECT */ SET x", ""),
            ("/* open", ""),
            ("-- only", ""),
            ("", ""),
        ] {
            assert_eq!(first_word(sql), word, "{sql:?}");
        }
    }

    #[test]
    fn transactions_are_not_for_statements() {
        for sql in ["BEGIN", "/* x */ commit", "Start Transaction", "ROLLBACK TO a", "END;", "xa start 'x'"] {
            for engine in Engine::ALL {
                assert_eq!(job(engine, false, sql).unwrap_err(), "invalid-statement", "{sql}");
            }
        }
        assert_eq!(job(Engine::Mysql, false, "USE other").unwrap_err(), "invalid-statement");
        assert_eq!(job(Engine::Sqlite, false, "attach 'x' as y").unwrap_err(), "invalid-statement");
        assert_eq!(job(Engine::Sqlite, false, "SELECT '\0'").unwrap_err(), "invalid-statement");
    }

    #[test]
    fn for_reading_is_what_reads() {
        for sql in ["SELECT 1", "with a as (select 1) select * from a", "SHOW TABLES", "(SELECT 1)"] {
            assert!(job(Engine::Mysql, true, sql).is_ok(), "{sql}");
        }
        for sql in [
            "INSERT INTO a VALUES (1)",
            "SET x = 1",
            "CALL p()",
            "DO 1",
            "/*! SET x=1 */",
            "CREATE TABLE a (b int)",
        ] {
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
