//! What SQL statements are called with, and what they give.

/// A value of a database, or a parameter for one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Every digit kept; integers beyond 64 bits with a sign, too.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// `2026-11-30`
    Date(String),
    /// `14:05:09.25`
    Time(String),
    /// `2026-11-30T14:05:09.25`, with `Z` where the type has a time zone.
    Timestamp(String),
    Uuid(String),
    Json(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The database's own name of the type.
    pub kind: String,
}

/// In each row as many values as there are columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
}

/// What of its database a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    pub read_only: bool,
    /// `None`: the database's default.
    pub isolation: Option<Isolation>,
}
