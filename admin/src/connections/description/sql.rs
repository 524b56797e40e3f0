//! Connections of kind sql.

use busbar_model::{
    bounds::{
        SQL_BYTES_MAX, SQL_BYTES_MIN, SQL_CONNECTIONS_MAX, SQL_MILLISECONDS_MAX, SQL_NAME_CHARS_MAX,
        SQL_PATH_BYTES_MAX, SQL_ROWS_MAX,
    },
    connection::sql::{Engine, KIND},
};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema, Type};

use super::{
    Members, Style,
    text::{hidden, host, null, password, text, username},
    tls,
};
use crate::describe::{self, members, nullable, whole};

/// A file's path, of characters of one byte.
const PATH: &str = "^/[ -~]*$";

/// By a server, or by a file.
pub(super) fn new() -> Vec<Members> {
    vec![
        common(Style::Given)
            .required("engine", describe::one_of(["postgres", "mysql"]))
            .required("host", host())
            .with("port", Style::Given.of(whole(1, u64::from(u16::MAX)).into()))
            .required("database", database())
            .required("username", username())
            .required("password", hidden(password()))
            .with("tls", nullable(tls::new())),
        common(Style::Given)
            .required("engine", describe::one_of(["sqlite"]))
            .required("file", file())
            .with("port", null())
            .with("tls", null()),
    ]
}

pub(super) fn patch() -> Members {
    common(Style::Given)
        .with("host", host())
        .with("port", Style::Given.of(whole(1, u64::from(u16::MAX)).into()))
        .with("database", database())
        .with("username", username())
        .with("password", hidden(password()))
        .with("tls", nullable(tls::patch()))
        .with("file", file())
}

pub(super) fn described() -> Vec<Members> {
    vec![
        common(Style::Written)
            .required("engine", describe::one_of(["postgres", "mysql"]))
            .required("host", host())
            .with("port", whole(1, u64::from(u16::MAX)).into())
            .required("database", database())
            .required("username", username())
            .with("password", password().into())
            .with("tls", nullable(tls::described())),
        common(Style::Written)
            .required("engine", describe::one_of(["sqlite"]))
            .required("file", file())
            .with("tls", null()),
    ]
}

pub(super) fn shown() -> Members {
    let maybe = || nullable(text().into());
    let shown = Members::of(KIND)
        .required("engine", describe::one_of(Engine::ALL.map(Engine::as_str)))
        .required("host", maybe())
        .required("port", nullable(whole(1, u64::from(u16::MAX)).into()))
        .required("database", maybe())
        .required("username", maybe())
        .required("tls", tls::shown())
        .required("file", maybe());
    limits(Style::Shown).into_iter().fold(shown, |shown, (name, schema)| shown.required(name, schema))
}

fn common(style: Style) -> Members {
    limits(style).into_iter().fold(Members::of(KIND), |common, (name, schema)| common.with(name, schema))
}

fn limits(style: Style) -> [(&'static str, RefOr<Schema>); 5] {
    let number = |least, most| style.of(whole(least, most).into());
    let time = |least| number(least, SQL_MILLISECONDS_MAX);
    let pool = [
        ("max", number(1, SQL_CONNECTIONS_MAX.into())),
        ("idle_ms", time(1)),
        ("wait_ms", time(0)),
        ("connect_ms", time(1)),
    ];
    let object = members(pool).schema_type(Type::Object).description(Some("Of each worker of each server."));
    let pool = style.object(object, &["max", "idle_ms", "wait_ms", "connect_ms"]);
    [
        ("read_only", style.of(describe::switch())),
        ("pool", style.nested(pool)),
        ("statement_ms", time(1)),
        ("rows_max", number(1, SQL_ROWS_MAX)),
        ("bytes_max", number(SQL_BYTES_MIN, SQL_BYTES_MAX)),
    ]
}

fn database() -> RefOr<Schema> {
    let pattern = r"^[^\u0000-\u001F\u007F-\u009F]+$";
    text().pattern(Some(pattern)).max_length(Some(SQL_NAME_CHARS_MAX)).into()
}

fn file() -> RefOr<Schema> {
    text()
        .pattern(Some(PATH))
        .max_length(Some(SQL_PATH_BYTES_MAX))
        .examples([json!("/var/lib/stock.db")])
        .into()
}
