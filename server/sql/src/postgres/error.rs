//! What PostgreSQL says of a failure, without what it says of values.

use std::error::Error as _;

use tokio_postgres::{Error, error::DbError};

use crate::{
    ErrorKind, SqlError,
    message::{bounded, without_quoted},
    tls,
};

/// Of a statement.
pub(super) fn of(error: &Error) -> SqlError {
    match error.as_db_error() {
        Some(said) => {
            let kind = kind(said);
            let maybe_processed = matches!(kind, ErrorKind::ConnectionLost { .. });
            SqlError { kind, maybe_processed, sqlstate: Some(said.code().code().to_owned()) }
        }
        None => ErrorKind::ConnectionLost { text: explain(error) }.maybe(),
    }
}

fn kind(said: &DbError) -> ErrorKind {
    let text = bounded(said.message());
    let code = said.code().code();
    match code {
        "57014" if said.message().contains("timeout") => {
            ErrorKind::StatementTimeout { bound: std::time::Duration::ZERO }
        }
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => ErrorKind::ConnectionLost { text },
        "53300" => ErrorKind::Busy { text },
        "42501" => ErrorKind::Denied { text },
        "25006" => ErrorKind::ReadOnly { text },
        "55P03" => ErrorKind::Conflict { text },
        _ => match code.get(..2).unwrap_or_default() {
            "08" => ErrorKind::ConnectionLost { text },
            "22" => {
                ErrorKind::InvalidParameter { number: number(said), text: without_quoted(said.message()) }
            }
            "23" => {
                ErrorKind::Constraint { name: said.constraint().map(str::to_owned), text: constraint(said) }
            }
            "40" => ErrorKind::Conflict { text },
            "0A" | "25" | "26" | "34" | "42" | "2B" | "3F" => ErrorKind::InvalidStatement { text },
            _ => ErrorKind::Other { text },
        },
    }
}

/// The name of a constraint is not quoted from a value.
fn constraint(said: &DbError) -> String {
    bounded(said.message())
}

/// Where a value was read: `unnamed portal parameter $2 = …`.
fn number(said: &DbError) -> Option<usize> {
    let digits = said.where_()?.split("parameter $").nth(1)?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// A statement was prepared before a table that it names was changed.
pub(super) fn is_of_old_plan(error: &SqlError) -> bool {
    error.sqlstate.as_deref() == Some("0A000") && error.to_string().contains("cached plan")
}

pub(super) fn of_connecting(error: &Error) -> SqlError {
    if let Some(said) = error.as_db_error() {
        let text = bounded(said.message());
        let code = said.code().code();
        let kind = match code {
            "53300" => ErrorKind::Busy { text },
            _ if code.starts_with("28") || code == "3D000" || code == "42501" => {
                ErrorKind::LoginRefused { text }
            }
            _ => ErrorKind::Unreachable { text },
        };
        return kind.undone().with_state(code);
    }
    let text = explain(error);
    let said = error.to_string();
    if said.contains("TLS") {
        ErrorKind::Tls { text }.undone()
    } else if said.contains("authentication") || said.contains("password") {
        ErrorKind::LoginRefused { text }.undone()
    } else {
        ErrorKind::Unreachable { text }.undone()
    }
}

/// With its causes.
pub(super) fn explain(error: &Error) -> String {
    if let Some(text) = error.source().and_then(tls::explain) {
        return text;
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    bounded(&text)
}
