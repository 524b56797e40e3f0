//! Connections: their secrets are sealed with the master key.

use busbar_model::{
    Connection, Digest, Timestamp,
    connection::{self, Client, Part},
    secret::Sealed,
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
    plugin,
    schema::{channel, channel_amqp, connection as table},
    secret::{
        self,
        seal::{self, MasterKey, Place, Plaintext},
    },
    wsdl,
};

/// What errors call one.
pub const WHAT: &str = "connection";
const TABLE: &str = "connection";

/// What its author decides. A secret that is not given stays as it is, unless the connection comes to lead elsewhere.
pub type Draft = connection::Draft<Option<Plaintext>>;

/// Which connections a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub active: Option<bool>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table)]
struct Row {
    id: String,
    name: String,
    kind: String,
    active: bool,
    client_json: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(connection: &Connection) -> Self {
        Self {
            id: connection.id.clone(),
            name: connection.name.to_string(),
            kind: connection.client.kind().to_owned(),
            active: connection.active,
            client_json: json!(connection.client).to_string(),
            revision: connection.revision,
            created_us: connection.created_at.0,
            updated_us: connection.updated_at.0,
        }
    }

    fn into_model(self) -> Result<Connection, Error> {
        Ok(Connection {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            client: serde_json::from_str(&self.client_json).map_err(Error::corrupt(WHAT, &self.id))?,
            id: self.id,
            active: self.active,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl MasterKey {
    /// What a connection is made with, its secrets in the clear.
    pub fn open_connection(&self, connection: &Connection) -> Result<Client<Plaintext>, seal::Error> {
        let id = &connection.id;
        connection.client.clone().try_map(&mut |part, sealed| self.open(place(id, part), &sealed))
    }
}

impl Odb {
    pub fn create_connection(&self, by: &By, key: &MasterKey, draft: &Draft) -> Result<Connection, Error> {
        self.change(by, |connection, recorder| {
            let made = insert(connection, recorder, (by, key), draft)?;
            require_wsdl_room(connection, None, &made)?;
            Ok(made)
        })
    }

    /// Reads, edits and writes in one transaction, so that no concurrent edit is lost. `edit` may run more than
    /// once. A secret that is given counts as a change even if it is the same, as with secrets.
    pub fn update_connection<E: From<Error>>(
        &self,
        by: &By,
        key: &MasterKey,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Connection, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            let (name, client) = (before.name.clone(), before.client.clone().map(|_, _| None));
            match edit(Draft { name, active: before.active, client }) {
                Ok(draft) => {
                    let after = update(connection, recorder, (by, key), &before, &draft)?;
                    require_wsdl_room(connection, Some(&before), &after)?;
                    Ok(after)
                }
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Refused while channels come in by it, or plugins' grants name it.
    pub fn delete_connection(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn find_connection(&self, id: &str) -> Result<Connection, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn connections(&self, page: &Page, filter: &Filter) -> Result<Paged<Connection>, Error> {
        let mut query =
            table::table.select(Row::as_select()).order(table::id.desc()).limit(page.rows()).into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(table::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(table::name.eq(name));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(table::kind.eq(kind));
        }
        if let Some(active) = filter.active {
            query = query.filter(table::active.eq(active));
        }
        let rows = query.load::<Row>(&mut *self.connection()?)?;
        page.cut(rows, |row| row.id.clone(), Row::into_model)
    }
}

/// Asked for where a WSDL is new: what has its room may be changed otherwise.
fn require_wsdl_room(
    connection: &mut AnyConnection,
    before: Option<&Connection>,
    after: &Connection,
) -> Result<(), Error> {
    let Client::Soap(soap) = &after.client else { return Ok(()) };
    let same = |before: &Connection| matches!(&before.client, Client::Soap(was) if was.wsdl == soap.wsdl);
    if before.is_some_and(same) { Ok(()) } else { wsdl::require_room(connection) }
}

/// Every connection, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Connection>, Error> {
    let rows = table::table.select(Row::as_select()).order(table::id.asc()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

/// Ids of the master keys that secrets of connections are sealed with.
pub(crate) fn keys(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    for connection in all(connection)? {
        let sealed = Part::ALL.map(|part| connection.client.secret(part));
        keys.extend(sealed.into_iter().flatten().map(|sealed| sealed.key_id.clone()));
    }
    Ok(keys)
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Connection, Error> {
    let row = table::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))?.into_model()
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    (by, key): (&By, &MasterKey),
    draft: &Draft,
) -> Result<Connection, Error> {
    secret::require_key(connection, key)?;
    let id = new_id(by.now);
    let made = Connection {
        name: draft.name.clone(),
        active: draft.active,
        client: sealed(draft, &id, None, key)?,
        id,
        revision: 1,
        created_at: by.now,
        updated_at: by.now,
    };
    refuse_taken_name(connection, &made)?;
    diesel::insert_into(table::table).values(Row::of(&made)).execute(connection)?;
    recorder.record(Action::Create, object(&made), None, Some(view(&made)));
    Ok(made)
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    (by, key): (&By, &MasterKey),
    before: &Connection,
    draft: &Draft,
) -> Result<Connection, Error> {
    if draft.client.kind() != before.client.kind() {
        return Err(Error::KindStays { name: before.name.clone(), kind: before.client.kind() });
    }
    let client = sealed(draft, &before.id, Some(before), key)?;
    if (&draft.name, draft.active, &client) == (&before.name, before.active, &before.client) {
        return Ok(before.clone());
    }
    let after = Connection {
        id: before.id.clone(),
        name: draft.name.clone(),
        active: draft.active,
        client,
        revision: before.revision + 1,
        created_at: before.created_at,
        updated_at: by.now,
    };
    if after.name != before.name {
        refuse_taken_name(connection, &after)?;
        // Grants go by name: they would not find it any more.
        refuse_granted(connection, before, Vec::new())?;
    }
    secret::require_key(connection, key)?;
    diesel::update(table::table.find(&before.id)).set(Row::of(&after)).execute(connection)?;
    let mut shown = view(&after);
    for part in Part::ALL {
        if after.client.secret(part).is_some() && after.client.secret(part) != before.client.secret(part) {
            shown[part.as_str()] = json!("replaced");
        }
    }
    recorder.record(Action::Update, object(&after), Some(view(before)), Some(shown));
    Ok(after)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Connection,
) -> Result<(), Error> {
    let channels = channel_amqp::table
        .inner_join(channel::table)
        .filter(channel_amqp::connection_id.eq(&before.id))
        .order(channel::name.asc())
        .select(channel::name)
        .load::<String>(connection)?;
    let channels = channels.iter().map(|name| format!("channel {name:?}")).collect();
    refuse_granted(connection, before, channels)?;
    diesel::delete(table::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

/// The client of the row `id`: what is given is sealed, and the rest is what the present one has.
fn sealed(
    draft: &Draft,
    id: &str,
    present: Option<&Connection>,
    key: &MasterKey,
) -> Result<Client<Sealed>, Error> {
    let present = present.map(|present| &present.client);
    let client = wsdl::completed(draft.client.clone(), present)?;
    let leads_elsewhere = present.is_some_and(|present| !present.leads_as(&client));
    let fits = |part| present.is_some_and(|present| present.shares(part, &draft.client));
    client.try_map(&mut |part, given| match given {
        Some(given) => Ok(key.seal(place(id, part), &given)?),
        None => {
            let kept = present.filter(|_| fits(part)).and_then(|present| present.secret(part)).cloned();
            let (name, what) = (draft.name.clone(), part.as_str());
            match kept {
                Some(_) if leads_elsewhere => Err(Error::SecretRequired { name, what }),
                kept => kept.ok_or(Error::NoCredential { of: WHAT, name, what }),
            }
        }
    })
}

fn refuse_taken_name(connection: &mut AnyConnection, own: &Connection) -> Result<(), Error> {
    let others = table::table
        .filter(table::name.eq(own.name.as_str()).and(table::id.ne(&own.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 {
        return Err(Error::NameTaken { what: WHAT, name: own.name.clone() });
    }
    Ok(())
}

/// `users` are others that use it.
fn refuse_granted(
    connection: &mut AnyConnection,
    own: &Connection,
    mut users: Vec<String>,
) -> Result<(), Error> {
    users.extend(plugin::granted_to(connection, &own.name, |grants| &grants.connections)?);
    if users.is_empty() { Ok(()) } else { Err(Error::InUse { what: WHAT, name: own.name.clone(), users }) }
}

/// Not with the connection's name: its secrets stay sealed as they are where that changes.
fn place(id: &str, part: Part) -> Place<'_> {
    Place { table: TABLE, id, name: part.as_str() }
}

fn object(connection: &Connection) -> Object<'_> {
    Object { kind: ObjectKind::Connection, id: &connection.id, name: connection.name.as_str() }
}

/// What the audit trail shows: nothing of the secrets, sealed or not.
fn view(connection: &Connection) -> Value {
    let mut shown = json!({"name": connection.name, "active": connection.active});
    if let Value::Object(members) = &mut shown {
        members.extend(connection.client.shown());
    }
    // Twice in each entry, they would be most of the trail.
    if let Client::Soap(soap) = &connection.client {
        let digests = soap.wsdl.documents.iter().map(|document| {
            let digest = Digest::of(document.text.as_bytes());
            json!({"location": document.location, "digest": digest.to_string()})
        });
        shown["wsdl"] = json!({"documents": digests.collect::<Vec<_>>()});
    }
    shown
}
