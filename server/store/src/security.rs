//! Security definitions.

use busbar_model::{
    Channel, Name, Security, Timestamp,
    channel::Protocol,
    secret::Sealed,
    security::{CLIENT_CERTIFICATE, Credential, INVOKER, PasswordType, WS_SECURITY},
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
    schema::{channel, security},
    secret::{
        self,
        seal::{self, MasterKey, Place, Plaintext},
    },
};

pub(crate) const WHAT: &str = "security definition";
const TABLE: &str = "security";
/// Not the definition's name: a password stays sealed as it is where that changes.
const PASSWORD: &str = "password";

/// The members of what is stored of the kind ws-security beside the username.
const SEALED: &str = "sealed";
const ACCEPTS: &str = "accepts";

/// The parts of a security definition that its author decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: Name,
    pub credential: Credential,
}

/// Which security definitions a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    pub kind: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = security)]
struct Row {
    id: String,
    name: String,
    kind: String,
    identifier: String,
    verifier: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(security: &Security) -> Self {
        let (identifier, verifier) = match security.credential.clone() {
            Credential::Basic { username, password_hash } => (username, password_hash),
            Credential::ApiKey { key_id, key_sha256 } => (key_id, key_sha256),
            Credential::WsSecurity { username, password: sealed, accepts } => {
                (username, json!({SEALED: sealed, ACCEPTS: accepts}).to_string())
            }
            Credential::ClientCertificate(certificates) => (String::new(), json!(certificates).to_string()),
        };
        Self {
            id: security.id.clone(),
            name: security.name.to_string(),
            kind: security.credential.kind().to_owned(),
            identifier,
            verifier,
            revision: security.revision,
            created_us: security.created_at.0,
            updated_us: security.updated_at.0,
        }
    }

