//! Who belongs to the cluster by a certificate of it, and who may come to.

use busbar_model::Timestamp;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{join_token, member},
};

const WHAT: &str = "member";
const TOKEN: &str = "join token";
/// How long a token that has expired is kept, to tell who comes late why.
const EXPIRED_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// A machine may become a member.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct JoinOffer {
    pub id: String,
    pub role: String,
    /// Any name, if none is said.
    pub name: Option<String>,
    /// Of the token's secret.
    pub digest: String,
    expires_us: i64,
    /// Who has taken it, by its key.
    pub used_by: Option<String>,
}

impl JoinOffer {
    pub fn new(id: String, role: &str, name: Option<String>, digest: String, expires_at: Timestamp) -> Self {
        Self { id, role: role.to_owned(), name, digest, expires_us: expires_at.0, used_by: None }
    }

    pub fn expires_at(&self) -> Timestamp {
        Timestamp(self.expires_us)
    }
}

/// What a member said of itself: whom it trusts, and who signed what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Fingerprints.
    pub trusts: Vec<String>,
    pub issuer: String,
}

/// Who has a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: String,
    pub name: String,
    pub certificate_sha256: String,
    /// Of the one before, by which it was renewed: its processes may show it for a moment yet.
    pub previous_sha256: Option<String>,
    pub expires_at: Timestamp,
    pub joined_at: Timestamp,
    pub seen_at: Timestamp,
    pub confirmed: Option<Confirmed>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = member, treat_none_as_null = true)]
struct Row {
    role: String,
    name: String,
    certificate_sha256: String,
    previous_sha256: Option<String>,
    expires_us: i64,
    joined_us: i64,
    seen_us: i64,
    trusts_json: Option<String>,
    issuer: Option<String>,
}

impl Row {
    fn of(member: &Member) -> Self {
        let said = member.confirmed.as_ref();
        Self {
            role: member.role.clone(),
            name: member.name.clone(),
            certificate_sha256: member.certificate_sha256.clone(),
            previous_sha256: member.previous_sha256.clone(),
            expires_us: member.expires_at.0,
            joined_us: member.joined_at.0,
            seen_us: member.seen_at.0,
            trusts_json: said.map(|said| json!(said.trusts).to_string()),
            issuer: said.map(|said| said.issuer.clone()),
        }
    }

    fn into_model(self) -> Result<Member, Error> {
        let trusts = self.trusts_json.as_deref().map(serde_json::from_str).transpose();
        let trusts = trusts.map_err(Error::corrupt(WHAT, &self.name))?;
        Ok(Member {
            role: self.role,
            name: self.name,
            certificate_sha256: self.certificate_sha256,
            previous_sha256: self.previous_sha256,
            expires_at: Timestamp(self.expires_us),
            joined_at: Timestamp(self.joined_us),
            seen_at: Timestamp(self.seen_us),
            confirmed: trusts.zip(self.issuer).map(|(trusts, issuer)| Confirmed { trusts, issuer }),
        })
    }
}

