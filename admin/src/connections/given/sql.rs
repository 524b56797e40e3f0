//! What is given of a connection of kind sql.

use std::fmt;

use busbar_model::{
    bounds::{
        SQL_BYTES_MAX, SQL_BYTES_MIN, SQL_CONNECTIONS_MAX, SQL_MILLISECONDS_MAX, SQL_NAME_CHARS_MAX,
        SQL_PATH_BYTES_MAX, SQL_ROWS_MAX,
    },
    connection::{
        Sql, amqp,
        sql::{Engine, Pool},
    },
    fault::FieldError,
};
use busbar_store::Plaintext;
use serde::Deserialize;

use super::{Given, Refuse, hidden, small, tls};
use crate::{
    check::{Check, shown},
    member::{Hidden, Member, Object, Whole},
    problem::Problem,
};

const ENGINES_ALLOWED: &str = "allowed is postgres, mysql or sqlite";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    #[serde(default)]
    engine: Member<String>,
    #[serde(default)]
    host: Member<String>,
    #[serde(default)]
    port: Member<Whole>,
    #[serde(default)]
    database: Member<String>,
    #[serde(default)]
    username: Member<String>,
    #[serde(default)]
    password: Member<Hidden>,
    #[serde(default)]
    tls: Member<Object<tls::Body>>,
    #[serde(default)]
    file: Member<String>,
    #[serde(default)]
    read_only: Member<bool>,
    #[serde(default)]
    pool: Member<Object<PoolBody>>,
    #[serde(default)]
    statement_ms: Member<Whole>,
    #[serde(default)]
    rows_max: Member<Whole>,
    #[serde(default)]
    bytes_max: Member<Whole>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolBody {
    #[serde(default)]
    max: Member<Whole>,
    #[serde(default)]
    idle_ms: Member<Whole>,
    #[serde(default)]
    wait_ms: Member<Whole>,
    #[serde(default)]
    connect_ms: Member<Whole>,
}

/// A checked change: `None` leaves a member as it is.
pub(super) struct Edit {
    host: Option<String>,
    /// The inner `None`: the one that is registered.
    port: Option<Option<u16>>,
    database: Option<String>,
    username: Option<String>,
    password: Option<Plaintext>,
    /// The inner `None`: in the clear.
    tls: Option<Option<tls::Edit>>,
    file: Option<String>,
    read_only: Option<bool>,
    pool: PoolEdit,
    statement_ms: Option<u64>,
    rows_max: Option<u64>,
    bytes_max: Option<u64>,
}

struct PoolEdit {
    max: Option<u32>,
    idle_ms: Option<u64>,
    wait_ms: Option<u64>,
    connect_ms: Option<u64>,
}

impl Body {
    pub(super) fn into_new(mut self, check: &mut Check) -> Result<Sql<Given>, Problem> {
        let given = std::mem::take(&mut self.engine).given();
        let engine = check.some("/engine", given, &format!("is required; {ENGINES_ALLOWED}"));
        let engine = engine.and_then(|text| {
            let known = Engine::ALL.into_iter().find(|engine| engine.as_str() == text);
            check.ok("/engine", known.ok_or_else(|| format!("is {:?}; {ENGINES_ALLOWED}", shown(&text))))
        });
        let edit = self.into_edit(check);
        tls::refuse_bare_key(edit.tls.as_ref(), check);
        let engine = engine.unwrap_or(Engine::Postgres);
        let bare = Sql { engine, port: engine.port(), file: None, ..Sql::file(String::new()) };
        if check.has("") { Ok(bare) } else { edit.apply(bare, |_, errors| Problem::invalid(errors)) }
    }

    pub(super) fn into_edit(self, check: &mut Check) -> Edit {
        if !self.engine.is_absent() {
            check.refuse("/engine", "is of new connections only");
        }
        let default = Sql::<()>::file(String::new());
        let within = |least, most| move |given: Whole| given.within(least, most);
        let port = |given| small(u16::MAX)(given).map(Some);
        Edit {
            host: self.host.checked(check, "/host", None, amqp::host),
            port: self.port.checked(check, "/port", Some(None), port),
            database: self.database.checked(check, "/database", None, database),
            username: self.username.checked(check, "/username", None, amqp::username),
            password: hidden(self.password, check, "/password", amqp::password),
            tls: tls::checked(self.tls, check),
            file: self.file.checked(check, "/file", None, file),
            read_only: self.read_only.checked(check, "/read_only", Some(false), Ok::<_, fmt::Error>),
            pool: match self.pool {
                Member::Absent => PoolBody::default().checked(check),
                Member::Null => PoolEdit::reset(),
                Member::Given(Object(pool)) => pool.checked(check),
            },
            statement_ms: self.statement_ms.checked(
                check,
                "/statement_ms",
                Some(default.statement_ms),
                within(1, SQL_MILLISECONDS_MAX),
            ),
            rows_max: self.rows_max.checked(
                check,
                "/rows_max",
                Some(default.rows_max),
                within(1, SQL_ROWS_MAX),
            ),
            bytes_max: self.bytes_max.checked(
                check,
                "/bytes_max",
                Some(default.bytes_max),
                within(SQL_BYTES_MIN, SQL_BYTES_MAX),
            ),
        }
    }
}

