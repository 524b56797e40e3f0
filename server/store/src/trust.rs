//! Whom the members of the cluster trust: its authority, and during a roll two.
//!
//! What a certificate is, and what the steps of a roll are, others know: here they are texts, kept together.

use busbar_model::secret::Sealed;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{authority, trust},
    secret::{
        self,
        seal::{MasterKey, Place, Plaintext},
    },
};

const ROW: i32 = 1;
const WHAT: &str = "authority";

/// As all members are to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// In certificates; it stays.
    pub cluster: String,
    /// The authority, or the step from one to the next.
    pub roll: String,
    /// Certificates in PEM, by their fingerprint.
    pub authorities: Vec<(String, String)>,
}

/// An authority that is to be known from now on.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    pub fingerprint: String,
    /// PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: Plaintext,
}

impl Odb {
    /// `None` where the cluster has no authority: its members talk in the clear.
    pub fn trust(&self) -> Result<Option<Trust>, Error> {
        self.read(find)
    }

    /// The cluster gets its authority. Refused where it has one.
    pub fn found_trust(
        &self,
        by: &By,
        key: &MasterKey,
        cluster: &str,
        roll: &str,
        first: &NewAuthority,
    ) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            if find(connection)?.is_some() {
                return Err(Error::RevisionMismatch { current: 1 });
            }
            let row = (trust::id.eq(ROW), trust::cluster_name.eq(cluster), trust::roll.eq(roll));
            diesel::insert_into(trust::table).values(row).execute(connection)?;
            insert(connection, recorder, key, first)
        })
    }

    /// From the step that was `seen` to the `next`: an authority may come, and those that are not in `kept` go.
    /// False: it is another step by now.
    pub fn move_roll(
        &self,
        by: &By,
        key: &MasterKey,
        (seen, next): (&str, &str),
        new: Option<&NewAuthority>,
        kept: &[String],
    ) -> Result<bool, Error> {
        self.change(by, |connection, recorder| {
            let row = trust::table.find(ROW).filter(trust::roll.eq(seen));
            if diesel::update(row).set(trust::roll.eq(next)).execute(connection)? == 0 {
                return Ok(false);
            }
            if let Some(new) = new {
                insert(connection, recorder, key, new)?;
            }
            let gone = authority::table.filter(authority::fingerprint.ne_all(kept.to_vec()));
            diesel::delete(gone).execute(connection)?;
            let object = Object { kind: ObjectKind::Authority, id: WHAT, name: WHAT };
            recorder.record(Action::Update, object, Some(json!({"roll": seen})), Some(json!({"roll": next})));
            Ok(true)
        })
    }

    /// The certificate and the private key of an authority, both in PEM.
    pub fn authority(&self, key: &MasterKey, fingerprint: &str) -> Result<(String, Plaintext), Error> {
        let row = authority::table.find(fingerprint).select((authority::certificate, authority::key_json));
        let row = row.first::<(String, String)>(&mut *self.connection()?).optional()?;
        let (certificate, sealed) = row.ok_or_else(|| Error::not_found(WHAT, fingerprint))?;
        let sealed: Sealed = serde_json::from_str(&sealed).map_err(Error::corrupt(WHAT, fingerprint))?;
        Ok((certificate, key.open(place(fingerprint), &sealed)?))
    }
}

/// Ids of the master keys that authorities' keys are sealed with.
pub(crate) fn keys(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    Ok(authority::table.select(authority::key_id).distinct().load(connection)?)
}

fn find(connection: &mut AnyConnection) -> Result<Option<Trust>, Error> {
    let row = trust::table.find(ROW).select((trust::cluster_name, trust::roll));
    let Some((cluster, roll)) = row.first(connection).optional()? else { return Ok(None) };
    let authorities = authority::table
        .order(authority::fingerprint)
        .select((authority::fingerprint, authority::certificate))
        .load(connection)?;
    Ok(Some(Trust { cluster, roll, authorities }))
}

fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    key: &MasterKey,
    new: &NewAuthority,
) -> Result<(), Error> {
    secret::require_key(connection, key)?;
    let sealed = key.seal(place(&new.fingerprint), &new.key)?;
    let row = (
        authority::fingerprint.eq(&new.fingerprint),
        authority::certificate.eq(&new.certificate),
        authority::key_id.eq(&sealed.key_id),
        authority::key_json.eq(json!(sealed).to_string()),
    );
    diesel::insert_into(authority::table).values(row).execute(connection)?;
    let object = Object { kind: ObjectKind::Authority, id: &new.fingerprint, name: WHAT };
    recorder.record(Action::Create, object, None, Some(view(new)));
    Ok(())
}

fn place(fingerprint: &str) -> Place<'_> {
    Place { table: WHAT, id: fingerprint, name: WHAT }
}

fn view(new: &NewAuthority) -> Value {
    json!({"fingerprint": new.fingerprint, "certificate": new.certificate})
}
