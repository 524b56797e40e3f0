//! Connections of kind sql in a document.

use serde_json::{Value, json};

use super::{read_tls, write_tls};
use crate::{
    configuration::{
        hidden::Hidden,
        members::{Members, flag, parsed, shown, text, whole},
    },
    connection::{
        Sql, amqp,
        sql::{Engine, Pool},
    },
};

pub(super) fn read(members: &mut Members<'_, '_>) -> Option<Sql<Option<Hidden>>> {
    let known = |text: String| match Engine::ALL.into_iter().find(|engine| engine.as_str() == text) {
        Some(engine) => Ok(engine),
        None => Err(format!("is {text:?}; allowed is postgres, mysql or sqlite")),
    };
    let engine = members.required("engine", parsed(known));
    let host = members.optional("host", text);
    let port = members.optional("port", whole(1, u64::from(u16::MAX)));
    let database = members.optional("database", text);
    let username = members.optional("username", text);
    let password = members.optional("password", Hidden::read(amqp::password));
    let tls = members.nested("tls", read_tls);
    let file = members.optional("file", text);
    let read_only = members.or("read_only", false, flag);
    let pool = members.nested("pool", read_pool);
    let default = Sql::<()>::file(String::new());
    let number = |name, default, members: &mut Members<'_, '_>| {
        Some(members.optional(name, whole(0, u64::MAX))?.unwrap_or(default))
    };
    let statement_ms = number("statement_ms", default.statement_ms, members);
    let rows_max = number("rows_max", default.rows_max, members);
    let bytes_max = number("bytes_max", default.bytes_max, members);
    let engine = engine?;
    let is_server = engine != Engine::Sqlite;
    let (password, port) = (password?, port?);
    let sql = Sql {
        engine,
        host: host?,
        port: port.and_then(|port| u16::try_from(port).ok()).or(engine.port()),
        database: database?,
        username: username?,
        password: (is_server || password.is_some()).then_some(password),
        tls: tls?,
        file: file?,
        read_only: read_only?,
        pool: pool?.unwrap_or_default(),
        statement_ms: statement_ms?,
        rows_max: rows_max?,
        bytes_max: bytes_max?,
    };
    match sql.check() {
        Ok(()) => Some(sql),
        Err(refused) => {
            for invalid in refused.0 {
                members.refuse_below(&invalid.member.replace('.', "/"), invalid.text);
            }
            None
        }
    }
}

fn read_pool(members: &mut Members<'_, '_>) -> Option<Pool> {
    let default = Pool::default();
    let max = members.or("max", default.max.into(), whole(0, u32::MAX.into()));
    let idle_ms = members.or("idle_ms", default.idle_ms, whole(0, u64::MAX));
    let wait_ms = members.or("wait_ms", default.wait_ms, whole(0, u64::MAX));
    let connect_ms = members.or("connect_ms", default.connect_ms, whole(0, u64::MAX));
    Some(Pool {
        max: u32::try_from(max?).unwrap_or(default.max),
        idle_ms: idle_ms?,
        wait_ms: wait_ms?,
        connect_ms: connect_ms?,
    })
}

pub(super) fn write(sql: &Sql<Option<Hidden>>) -> Vec<(&'static str, Option<Value>)> {
    let default = Sql::<()>::file(String::new());
    let text = |text: &Option<String>| text.as_deref().map(shown);
    let other = |value: u64, default: u64| (value != default).then(|| json!(value));
    vec![
        ("engine", Some(json!(sql.engine))),
        ("host", text(&sql.host)),
        ("port", sql.port.filter(|port| Some(*port) != sql.engine.port()).map(|port| json!(port))),
        ("database", text(&sql.database)),
        ("username", text(&sql.username)),
        ("password", sql.password.iter().flatten().map(Hidden::write).next()),
        ("tls", sql.tls.as_ref().map(write_tls)),
        ("file", text(&sql.file)),
        ("read_only", sql.read_only.then_some(json!(true))),
        ("pool", pool(&sql.pool)),
        ("statement_ms", other(sql.statement_ms, default.statement_ms)),
        ("rows_max", other(sql.rows_max, default.rows_max)),
        ("bytes_max", other(sql.bytes_max, default.bytes_max)),
    ]
}

fn pool(pool: &Pool) -> Option<Value> {
    let default = Pool::default();
    let members = [
        ("max", u64::from(pool.max), u64::from(default.max)),
        ("idle_ms", pool.idle_ms, default.idle_ms),
        ("wait_ms", pool.wait_ms, default.wait_ms),
        ("connect_ms", pool.connect_ms, default.connect_ms),
    ];
    let other: serde_json::Map<_, _> = members
        .into_iter()
        .filter(|(_, value, default)| value != default)
        .map(|(name, value, _)| (name.to_owned(), json!(value)))
        .collect();
    (!other.is_empty()).then_some(Value::Object(other))
}
