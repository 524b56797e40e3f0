//! What SQLite says of a failure.

use rusqlite::{Error, ErrorCode};

use crate::{ErrorKind, SqlError, message::bounded};

/// Of a statement. What fails has done nothing.
pub(super) fn of(error: &Error) -> SqlError {
    kind(error).undone()
}

fn kind(error: &Error) -> ErrorKind {
    let text = text(error);
    let Some(code) = error.sqlite_error_code() else {
        return ErrorKind::InvalidStatement { text };
    };
    match code {
        ErrorCode::ConstraintViolation => {
            let name = text.split_once(": ").map(|(_, name)| name.to_owned());
            ErrorKind::Constraint { name, text }
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Conflict { text },
        ErrorCode::OperationInterrupted => ErrorKind::StatementTimeout { bound: std::time::Duration::ZERO },
        ErrorCode::ReadOnly => ErrorKind::ReadOnly { text },
        ErrorCode::AuthorizationForStatementDenied | ErrorCode::PermissionDenied => {
            ErrorKind::Denied { text }
        }
        ErrorCode::TooBig => ErrorKind::TooLarge { bytes_max: 0 },
        ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange => {
            ErrorKind::InvalidParameter { number: None, text }
        }
        ErrorCode::Unknown | ErrorCode::SchemaChanged => ErrorKind::InvalidStatement { text },
        _ => ErrorKind::Other { text },
    }
}

pub(super) fn of_opening(error: &Error) -> SqlError {
    ErrorKind::Unreachable { text: text(error) }.undone()
}

fn text(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(text)) => bounded(text),
        Error::SqlInputError { msg, .. } => bounded(msg),
        Error::MultipleStatement => "one statement is allowed, and more are given".to_owned(),
        other => bounded(&other.to_string()),
    }
}
