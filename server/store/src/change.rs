//! The change log and the audit trail: every change of a definition is numbered and accounted for.

use std::{fmt, str::FromStr};

use busbar_model::{Timestamp, bounds};
use diesel::prelude::*;
use serde_json::Value;

use crate::{
    connection::AnyConnection,
    error::Error,
    meta,
    odb::Odb,
    page::{Page, Paged},
    schema::{audit_entry, change_log},
};

/// Who changes something, and when.
#[derive(Clone, Debug)]
pub struct By {
    pub actor: String,
    pub correlation_id: Option<String>,
    pub now: Timestamp,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("{text:?} is not one of {}", [$($text,)*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// What a change is about.
    ObjectKind {
        Plugin = "plugin",
        Service = "service",
        Channel = "channel",
        Security = "security",
        Secret = "secret",
        Connection = "connection",
        Dictionary = "dictionary",
        Delivery = "delivery",
        Deployment = "deployment",
        Calendar = "calendar",
        Job = "job",
        Server = "server",
        Balancer = "balancer",
        Authority = "authority",
        Member = "member",
        JoinToken = "join-token",
    }
}

words! {
    /// What was done.
    Action {
        Create = "create",
        Update = "update",
        Delete = "delete",
        Deploy = "deploy",
        Activate = "activate",
        Rollback = "rollback",
        Recall = "recall",
        Quarantine = "quarantine",
        Release = "release",
        Retry = "retry",
        Discard = "discard",
        Pause = "pause",
        Resume = "resume",
        Drain = "drain",
        Run = "run",
    }
}

/// A line of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub number: i64,
    pub object_kind: ObjectKind,
    pub object_id: String,
    pub object_name: String,
}

/// A line of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// That of the change.
    pub number: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: Action,
    pub object_kind: ObjectKind,
    pub object_id: String,
    pub object_name: String,
    /// The object's definition without secrets or their hashes; `None` where it did not exist.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub correlation_id: Option<String>,
}

/// What one transaction did to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub action: Action,
    pub object_kind: ObjectKind,
    pub object_name: String,
    /// As in the audit trail.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Which entries of the audit trail a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub kind: Option<ObjectKind>,
    pub name: Option<String>,
    pub action: Option<Action>,
    pub correlation_id: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// An object as the change log names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    pub(crate) kind: ObjectKind,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
}

#[derive(Debug)]
struct Recorded {
    action: Action,
    kind: ObjectKind,
    id: String,
    name: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// Collects the changes of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Vec<Recorded>);

#[derive(Insertable)]
#[diesel(table_name = change_log)]
struct NewChange<'a> {
    number: i64,
    object_kind: &'a str,
    object_id: &'a str,
    object_name: &'a str,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_entry, treat_none_as_default_value = false)]
struct AuditRow {
    number: i64,
    at_us: i64,
    actor: String,
    action: String,
    object_kind: String,
    object_id: String,
    object_name: String,
    before_json: Option<String>,
    after_json: Option<String>,
    correlation_id: Option<String>,
}

impl Recorder {
    pub(crate) fn record(
        &mut self,
        action: Action,
        object: Object<'_>,
        before: Option<Value>,
        after: Option<Value>,
    ) {
        let Object { kind, id, name } = object;
        self.0.push(Recorded { action, kind, id: id.to_owned(), name: name.to_owned(), before, after });
    }

    /// What was recorded so far.
    pub(crate) fn edits(&self) -> Vec<Edit> {
        let edit = |recorded: &Recorded| Edit {
            action: recorded.action,
            object_kind: recorded.kind,
            object_name: recorded.name.clone(),
            before: recorded.before.clone(),
            after: recorded.after.clone(),
        };
        self.0.iter().map(edit).collect()
    }