impl Odb {
    /// Lets a machine join. What expired long ago is forgotten.
    pub fn offer_join(&self, by: &By, offer: &JoinOffer) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let old = join_token::table.filter(join_token::expires_us.lt(by.now.plus_ms(-EXPIRED_KEPT_MS).0));
            diesel::delete(old).execute(connection)?;
            let row = (
                join_token::id.eq(&offer.id),
                join_token::role.eq(&offer.role),
                join_token::name.eq(&offer.name),
                join_token::digest.eq(&offer.digest),
                join_token::expires_us.eq(offer.expires_us),
            );
            diesel::insert_into(join_token::table).values(row).execute(connection)?;
            let object = Object { kind: ObjectKind::JoinToken, id: &offer.id, name: &offer.role };
            let shown = json!({"role": offer.role, "name": offer.name, "expires_at": offer.expires_at()});
            recorder.record(Action::Create, object, None, Some(shown));
            Ok(())
        })
    }

    pub fn join_offer(&self, id: &str) -> Result<JoinOffer, Error> {
        let row = join_token::table.find(id).first(&mut *self.connection()?).optional()?;
        row.ok_or_else(|| Error::not_found(TOKEN, id))
    }

    /// A member joins by an offer that nobody but itself has taken: by its `key` it is known when it asks again. False:
    /// someone else was faster. A name that a member has is its own until its certificate ends.
    pub fn join(&self, by: &By, offer: &str, key: &str, member: &Member) -> Result<bool, Error> {
        self.change(by, |connection, recorder| {
            let used_by = join_token::table.find(offer).select(join_token::used_by);
            match used_by.first::<Option<String>>(connection).optional()? {
                None => return Ok(false),
                Some(Some(used_by)) if used_by != key => return Ok(false),
                // It asks again.
                Some(Some(_)) => {}
                Some(None) => refuse_taken(connection, by.now, member)?,
            }
            // Of two at once one finds it unused.
            let unused = join_token::used_by.is_null().or(join_token::used_by.eq(key));
            let own = join_token::table.filter(join_token::id.eq(offer).and(unused));
            if diesel::update(own).set(join_token::used_by.eq(key)).execute(connection)? == 0 {
                return Ok(false);
            }
            let before = write(connection, member)?;
            let (action, before) = match before {
                Some(before) => (Action::Update, Some(view(&before))),
                None => (Action::Create, None),
            };
            recorder.record(action, object(member), before, Some(view(member)));
            Ok(true)
        })
    }

    /// A member gets a certificate without an offer.
    pub fn enroll(&self, by: &By, member: &Member) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            write(connection, member)?;
            recorder.record(Action::Create, object(member), None, Some(view(member)));
            Ok(())
        })
    }

    /// What a member says, and the certificate that it was given since. False: it is no member any more.
    pub fn hear_member(&self, said: &Member) -> Result<bool, Error> {
        self.write_beside(|connection| {
            let row = Row::of(said);
            let own = member::table.find((&row.role, &row.name));
            Ok(diesel::update(own).set(&row).execute(connection)? > 0)
        })
    }

    /// By role and name.
    pub fn members(&self) -> Result<Vec<Member>, Error> {
        let rows = member::table.order((member::role, member::name)).select(Row::as_select());
        rows.load(&mut *self.connection()?)?.into_iter().map(Row::into_model).collect()
    }

    pub fn member(&self, role: &str, name: &str) -> Result<Option<Member>, Error> {
        find(&mut *self.connection()?, role, name)
    }

    /// It is no member any more: its certificate is worth nothing to who asks the ODB, and is not renewed.
    pub fn forget_member(&self, by: &By, role: &str, name: &str) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, role, name)?.ok_or_else(|| Error::not_found(WHAT, name))?;
            diesel::delete(member::table.find((role, name))).execute(connection)?;
            recorder.record(Action::Delete, object(&before), Some(view(&before)), None);
            Ok(())
        })
    }
}

fn find(connection: &mut AnyConnection, role: &str, name: &str) -> Result<Option<Member>, Error> {
    let row = member::table.find((role, name)).select(Row::as_select()).first(connection).optional()?;
    row.map(Row::into_model).transpose()
}

/// A name is its member's own until its certificate ends.
fn refuse_taken(connection: &mut AnyConnection, now: Timestamp, member: &Member) -> Result<(), Error> {
    match find(connection, &member.role, &member.name)? {
        Some(holder) if holder.expires_at > now => {
            Err(Error::MemberTaken { role: holder.role, name: holder.name })
        }
        _ => Ok(()),
    }
}

/// What stood there before.
fn write(connection: &mut AnyConnection, member: &Member) -> Result<Option<Member>, Error> {
    let (row, before) = (Row::of(member), find(connection, &member.role, &member.name)?);
    if before.is_some() {
        let own = member::table.find((&row.role, &row.name));
        diesel::update(own).set(&row).execute(connection)?;
    } else {
        diesel::insert_into(member::table).values(&row).execute(connection)?;
    }
    Ok(before)
}

fn object(member: &Member) -> Object<'_> {
    Object { kind: ObjectKind::Member, id: &member.name, name: &member.name }
}

fn view(member: &Member) -> Value {
    json!({
        "role": member.role,
        "name": member.name,
        "certificate_sha256": member.certificate_sha256,
        "expires_at": member.expires_at,
    })
}
