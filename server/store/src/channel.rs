//! Channels.

use busbar_model::{
    Channel, Cors, Name, Soap, Timestamp,
    channel::{Draft, Protocol},
    definitions::address_taken,
    path::PathPattern,
};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    schema::{channel, channel_cors, channel_soap, security},
    security::refuse_unfit_guard,
    soap,
};

const WHAT: &str = "channel";

/// Which channels a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    pub protocol: Option<String>,
    pub path: Option<String>,
    pub service: Option<String>,
    /// By name.
    pub security: Option<String>,
    pub active: Option<bool>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = channel, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    protocol: String,
    path: String,
    methods_json: String,
    service: String,
    security_id: Option<String>,
    active: bool,
    body_bytes_max: i64,
    timeout_ms: i64,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(channel: &Channel, security_id: Option<String>) -> Self {
        Self {
            id: channel.id.clone(),
            name: channel.name.to_string(),
            protocol: channel.protocol.as_str().to_owned(),
            path: channel.path.as_str().to_owned(),
            methods_json: json!(channel.methods).to_string(),
            service: channel.service.to_string(),
            security_id,
            active: channel.active,
            body_bytes_max: i64::try_from(channel.body_bytes_max).unwrap_or(i64::MAX),
            timeout_ms: i64::try_from(channel.timeout_ms).unwrap_or(i64::MAX),
            revision: channel.revision,
            created_us: channel.created_at.0,
            updated_us: channel.updated_at.0,
        }
    }

    fn into_model(self, beside: Beside) -> Result<Channel, Error> {
        let (security, cors, soap) = beside;
        let bad = |error: Source| Error::corrupt(WHAT, &self.id)(error);
        Ok(Channel {
            name: self.name.parse().map_err(|e| bad(Box::new(e)))?,
            protocol: self.protocol.parse::<Protocol>().map_err(|e| bad(e.into()))?,
            path: PathPattern::parse(&self.path).map_err(|e| bad(Box::new(e)))?,
            methods: serde_json::from_str(&self.methods_json).map_err(|e| bad(Box::new(e)))?,
            service: self.service.parse().map_err(|e| bad(Box::new(e)))?,
            security: security.map(|name| name.parse()).transpose().map_err(|e| bad(Box::new(e)))?,
            active: self.active,
            body_bytes_max: u64::try_from(self.body_bytes_max).map_err(|e| bad(Box::new(e)))?,
            timeout_ms: u64::try_from(self.timeout_ms).map_err(|e| bad(Box::new(e)))?,
            cors: cors.map(|json| serde_json::from_str(&json)).transpose().map_err(|e| bad(Box::new(e)))?,
            soap: soap.map(|json| serde_json::from_str(&json)).transpose().map_err(|e| bad(Box::new(e)))?,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
            id: self.id,
        })
    }
}

/// The name of a channel's security definition, its `cors` and its `soap`.
type Beside = (Option<String>, Option<String>, Option<String>);