    /// Numbers and stores what was recorded; the last thing before the commit.
    pub(crate) fn write(self, connection: &mut AnyConnection, by: &By) -> Result<(), Error> {
        let count = i64::try_from(self.0.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(());
        }
        let first = meta::take_changes(connection, count)?;
        for (number, recorded) in (first..).zip(self.0) {
            diesel::insert_into(change_log::table)
                .values(NewChange {
                    number,
                    object_kind: recorded.kind.as_str(),
                    object_id: &recorded.id,
                    object_name: &recorded.name,
                })
                .execute(connection)?;
            let row = AuditRow {
                number,
                at_us: by.now.0,
                actor: by.actor.clone(),
                action: recorded.action.to_string(),
                object_kind: recorded.kind.to_string(),
                object_id: recorded.id,
                object_name: recorded.name,
                before_json: recorded.before.map(|value| value.to_string()),
                after_json: recorded.after.map(|value| value.to_string()),
                correlation_id: by.correlation_id.clone(),
            };
            diesel::insert_into(audit_entry::table).values(row).execute(connection)?;
        }
        Ok(())
    }
}

impl AuditRow {
    fn into_entry(self) -> Result<AuditEntry, Error> {
        let name = self.number.to_string();
        let json = |text: Option<String>| {
            let value = text.as_deref().map(serde_json::from_str::<Value>).transpose();
            value.map_err(Error::corrupt("audit entry", &name))
        };
        Ok(AuditEntry {
            number: self.number,
            at: Timestamp(self.at_us),
            actor: self.actor,
            action: self.action.parse().map_err(Error::corrupt::<String>("audit entry", &name))?,
            object_kind: self.object_kind.parse().map_err(Error::corrupt::<String>("audit entry", &name))?,
            object_id: self.object_id,
            object_name: self.object_name,
            before: json(self.before_json)?,
            after: json(self.after_json)?,
            correlation_id: self.correlation_id,
        })
    }
}

impl Odb {
    /// Changes numbered above `number`, in order, `limit` at most.
    pub fn changes_after(&self, number: i64, limit: u32) -> Result<Vec<Change>, Error> {
        let rows = change_log::table
            .filter(change_log::number.gt(number))
            .order(change_log::number.asc())
            .limit(i64::from(limit))
            .load::<(i64, String, String, String)>(&mut *self.connection()?)?;
        rows.into_iter()
            .map(|(number, kind, object_id, object_name)| {
                let object_kind =
                    kind.parse().map_err(Error::corrupt::<String>("change", &number.to_string()))?;
                Ok(Change { number, object_kind, object_id, object_name })
            })
            .collect()
    }

    /// The audit trail, newest first; its cursor is a change's number.
    pub fn audit(&self, page: &Page, filter: &AuditFilter) -> Result<Paged<AuditEntry>, Error> {
        let before = match &page.before {
            Some(text) => cursor(text).ok_or_else(|| Error::InvalidCursor(cursor_shown(text)))?,
            None => i64::MAX,
        };
        let mut query = audit_entry::table
            .filter(audit_entry::number.lt(before))
            .order(audit_entry::number.desc())
            .limit(page.rows())
            .select(AuditRow::as_select())
            .into_boxed();
        if let Some(actor) = &filter.actor {
            query = query.filter(audit_entry::actor.eq(actor));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(audit_entry::object_kind.eq(kind.as_str()));
        }
        if let Some(name) = &filter.name {
            query = query.filter(audit_entry::object_name.eq(name));
        }
        if let Some(action) = filter.action {
            query = query.filter(audit_entry::action.eq(action.as_str()));
        }
        if let Some(correlation_id) = &filter.correlation_id {
            query = query.filter(audit_entry::correlation_id.eq(correlation_id));
        }
        if let Some(since) = filter.since {
            query = query.filter(audit_entry::at_us.ge(since.0));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_entry::at_us.lt(until.0));
        }
        let rows = query.load(&mut *self.connection()?)?;
        page.cut(rows, |row| row.number.to_string(), AuditRow::into_entry)
    }
}

/// A number as a page's `next` gave it.
fn cursor(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn cursor_shown(text: &str) -> String {
    text.chars().take(bounds::NAME_CHARS_MAX).collect()
}