    fn into_model(self) -> Result<Security, Error> {
        let (identifier, verifier) = (self.identifier, self.verifier);
        let credential = match self.kind.as_str() {
            "basic" => Credential::Basic { username: identifier, password_hash: verifier },
            "api-key" => Credential::ApiKey { key_id: identifier, key_sha256: verifier },
            WS_SECURITY => {
                let (password, accepts) = verified(&verifier).map_err(Error::corrupt(WHAT, &self.id))?;
                Credential::WsSecurity { username: identifier, password, accepts }
            }
            CLIENT_CERTIFICATE => {
                let certificates = serde_json::from_str(&verifier).map_err(Error::corrupt(WHAT, &self.id))?;
                Credential::ClientCertificate(certificates)
            }
            other => return Err(Error::corrupt(WHAT, &self.id)(format!("kind {other:?} is unknown"))),
        };
        Ok(Security {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            id: self.id,
            credential,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl MasterKey {
    /// Seals the password of the kind ws-security for a definition's row.
    pub fn seal_password(&self, security_id: &str, password: &Plaintext) -> Result<Sealed, seal::Error> {
        self.seal(place(security_id), password)
    }

    /// Of a definition whose kind keeps no password there is nothing to open.
    pub fn open_password(&self, security: &Security) -> Result<Plaintext, seal::Error> {
        match &security.credential {
            Credential::WsSecurity { password, .. } => self.open(place(&security.id), password),
            Credential::Basic { .. } | Credential::ApiKey { .. } | Credential::ClientCertificate(_) => {
                Err(seal::Error::Nothing)
            }
        }
    }
}

impl Odb {
    pub fn create_security(&self, by: &By, draft: Draft) -> Result<Security, Error> {
        self.create_security_with(by, |_| Ok(draft.clone()))
    }

    /// `draft` is given the id of the definition, for which it seals a password. It may be asked more than once.
    pub fn create_security_with(
        &self,
        by: &By,
        draft: impl Fn(&str) -> Result<Draft, Error>,
    ) -> Result<Security, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, by, &draft))
    }

    /// Reads, edits and writes in one transaction, so that no concurrent edit is lost. `edit` may
    /// run more than once. A draft that comes back as it was changes nothing.
    pub fn update_security<E: From<Error>>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Security, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            match edit(Draft { name: before.name.clone(), credential: before.credential.clone() }) {
                Ok(draft) => update(connection, recorder, by, &before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Refused while channels ask for it: a channel must not become open by that.
    pub fn delete_security(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn security(&self, id: &str) -> Result<Security, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn securities(&self, page: &Page, filter: &Filter) -> Result<Paged<Security>, Error> {
        let mut query = security::table
            .select(Row::as_select())
            .order(security::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(security::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(security::name.eq(name));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(security::kind.eq(kind));
        }
        let rows = query.load::<Row>(&mut *self.connection()?)?;
        page.cut(rows, |row| row.id.clone(), Row::into_model)
    }
}

/// Every security definition, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Security>, Error> {
    let rows = security::table.select(Row::as_select()).order(security::id.asc()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Security, Error> {
    let row = security::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))?.into_model()
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    draft: impl FnOnce(&str) -> Result<Draft, Error>,
) -> Result<Security, Error> {
    let (id, now) = (new_id(by.now), by.now);
    let Draft { name, credential } = draft(&id)?;
    let security = Security { id, name, credential, revision: 1, created_at: now, updated_at: now };
    refuse_taken_name(connection, &security)?;
    refuse_unfit(connection, &security)?;
    diesel::insert_into(security::table).values(Row::of(&security)).execute(connection)?;
    recorder.record(Action::Create, object(&security), None, Some(view(&security)));
    Ok(security)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Security,
) -> Result<(), Error> {
    let users = channel::table
        .filter(channel::security_id.eq(&before.id))
        .order(channel::name.asc())
        .select(channel::name)
        .load::<String>(connection)?;
    if !users.is_empty() {
        let users = users.iter().map(|user| format!("channel {user:?}")).collect();
        return Err(Error::InUse { what: WHAT, name: before.name.clone(), users });
    }
    diesel::delete(security::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: &Security,
    draft: Draft,
) -> Result<Security, Error> {
    let Draft { name, credential } = draft;
    if name == before.name && credential == before.credential {
        return Ok(before.clone());
    }
    let after = Security {
        id: before.id.clone(),
        name,
        credential,
        revision: before.revision + 1,
        created_at: before.created_at,
        updated_at: by.now,
    };
    refuse_taken_name(connection, &after)?;
    refuse_unfit(connection, &after)?;
    diesel::update(security::table.find(&before.id)).set(Row::of(&after)).execute(connection)?;
    let mut shown = view(&after);
    if secret_of(before) != secret_of(&after) {
        shown["secret"] = json!("replaced");
    }
    recorder.record(Action::Update, object(&after), Some(view(before)), Some(shown));
    Ok(after)
}

fn refuse_taken_name(connection: &mut AnyConnection, security: &Security) -> Result<(), Error> {
    let others = security::table
        .filter(security::name.eq(security.name.as_str()).and(security::id.ne(&security.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 {
        return Err(Error::NameTaken { what: WHAT, name: security.name.clone() });
    }
    Ok(())
}

/// A password is sealed with the one key of all sealed values. What is in the header of a SOAP message guards no
/// calls by name.
fn refuse_unfit(connection: &mut AnyConnection, security: &Security) -> Result<(), Error> {
    let Credential::WsSecurity { password, .. } = &security.credential else { return Ok(()) };
    if security.name.as_str() == INVOKER {
        return Err(Error::SoapOnly { name: security.name.clone(), user: "calls by name".to_owned() });
    }
    for sealed_with in secret::keys(connection)? {
        if sealed_with != password.key_id {
            return Err(seal::Error::AnotherKey { sealed_with, own: password.key_id.clone() }.into());
        }
    }
    Ok(())
}

/// The kind ws-security guards SOAP channels only.
pub(crate) fn refuse_unfit_guard(connection: &mut AnyConnection, channel: &Channel) -> Result<(), Error> {
    let Some(guard) = channel.address.security().filter(|_| channel.protocol() != Protocol::Soap) else {
        return Ok(());
    };
    let unfit = security::name.eq(guard.as_str()).and(security::kind.eq(WS_SECURITY));
    match security::table.filter(unfit).count().get_result::<i64>(connection)? {
        0 => Ok(()),
        _ => {
            let user = format!("channel {:?} of protocol {}", channel.name, channel.protocol().as_str());
            Err(Error::SoapOnly { name: guard.clone(), user })
        }
    }
}

/// Ids of the master keys that passwords are sealed with.
pub(crate) fn keys(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let rows = security::table.filter(security::kind.eq(WS_SECURITY)).select(Row::as_select());
    let mut keys = Vec::new();
    for row in rows.load::<Row>(connection)? {
        if let Credential::WsSecurity { password, .. } = row.into_model()?.credential {
            keys.push(password.key_id);
        }
    }
    Ok(keys)
}

fn place(id: &str) -> Place<'_> {
    Place { table: TABLE, id, name: PASSWORD }
}

fn object(security: &Security) -> Object<'_> {
    Object { kind: ObjectKind::Security, id: &security.id, name: security.name.as_str() }
}

fn verified(verifier: &str) -> Result<(Sealed, PasswordType), serde_json::Error> {
    let stored: Value = serde_json::from_str(verifier)?;
    let member = |name: &str| stored.get(name).cloned().unwrap_or_default();
    Ok((serde_json::from_value(member(SEALED))?, serde_json::from_value(member(ACCEPTS))?))
}

/// What tells whether the secret is another one; a certificate's subject and digest are none.
fn secret_of(security: &Security) -> String {
    match &security.credential {
        Credential::WsSecurity { password, .. } => json!(password).to_string(),
        Credential::Basic { .. } | Credential::ApiKey { .. } => Row::of(security).verifier,
        Credential::ClientCertificate(_) => String::new(),
    }
}

/// What the audit trail shows: neither a secret nor the hash of one.
fn view(security: &Security) -> Value {
    let (name, kind) = (&security.name, security.credential.kind());
    match &security.credential {
        Credential::Basic { username, .. } => json!({"name": name, "kind": kind, "username": username}),
        Credential::ApiKey { key_id, .. } => json!({"name": name, "kind": kind, "key_id": key_id}),
        Credential::WsSecurity { username, accepts, .. } => {
            json!({"name": name, "kind": kind, "username": username, "password_type": accepts})
        }
        Credential::ClientCertificate(certificates) => {
            let (subjects, sha256) = (&certificates.subjects, &certificates.sha256);
            json!({"name": name, "kind": kind, "subjects": subjects, "sha256": sha256})
        }
    }
}
