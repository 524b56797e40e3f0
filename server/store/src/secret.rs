//! Secrets: sealed values that plugins read by name.

pub mod seal;

use busbar_model::{
    Name, Secret, Timestamp,
    secret::{NONCE_BYTES, Sealed},
};
use diesel::prelude::*;
use serde_json::{Value, json};

use self::seal::{MasterKey, Place, Plaintext};
use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    connections,
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    plugin,
    schema::secret,
    security, trust,
};

const WHAT: &str = "secret";
const TABLE: &str = "secret";

/// A secret that is to be made.
#[derive(Clone, Debug)]
pub struct New {
    pub name: Name,
    pub description: Option<String>,
    pub value: Plaintext,
}

/// The parts of a secret that its author decides.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: Name,
    pub description: Option<String>,
    /// `None`: it stays.
    pub value: Option<Plaintext>,
}

/// Which secrets a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = secret, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    description: Option<String>,
    ciphertext: Vec<u8>,
    nonce: Vec<u8>,
    key_id: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(secret: &Secret) -> Self {
        Self {
            id: secret.id.clone(),
            name: secret.name.to_string(),
            description: secret.description.clone(),
            ciphertext: secret.sealed.ciphertext.to_vec(),
            nonce: secret.sealed.nonce.to_vec(),
            key_id: secret.sealed.key_id.clone(),
            revision: secret.revision,
            created_us: secret.created_at.0,
            updated_us: secret.updated_at.0,
        }
    }

    fn into_model(self) -> Result<Secret, Error> {
        let nonce = <[u8; NONCE_BYTES]>::try_from(self.nonce.as_slice());
        Ok(Secret {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            sealed: Sealed {
                nonce: nonce.map_err(Error::corrupt(WHAT, &self.id))?,
                key_id: self.key_id,
                ciphertext: self.ciphertext.into(),
            },
            id: self.id,
            description: self.description,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl MasterKey {
    pub fn open_secret(&self, secret: &Secret) -> Result<Plaintext, seal::Error> {
        self.open(place(secret), &secret.sealed)
    }
}

impl Odb {
    /// Refused where other secrets are sealed with another key: one that is not at hand everywhere.
    pub fn create_secret(&self, by: &By, key: &MasterKey, new: New) -> Result<Secret, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, (by, key), new.clone()))
    }

    /// Reads, edits and writes in one transaction, so that no concurrent edit is lost. `edit` may
    /// run more than once. A value that is given counts as a change even if it is the same: telling
    /// would let callers find out values by guessing.
    pub fn update_secret<E: From<Error>>(
        &self,
        by: &By,
        key: &MasterKey,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Secret, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            let (name, description) = (before.name.clone(), before.description.clone());
            match edit(Draft { name, description, value: None }) {
                Ok(draft) => update(connection, recorder, (by, key), &before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Refused while plugins' grants name it.
    pub fn delete_secret(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn secret(&self, id: &str) -> Result<Secret, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn secrets(&self, page: &Page, filter: &Filter) -> Result<Paged<Secret>, Error> {
        let mut query =
            secret::table.select(Row::as_select()).order(secret::id.desc()).limit(page.rows()).into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(secret::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(secret::name.eq(name));
        }
        let rows = query.load::<Row>(&mut *self.connection()?)?;
        page.cut(rows, |row| row.id.clone(), Row::into_model)
    }

    /// Ids of the master keys that secrets and what else is hidden are sealed with: none, or one.
    pub fn secret_keys(&self) -> Result<Vec<String>, Error> {
        keys(&mut *self.connection()?)
    }
}

/// Every secret, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Secret>, Error> {
    let rows = secret::table.select(Row::as_select()).order(secret::id.asc()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Secret, Error> {
    let row = secret::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))?.into_model()
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    (by, key): (&By, &MasterKey),
    new: New,
) -> Result<Secret, Error> {
    let New { name, description, value } = new;
    let (id, created_at, updated_at) = (new_id(by.now), by.now, by.now);
    require_key(connection, key)?;
    let sealed = key.seal(Place { table: TABLE, id: &id, name: name.as_str() }, &value)?;
    let secret = Secret { id, name, description, sealed, revision: 1, created_at, updated_at };
    refuse_taken_name(connection, &secret)?;
    diesel::insert_into(secret::table).values(Row::of(&secret)).execute(connection)?;
    recorder.record(Action::Create, object(&secret), None, Some(view(&secret)));
    Ok(secret)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Secret,
) -> Result<(), Error> {
    refuse_granted(connection, &before.name)?;
    diesel::delete(secret::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    (by, key): (&By, &MasterKey),
    before: &Secret,
    draft: Draft,
) -> Result<Secret, Error> {
    let Draft { name, description, value } = draft;
    let renamed = name != before.name;
    if !renamed && description == before.description && value.is_none() {
        return Ok(before.clone());
    }
    let (revision, updated_at) = (before.revision + 1, by.now);
    let mut after = Secret { name, description, revision, updated_at, ..before.clone() };
    let mut shown = view(&after);
    if value.is_some() {
        shown["value"] = json!("replaced");
    }
    if renamed {
        refuse_taken_name(connection, &after)?;
        // Grants go by name: they would not find it any more.
        refuse_granted(connection, &before.name)?;
    }
    if renamed || value.is_some() {
        require_key(connection, key)?;
        let value = match value {
            Some(value) => value,
            None => open(key, before)?,
        };
        after.sealed = key.seal(place(&after), &value)?;
    }
    diesel::update(secret::table.find(&before.id)).set(Row::of(&after)).execute(connection)?;
    recorder.record(Action::Update, object(&after), Some(view(before)), Some(shown));
    Ok(after)
}

fn open(key: &MasterKey, secret: &Secret) -> Result<Plaintext, Error> {
    key.open_secret(secret).map_err(|error| match error {
        seal::Error::Damaged => Error::corrupt(WHAT, secret.name.as_str())(error),
        other => other.into(),
    })
}

pub(crate) fn keys(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let mut keys: Vec<String> = secret::table.select(secret::key_id).distinct().load(connection)?;
    keys.extend(security::keys(connection)?);
    keys.extend(connections::keys(connection)?);
    keys.extend(trust::keys(connection)?);
    keys.sort();
    keys.dedup();
    Ok(keys)
}

pub(crate) fn require_key(connection: &mut AnyConnection, key: &MasterKey) -> Result<(), Error> {
    Ok(keys(connection)?.iter().try_for_each(|sealed_with| key.require(sealed_with))?)
}

fn refuse_taken_name(connection: &mut AnyConnection, secret: &Secret) -> Result<(), Error> {
    let others = secret::table
        .filter(secret::name.eq(secret.name.as_str()).and(secret::id.ne(&secret.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 {
        return Err(Error::NameTaken { what: WHAT, name: secret.name.clone() });
    }
    Ok(())
}

fn refuse_granted(connection: &mut AnyConnection, name: &Name) -> Result<(), Error> {
    let users = plugin::granted_to(connection, name, |grants| &grants.secrets)?;
    if users.is_empty() { Ok(()) } else { Err(Error::InUse { what: WHAT, name: name.clone(), users }) }
}

fn place(secret: &Secret) -> Place<'_> {
    Place { table: TABLE, id: &secret.id, name: secret.name.as_str() }
}

fn object(secret: &Secret) -> Object<'_> {
    Object { kind: ObjectKind::Secret, id: &secret.id, name: secret.name.as_str() }
}

/// What the audit trail shows: nothing of the value, sealed or not.
fn view(secret: &Secret) -> Value {
    json!({"name": secret.name, "description": secret.description})
}
