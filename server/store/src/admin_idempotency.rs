//! Requests of the admin API that came with an `Idempotency-Key`: one effect and one reply for each.
//!
//! A request is `begun` in a transaction of its own, which decides between those that come at once. The
//! transaction that changes something moves it on, as a compare-and-swap on its claim: to `answered` with
//! the reply, or to `applied` where the reply is made later. What a crash at any point leaves:
//!
//! - before the request is begun: nothing; the repeat is the first.
//! - begun, not changed: a row that says that nothing has happened. A repeat takes it over once the claim
//!   is older than `bounds::ADMIN_CLAIM_MS`. Should the first still run, only slowly, its own compare-and-swap fails,
//!   and its change with it: so a claim that is taken over too early costs work, never a second effect.
//! - changed: the reply is there with the change, in one commit. Where a handler makes its reply after the
//!   commit, a crash in between leaves `applied`: a repeat changes nothing and is told that the reply is
//!   lost.
//! - refused (4xx): nothing was changed, so the reply is kept by itself; if it is not, the repeat is
//!   refused anew.

use busbar_model::{Timestamp, bounds, unit::StoredReply};
use diesel::prelude::*;
use uuid::Uuid;

use crate::{connection::AnyConnection, error::Error, odb::Odb, schema::admin_idempotency as table};

const WHAT: &str = "reply";
const BEGUN: &str = "begun";
const APPLIED: &str = "applied";
const ANSWERED: &str = "answered";

/// Rows that had their time and that one request deletes.
const PRUNED_AT_ONCE: i64 = 100;

/// One attempt at a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    actor: String,
    key: String,
    id: String,
}

/// What is to be done with a request that has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is the first: do it.
    Mine(Claim),
    /// It was done, and this was the reply.
    Answered(StoredReply),
    /// It is being done.
    UnderWay,
    /// The key stands for another request.
    Reused,
    /// It was done, but what was to be said of it got lost.
    ReplyLost,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    request_hash: String,
    state: String,
    claimed_us: i64,
    expires_us: i64,
    status: Option<i32>,
    headers_json: Option<String>,
    body: Option<Vec<u8>>,
}

impl Row {
    fn reply(self, key: &str) -> Result<StoredReply, Error> {
        let headers = self.headers_json.unwrap_or_default();
        Ok(StoredReply {
            request_hash: self.request_hash,
            status: u16::try_from(self.status.unwrap_or_default()).map_err(Error::corrupt(WHAT, key))?,
            headers: serde_json::from_str(&headers).map_err(Error::corrupt(WHAT, key))?,
            body: self.body.unwrap_or_default(),
        })
    }
}

impl Odb {
    /// Begins a request, or tells what became of the one before.
    pub fn begin_request(
        &self,
        actor: &str,
        key: &str,
        request_hash: &str,
        now: Timestamp,
    ) -> Result<Begun, Error> {
        let claim = Claim { actor: actor.to_owned(), key: key.to_owned(), id: Uuid::now_v7().to_string() };
        self.write(|connection| {
            prune(connection, now)?;
            let row = table::table
                .find((actor, key))
                .select(Row::as_select())
                .first::<Row>(connection)
                .optional()?;
            let Some(row) = row.filter(|row| row.expires_us > now.0) else {
                insert(connection, &claim, request_hash, now)?;
                return Ok(Begun::Mine(claim.clone()));
            };
            if row.request_hash != request_hash {
                return Ok(Begun::Reused);
            }
            let claim_ms = i64::try_from(bounds::ADMIN_CLAIM_MS).unwrap_or(i64::MAX);
            let is_old = row.claimed_us <= now.plus_ms(-claim_ms).0;
            match row.state.as_str() {
                ANSWERED => row.reply(key).map(Begun::Answered),
                APPLIED if is_old => Ok(Begun::ReplyLost),
                BEGUN if is_old => {
                    insert(connection, &claim, request_hash, now)?;
                    Ok(Begun::Mine(claim.clone()))
                }
                _ => Ok(Begun::UnderWay),
            }
        })
    }

    /// Does a request's work as one transaction, in which the request becomes `answered` with the reply
    /// that `reply` makes of what was done, or `applied` where it makes none. Nothing is done if the
    /// claim was taken over.
    pub fn apply_request<T, E: From<Error>>(
        &self,
        claim: &Claim,
        work: impl FnOnce(&Self) -> Result<T, E>,
        reply: impl FnOnce(&mut T) -> Option<StoredReply>,
    ) -> Result<T, E> {
        self.together(|odb| {
            // First, so that work which would be in vain is not done.
            odb.write(|connection| applied(connection, claim))?;
            let mut done = work(odb)?;
            if let Some(reply) = reply(&mut done) {
                odb.answer_request(claim, &reply)?;
            }
            Ok(done)
        })
    }

    /// Keeps the reply of a request that changed nothing, or whose change is committed.
    pub fn answer_request(&self, claim: &Claim, reply: &StoredReply) -> Result<(), Error> {
        let headers = serde_json::to_string(&reply.headers).map_err(Error::corrupt(WHAT, &claim.key))?;
        self.write(|connection| {
            let ours = table::table.find((&claim.actor, &claim.key)).filter(table::claim.eq(&claim.id));
            let changed = diesel::update(ours)
                .set((
                    table::state.eq(ANSWERED),
                    table::status.eq(i32::from(reply.status)),
                    table::headers_json.eq(&headers),
                    table::body.eq(&reply.body),
                ))
                .execute(connection)?;
            if changed == 0 { Err(Error::ClaimTakenOver) } else { Ok(()) }
        })
    }

    /// Forgets a request that came to nothing, so that a repeat is tried. One that changed something is
    /// not forgotten.
    pub fn forget_request(&self, claim: &Claim) -> Result<(), Error> {
        self.write(|connection| {
            let ours = table::table
                .find((&claim.actor, &claim.key))
                .filter(table::claim.eq(&claim.id).and(table::state.eq(BEGUN)));
            diesel::delete(ours).execute(connection)?;
            Ok(())
        })
    }
}

fn applied(connection: &mut AnyConnection, claim: &Claim) -> Result<(), Error> {
    let ours = table::table
        .find((&claim.actor, &claim.key))
        .filter(table::claim.eq(&claim.id).and(table::state.eq_any([BEGUN, APPLIED])));
    match diesel::update(ours).set(table::state.eq(APPLIED)).execute(connection)? {
        0 => Err(Error::ClaimTakenOver),
        _ => Ok(()),
    }
}

/// In the place of what was there.
fn insert(
    connection: &mut AnyConnection,
    claim: &Claim,
    request_hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let kept_ms = i64::try_from(bounds::IDEMPOTENT_REPLY_KEPT_MS).unwrap_or(i64::MAX);
    diesel::delete(table::table.find((&claim.actor, &claim.key))).execute(connection)?;
    diesel::insert_into(table::table)
        .values((
            table::actor.eq(&claim.actor),
            table::idempotency_key.eq(&claim.key),
            table::request_hash.eq(request_hash),
            table::claim.eq(&claim.id),
            table::state.eq(BEGUN),
            table::claimed_us.eq(now.0),
            table::expires_us.eq(now.plus_ms(kept_ms).0),
        ))
        .execute(connection)?;
    Ok(())
}

fn prune(connection: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    let old = table::table
        .filter(table::expires_us.le(now.0))
        .select((table::actor, table::idempotency_key))
        .limit(PRUNED_AT_ONCE)
        .load::<(String, String)>(connection)?;
    for (actor, key) in &old {
        diesel::delete(table::table.find((actor, key))).execute(connection)?;
    }
    Ok(())
}
