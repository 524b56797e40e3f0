//! Nonces of messages that were received, so that none is received twice by any worker.

use busbar_model::{
    Timestamp,
    unit::{CommitError, NonceClaim},
};
use diesel::prelude::*;

use crate::{connection::AnyConnection, dialect::hold_free, error::Error, schema::used_nonce, unit::Stop};

/// Refused where it is claimed already and the claim has not expired.
pub(crate) fn claim(connection: &mut AnyConnection, claim: &NonceClaim, now: Timestamp) -> Result<(), Stop> {
    let row = used_nonce::table.find((&claim.security, &claim.nonce_sha256));
    let claimed = row.select(used_nonce::expires_us).first::<i64>(connection).optional()?;
    match claimed {
        Some(expires_us) if expires_us > now.0 => return Err(Stop::Refused(CommitError::Replayed)),
        Some(_) => {
            diesel::delete(used_nonce::table.find((&claim.security, &claim.nonce_sha256)))
                .execute(connection)?;
        }
        None => {}
    }
    diesel::insert_into(used_nonce::table)
        .values((
            used_nonce::security.eq(&claim.security),
            used_nonce::nonce.eq(&claim.nonce_sha256),
            used_nonce::expires_us.eq(claim.expires_at.0),
        ))
        .execute(connection)?;
    Ok(())
}

/// Deletes some of the claims whose time is up; tells how many.
pub(crate) fn sweep(connection: &mut AnyConnection, now: Timestamp, most: i64) -> Result<usize, Error> {
    let old = used_nonce::table
        .filter(used_nonce::expires_us.le(now.0))
        .select((used_nonce::security, used_nonce::nonce))
        .limit(most);
    // One that others are about to write again stays.
    let old = hold_free!(connection, old, load::<(String, String)>)?;
    for key in &old {
        diesel::delete(used_nonce::table.find((&key.0, &key.1))).execute(connection)?;
    }
    Ok(old.len())
}