/// What [`Beside`] is read from.
#[diesel::dsl::auto_type(no_type_alias)]
fn beside() -> _ {
    (security::name.nullable(), channel_cors::cors_json.nullable(), channel_soap::soap_json.nullable())
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl Odb {
    pub fn create_channel(&self, by: &By, draft: Draft) -> Result<Channel, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, by, &draft))
    }

    /// Reads, edits and writes in one transaction, so that no concurrent edit is lost. `edit` may
    /// run more than once. A draft that comes back as it was changes nothing.
    pub fn update_channel<E: From<Error>>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Channel, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            match edit(Draft::from(before.clone())) {
                Ok(draft) => update(connection, recorder, by, &before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    pub fn delete_channel(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn channel(&self, id: &str) -> Result<Channel, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn channels(&self, page: &Page, filter: &Filter) -> Result<Paged<Channel>, Error> {
        let mut query = channel::table
            .left_join(security::table)
            .left_join(channel_cors::table)
            .left_join(channel_soap::table)
            .select((Row::as_select(), beside()))
            .order(channel::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(channel::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(channel::name.eq(name));
        }
        if let Some(protocol) = &filter.protocol {
            query = query.filter(channel::protocol.eq(protocol));
        }
        if let Some(path) = &filter.path {
            query = query.filter(channel::path.eq(path));
        }
        if let Some(service) = &filter.service {
            query = query.filter(channel::service.eq(service));
        }
        if let Some(security) = &filter.security {
            query = query.filter(security::name.eq(security));
        }
        if let Some(active) = filter.active {
            query = query.filter(channel::active.eq(active));
        }
        let rows = query.load::<(Row, Beside)>(&mut *self.connection()?)?;
        page.cut(rows, |(row, _)| row.id.clone(), |(row, beside)| row.into_model(beside))
    }
}

/// Every channel, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Channel>, Error> {
    let rows = channel::table
        .left_join(security::table)
        .left_join(channel_cors::table)
        .left_join(channel_soap::table)
        .select((Row::as_select(), beside()))
        .order(channel::id.asc())
        .load::<(Row, Beside)>(connection)?;
    rows.into_iter().map(|(row, beside)| row.into_model(beside)).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Channel, Error> {
    let found = channel::table
        .left_join(security::table)
        .left_join(channel_cors::table)
        .left_join(channel_soap::table)
        .filter(channel::id.eq(id))
        .select((Row::as_select(), beside()))
        .first::<(Row, Beside)>(connection)
        .optional()?;
    let (row, beside) = found.ok_or_else(|| Error::not_found(WHAT, id))?;
    row.into_model(beside)
}

/// Creates a channel within the caller's transaction.
pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    draft: &Draft,
) -> Result<Channel, Error> {
    let channel = channel_of(draft.clone(), new_id(by.now), 1, by.now, by.now);
    refuse_conflicts(connection, &channel)?;
    add(connection, recorder, channel)
}

/// The caller has checked that it fits beside the others.
pub(crate) fn add(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    channel: Channel,
) -> Result<Channel, Error> {
    let row = row(connection, &channel)?;
    diesel::insert_into(channel::table).values(row).execute(connection)?;
    put_cors(connection, &channel.id, channel.cors.as_ref())?;
    put_soap(connection, &channel.id, channel.soap.as_ref())?;
    recorder.record(Action::Create, object(&channel), None, Some(view(&channel)));
    Ok(channel)
}

fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: &Channel,
    draft: Draft,
) -> Result<Channel, Error> {
    let after = channel_of(draft, before.id.clone(), before.revision, before.created_at, before.updated_at);
    if after != *before {
        refuse_conflicts(connection, &after)?;
    }
    replace(connection, recorder, by, before, after.into())
}

/// The caller has checked that it fits beside the others.
pub(crate) fn replace(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: &Channel,
    draft: Draft,
) -> Result<Channel, Error> {
    if draft == Draft::from(before.clone()) {
        return Ok(before.clone());
    }
    let after = channel_of(draft, before.id.clone(), before.revision + 1, before.created_at, by.now);
    let row = row(connection, &after)?;
    diesel::update(channel::table.find(&before.id)).set(row).execute(connection)?;
    if after.cors != before.cors {
        put_cors(connection, &before.id, after.cors.as_ref())?;
    }
    if after.soap != before.soap {
        put_soap(connection, &before.id, after.soap.as_ref())?;
    }
    recorder.record(Action::Update, object(&after), Some(view(before)), Some(view(&after)));
    Ok(after)
}

fn put_cors(connection: &mut AnyConnection, id: &str, cors: Option<&Cors>) -> Result<(), Error> {
    diesel::delete(channel_cors::table.find(id)).execute(connection)?;
    if let Some(cors) = cors {
        let row = (channel_cors::channel_id.eq(id), channel_cors::cors_json.eq(json!(cors).to_string()));
        diesel::insert_into(channel_cors::table).values(row).execute(connection)?;
    }
    Ok(())
}

fn put_soap(connection: &mut AnyConnection, id: &str, soap: Option<&Soap>) -> Result<(), Error> {
    diesel::delete(channel_soap::table.find(id)).execute(connection)?;
    if let Some(soap) = soap {
        let row = (channel_soap::channel_id.eq(id), channel_soap::soap_json.eq(json!(soap).to_string()));
        diesel::insert_into(channel_soap::table).values(row).execute(connection)?;
    }
    Ok(())
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Channel,
) -> Result<(), Error> {
    diesel::delete(channel::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

/// Fails unless a channel fits beside all others.
fn refuse_conflicts(connection: &mut AnyConnection, channel: &Channel) -> Result<(), Error> {
    let others = all(connection)?;
    if others.iter().any(|other| other.name == channel.name && other.id != channel.id) {
        return Err(Error::NameTaken { what: WHAT, name: channel.name.clone() });
    }
    match address_taken(channel, &others) {
        Some(taken) => return Err(taken.into()),
        None => refuse_unfit_guard(connection, channel)?,
    }
    let mut channels: Vec<Channel> = others.into_iter().filter(|other| other.id != channel.id).collect();
    channels.push(channel.clone());
    soap::refuse_unusable(connection, channel, &channels)
}

fn row(connection: &mut AnyConnection, channel: &Channel) -> Result<Row, Error> {
    let security_id = match &channel.security {
        Some(name) => Some(security_id(connection, name)?),
        None => None,
    };
    Ok(Row::of(channel, security_id))
}

fn security_id(connection: &mut AnyConnection, name: &Name) -> Result<String, Error> {
    security::table
        .filter(security::name.eq(name.as_str()))
        .select(security::id)
        .first(connection)
        .optional()?
        .ok_or_else(|| Error::UnknownSecurity { name: name.clone() })
}

pub(crate) fn channel_of(
    draft: Draft,
    id: String,
    revision: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
) -> Channel {
    let Draft {
        name,
        protocol,
        path,
        methods,
        service,
        security,
        active,
        body_bytes_max,
        timeout_ms,
        cors,
        soap,
    } = draft;
    Channel {
        id,
        name,
        protocol,
        path,
        methods,
        service,
        security,
        active,
        body_bytes_max,
        timeout_ms,
        cors,
        soap,
        revision,
        created_at,
        updated_at,
    }
}

fn object(channel: &Channel) -> Object<'_> {
    Object { kind: ObjectKind::Channel, id: &channel.id, name: channel.name.as_str() }
}

/// What the audit trail shows.
fn view(channel: &Channel) -> Value {
    json!({
        "name": channel.name,
        "protocol": channel.protocol,
        "path": channel.path,
        "methods": channel.methods,
        "service": channel.service,
        "security": channel.security,
        "active": channel.active,
        "body_bytes_max": channel.body_bytes_max,
        "timeout_ms": channel.timeout_ms,
        "cors": channel.cors,
        "soap": channel.soap,
    })
}