impl PoolBody {
    fn checked(self, check: &mut Check) -> PoolEdit {
        let default = Pool::default();
        let time = |least| move |given: Whole| given.within(least, SQL_MILLISECONDS_MAX);
        let count = |given: Whole| {
            let within = given.within(1, SQL_CONNECTIONS_MAX.into())?;
            u32::try_from(within).map_err(|error| error.to_string())
        };
        PoolEdit {
            max: self.max.checked(check, "/pool/max", Some(default.max), count),
            idle_ms: self.idle_ms.checked(check, "/pool/idle_ms", Some(default.idle_ms), time(1)),
            wait_ms: self.wait_ms.checked(check, "/pool/wait_ms", Some(default.wait_ms), time(0)),
            connect_ms: self.connect_ms.checked(check, "/pool/connect_ms", Some(default.connect_ms), time(1)),
        }
    }
}

impl PoolEdit {
    fn reset() -> Self {
        let Pool { max, idle_ms, wait_ms, connect_ms } = Pool::default();
        let (max, idle_ms, wait_ms, connect_ms) = (Some(max), Some(idle_ms), Some(wait_ms), Some(connect_ms));
        Self { max, idle_ms, wait_ms, connect_ms }
    }

    fn apply(&self, before: &Pool) -> Pool {
        Pool {
            max: self.max.unwrap_or(before.max),
            idle_ms: self.idle_ms.unwrap_or(before.idle_ms),
            wait_ms: self.wait_ms.unwrap_or(before.wait_ms),
            connect_ms: self.connect_ms.unwrap_or(before.connect_ms),
        }
    }
}

impl Edit {
    /// Refuses what does not go with the engine.
    pub(super) fn apply(&self, before: Sql<Given>, refuse: Refuse) -> Result<Sql<Given>, Problem> {
        let tls = match &self.tls {
            None => before.tls,
            Some(None) => None,
            Some(Some(edit)) => Some(edit.apply(before.tls.unwrap_or_default())?),
        };
        let had_password = before.password.is_some();
        let given = self.password.clone();
        let port = self.port.map(|port| port.or(before.engine.port()));
        let sql = Sql {
            engine: before.engine,
            host: self.host.clone().or(before.host),
            port: port.unwrap_or(before.port),
            database: self.database.clone().or(before.database),
            username: self.username.clone().or(before.username),
            password: (had_password || given.is_some()).then_some(given),
            tls,
            file: self.file.clone().or(before.file),
            read_only: self.read_only.unwrap_or(before.read_only),
            pool: self.pool.apply(&before.pool),
            statement_ms: self.statement_ms.unwrap_or(before.statement_ms),
            rows_max: self.rows_max.unwrap_or(before.rows_max),
            bytes_max: self.bytes_max.unwrap_or(before.bytes_max),
        };
        match sql.check() {
            Ok(()) => Ok(sql),
            Err(refused) => {
                let field = |invalid: &busbar_model::connection::sql::Invalid| FieldError {
                    path: format!("/{}", invalid.member.replace('.', "/")),
                    message: invalid.text.clone(),
                };
                Err(refuse("unfit-engine", refused.0.iter().map(field).collect()))
            }
        }
    }
}

fn database(text: String) -> Result<String, String> {
    let fits =
        (1..=SQL_NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let wanted = format!("1 to {SQL_NAME_CHARS_MAX} characters without control characters");
    if fits { Ok(text) } else { Err(format!("{:?} is not a database: {wanted}", shown(&text))) }
}

fn file(text: String) -> Result<String, String> {
    let fits = text.starts_with('/') && text.len() <= SQL_PATH_BYTES_MAX && !text.contains('\0');
    let wanted = format!("an absolute path of at most {SQL_PATH_BYTES_MAX} bytes is needed");
    if fits { Ok(text) } else { Err(format!("is {:?}: {wanted}", shown(&text))) }
}
