//! Channels.

use busbar_model::{
    Channel, Name, Soap, Timestamp,
    amqp::Amqp,
    channel::{Address, Draft, Message, Protocol, Rest, Written},
    connection::amqp,
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
    schema::{channel, channel_amqp, channel_cors, channel_soap, connection, security},
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
    /// By name.
    pub connection: Option<String>,
    pub active: Option<bool>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = channel, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    protocol: String,
    /// Empty where the protocol has none.
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
        let methods = channel.address.rest().map(|rest| rest.methods.as_slice()).unwrap_or_default();
        Self {
            id: channel.id.clone(),
            name: channel.name.to_string(),
            protocol: channel.protocol().as_str().to_owned(),
            path: channel.address.path().map(|path| path.as_str().to_owned()).unwrap_or_default(),
            methods_json: json!(methods).to_string(),
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
        let bad = |error: Source| Error::corrupt(WHAT, &self.id)(error);
        Ok(Channel {
            name: self.name.parse().map_err(|e| bad(Box::new(e)))?,
            service: self.service.parse().map_err(|e| bad(Box::new(e)))?,
            active: self.active,
            body_bytes_max: u64::try_from(self.body_bytes_max).map_err(|e| bad(Box::new(e)))?,
            timeout_ms: u64::try_from(self.timeout_ms).map_err(|e| bad(Box::new(e)))?,
            address: self.address(beside).map_err(bad)?,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
            id: self.id,
        })
    }

    fn address(&self, ((security, cors, soap), amqp): Beside) -> Result<Address, Source> {
        let security = || security.map(|name| name.parse()).transpose();
        Ok(match self.protocol.parse::<Protocol>()? {
            Protocol::Rest => Address::Rest(Rest {
                path: PathPattern::parse(&self.path)?,
                methods: serde_json::from_str(&self.methods_json)?,
                security: security()?,
                cors: cors.map(|json| serde_json::from_str(&json)).transpose()?,
            }),
            Protocol::Soap => Address::Soap(Message {
                path: PathPattern::parse(&self.path)?,
                security: security()?,
                soap: soap.map(|json| serde_json::from_str(&json)).transpose()?.unwrap_or_default(),
            }),
            Protocol::Amqp => {
                let (connection, json) = amqp.ok_or("it has no queue")?;
                // By its present name.
                Address::Amqp(Amqp { connection: connection.parse()?, ..serde_json::from_str(&json)? })
            }
        })
    }
}

/// The name of a channel's security definition, its `cors` and its `soap`; its connection's name and its `amqp`.
type Beside = ((Option<String>, Option<String>, Option<String>), Option<(String, String)>);

/// What [`Beside`] is read from.
#[diesel::dsl::auto_type(no_type_alias)]
fn beside() -> _ {
    (
        (security::name.nullable(), channel_cors::cors_json.nullable(), channel_soap::soap_json.nullable()),
        (connection::name, channel_amqp::amqp_json).nullable(),
    )
}

/// Channels with all that stands beside them.
#[diesel::dsl::auto_type(no_type_alias)]
fn whole() -> _ {
    channel::table
        .left_join(security::table)
        .left_join(channel_cors::table)
        .left_join(channel_soap::table)
        .left_join(channel_amqp::table.inner_join(connection::table))
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
        let mut query = whole()
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
        if let Some(of) = &filter.connection {
            query = query.filter(connection::name.eq(of));
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
    let rows = whole()
        .select((Row::as_select(), beside()))
        .order(channel::id.asc())
        .load::<(Row, Beside)>(connection)?;
    rows.into_iter().map(|(row, beside)| row.into_model(beside)).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Channel, Error> {
    let found = whole()
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
    let channel = draft.clone().into_channel(new_id(by.now), 1, by.now, by.now);
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
    put_beside(connection, &channel)?;
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
    let after = draft.into_channel(before.id.clone(), before.revision, before.created_at, before.updated_at);
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
    let after = draft.into_channel(before.id.clone(), before.revision + 1, before.created_at, by.now);
    let row = row(connection, &after)?;
    diesel::update(channel::table.find(&before.id)).set(row).execute(connection)?;
    if after.address != before.address {
        put_beside(connection, &after)?;
    }
    recorder.record(Action::Update, object(&after), Some(view(before)), Some(view(&after)));
    Ok(after)
}

/// What stands in tables of its own, since only channels of some protocols have it.
fn put_beside(connection: &mut AnyConnection, channel: &Channel) -> Result<(), Error> {
    let id = &channel.id;
    diesel::delete(channel_cors::table.find(id)).execute(connection)?;
    diesel::delete(channel_soap::table.find(id)).execute(connection)?;
    diesel::delete(channel_amqp::table.find(id)).execute(connection)?;
    match &channel.address {
        Address::Rest(Rest { cors: Some(cors), .. }) => {
            let row = (channel_cors::channel_id.eq(id), channel_cors::cors_json.eq(json!(cors).to_string()));
            diesel::insert_into(channel_cors::table).values(row).execute(connection)?;
        }
        Address::Soap(Message { soap, .. }) if *soap != Soap::default() => {
            let row = (channel_soap::channel_id.eq(id), channel_soap::soap_json.eq(json!(soap).to_string()));
            diesel::insert_into(channel_soap::table).values(row).execute(connection)?;
        }
        Address::Amqp(amqp) => {
            let row = (
                channel_amqp::channel_id.eq(id),
                channel_amqp::connection_id.eq(connection_id(connection, &amqp.connection)?),
                channel_amqp::amqp_json.eq(json!(amqp).to_string()),
            );
            diesel::insert_into(channel_amqp::table).values(row).execute(connection)?;
        }
        Address::Rest(_) | Address::Soap(_) => {}
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
    // Before anything is written: a channel without its queue is none.
    if let Some(amqp) = channel.address.amqp() {
        connection_id(connection, &amqp.connection)?;
    }
    let security_id = match channel.address.security() {
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

fn connection_id(connection: &mut AnyConnection, name: &Name) -> Result<String, Error> {
    let found = connection::table
        .filter(connection::name.eq(name.as_str()))
        .select((connection::id, connection::kind))
        .first::<(String, String)>(connection)
        .optional()?;
    match found {
        None => Err(Error::UnknownConnection { name: name.clone() }),
        Some((id, kind)) if kind == amqp::KIND => Ok(id),
        Some((_, kind)) => Err(Error::UnfitConnection { name: name.clone(), kind, wanted: amqp::KIND }),
    }
}

fn object(channel: &Channel) -> Object<'_> {
    Object { kind: ObjectKind::Channel, id: &channel.id, name: channel.name.as_str() }
}

/// What the audit trail shows.
fn view(channel: &Channel) -> Value {
    let Written { protocol, path, methods, security, cors, soap, amqp } = channel.address.clone().into();
    json!({
        "name": channel.name,
        "protocol": protocol,
        "path": path,
        "methods": methods,
        "service": channel.service,
        "security": security,
        "active": channel.active,
        "body_bytes_max": channel.body_bytes_max,
        "timeout_ms": channel.timeout_ms,
        "cors": cors,
        "soap": soap,
        "amqp": amqp,
    })
}
