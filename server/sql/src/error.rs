//! Why a statement came to nothing, and whether the database may have done it all the same.

use std::time::Duration;

/// Holds no parameter, no value of a row and no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SqlError {
    pub kind: ErrorKind,
    /// The statement was sent, and nobody said that it failed.
    pub maybe_processed: bool,
    /// As the database said it.
    pub sqlstate: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    #[error("no connection to the database: {text}")]
    Unreachable { text: String },
    #[error("no TLS with the database: {text}")]
    Tls { text: String },
    #[error("the database refuses the login: {text}")]
    LoginRefused { text: String },
    #[error("no connection is free: {text}")]
    Busy { text: String },
    #[error("the statement took longer than {} ms", bound.as_millis())]
    StatementTimeout { bound: Duration },
    #[error("the statement can't be: {text}")]
    InvalidStatement { text: String },
    /// `number` counts from 1; `None` where the database does not say which.
    #[error("{}{text}", parameter(*number))]
    InvalidParameter { number: Option<usize>, text: String },
    #[error("{text}")]
    Constraint { name: Option<String>, text: String },
    /// Another transaction was in the way: all of this one may be tried again.
    #[error("another transaction is in the way: {text}")]
    Conflict { text: String },
    #[error("the result has more than {rows_max} rows")]
    TooManyRows { rows_max: u64 },
    #[error("the result takes more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("column {column:?} is of the type {type_name:?}: cast it to text")]
    UnsupportedType { column: String, type_name: String },
    #[error("this connection is for reading only: {text}")]
    ReadOnly { text: String },
    #[error("the connection was lost: {text}")]
    ConnectionLost { text: String },
    #[error("the database does not permit it: {text}")]
    Denied { text: String },
    #[error("{text}")]
    Other { text: String },
}

fn parameter(number: Option<usize>) -> String {
    number.map_or_else(|| "a parameter does not fit: ".to_owned(), |number| format!("parameter {number} "))
}

/// Codes of kinds, in the order of [`ErrorKind::place`].
pub(crate) const CODES: [&str; 16] = [
    "unreachable",
    "tls",
    "login-refused",
    "busy",
    "statement-timeout",
    "invalid-statement",
    "invalid-parameter",
    "constraint",
    "conflict",
    "too-many-rows",
    "too-large",
    "unsupported-type",
    "read-only",
    "connection-lost",
    "denied",
    "other",
];

impl ErrorKind {
    /// Stable, for faults and statistics.
    pub fn code(&self) -> &'static str {
        CODES[self.place()]
    }

    pub(crate) fn place(&self) -> usize {
        match self {
            Self::Unreachable { .. } => 0,
            Self::Tls { .. } => 1,
            Self::LoginRefused { .. } => 2,
            Self::Busy { .. } => 3,
            Self::StatementTimeout { .. } => 4,
            Self::InvalidStatement { .. } => 5,
            Self::InvalidParameter { .. } => 6,
            Self::Constraint { .. } => 7,
            Self::Conflict { .. } => 8,
            Self::TooManyRows { .. } => 9,
            Self::TooLarge { .. } => 10,
            Self::UnsupportedType { .. } => 11,
            Self::ReadOnly { .. } => 12,
            Self::ConnectionLost { .. } => 13,
            Self::Denied { .. } => 14,
            Self::Other { .. } => 15,
        }
    }

    /// The database did nothing of the statement.
    pub(crate) fn undone(self) -> SqlError {
        SqlError { kind: self, maybe_processed: false, sqlstate: None }
    }

    pub(crate) fn maybe(self) -> SqlError {
        SqlError { kind: self, maybe_processed: true, sqlstate: None }
    }
}

impl SqlError {
    /// Of a connection that was gone before anything of a statement was sent.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self.kind, ErrorKind::ConnectionLost { .. }) && !self.maybe_processed
    }

    pub(crate) fn is_loss(&self) -> bool {
        matches!(self.kind, ErrorKind::ConnectionLost { .. })
    }

    pub(crate) fn with_state(mut self, sqlstate: impl Into<String>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }
}

pub(crate) fn lost(error: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::ConnectionLost { text: error.to_string() }
}

pub(crate) fn misfit(number: usize, kind: &str, wanted: &str) -> SqlError {
    let text = format!("is {kind}; the statement wants {wanted}");
    ErrorKind::InvalidParameter { number: Some(number), text }.undone()
}
