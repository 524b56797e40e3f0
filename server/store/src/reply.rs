//! Replies kept under callers' idempotency keys.

use busbar_model::{
    Timestamp, bounds,
    unit::{CommitError, ReplyKey, StoredReply},
};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection, dialect::hold_free, error::Error, odb::Odb, schema::idempotent_reply,
    unit::Stop,
};

const WHAT: &str = "reply";

impl Odb {
    /// The reply under a key, unless it was forgotten.
    pub fn reply(&self, key: &ReplyKey, now: Timestamp) -> Result<Option<StoredReply>, Error> {
        let row = idempotent_reply::table
            .find((&key.scope, &key.key))
            .filter(idempotent_reply::expires_us.gt(now.0))
            .select((
                idempotent_reply::request_hash,
                idempotent_reply::status,
                idempotent_reply::headers_json,
                idempotent_reply::body,
            ))
            .first::<(String, i32, String, Vec<u8>)>(&mut *self.connection()?)
            .optional()?;
        let Some((request_hash, status, headers, body)) = row else { return Ok(None) };
        Ok(Some(StoredReply {
            request_hash,
            status: u16::try_from(status).map_err(Error::corrupt(WHAT, &key.key))?,
            headers: serde_json::from_str(&headers).map_err(Error::corrupt(WHAT, &key.key))?,
            body,
        }))
    }
}

pub(crate) fn keep(
    connection: &mut AnyConnection,
    key: &ReplyKey,
    reply: &StoredReply,
    now: Timestamp,
) -> Result<(), Stop> {
    let row = idempotent_reply::table.find((&key.scope, &key.key));
    let kept = row.select(idempotent_reply::expires_us).first::<i64>(connection).optional()?;
    match kept {
        Some(expires_us) if expires_us > now.0 => return Err(Stop::Refused(CommitError::KeyTaken)),
        Some(_) => {
            diesel::delete(idempotent_reply::table.find((&key.scope, &key.key))).execute(connection)?;
        }
        None => {}
    }
    let kept_ms = i64::try_from(bounds::IDEMPOTENT_REPLY_KEPT_MS).unwrap_or(i64::MAX);
    let headers = serde_json::to_string(&reply.headers).map_err(Error::corrupt(WHAT, &key.key))?;
    diesel::insert_into(idempotent_reply::table)
        .values((
            idempotent_reply::scope.eq(&key.scope),
            idempotent_reply::key.eq(&key.key),
            idempotent_reply::request_hash.eq(&reply.request_hash),
            idempotent_reply::status.eq(i32::from(reply.status)),
            idempotent_reply::headers_json.eq(headers),
            idempotent_reply::body.eq(&reply.body),
            idempotent_reply::expires_us.eq(now.plus_ms(kept_ms).0),
        ))
        .execute(connection)?;
    Ok(())
}

/// Deletes some of the replies whose time is up; tells how many.
pub(crate) fn sweep(connection: &mut AnyConnection, now: Timestamp, most: i64) -> Result<usize, Error> {
    let old = idempotent_reply::table
        .filter(idempotent_reply::expires_us.le(now.0))
        .select((idempotent_reply::scope, idempotent_reply::key))
        .limit(most);
    // One that others are about to write again stays.
    let old = hold_free!(connection, old, load::<(String, String)>)?;
    for key in &old {
        diesel::delete(idempotent_reply::table.find((&key.0, &key.1))).execute(connection)?;
    }
    Ok(old.len())
}
