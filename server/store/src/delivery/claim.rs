//! Claiming: a worker takes due deliveries for itself, for as long as an attempt may take.

use busbar_model::{
    Timestamp, bounds,
    delivery::{Claimed, DeliveryState, Failure, Target, pause_ms},
    run,
};
use diesel::prelude::*;

use super::{Row, WHAT, pass_turn, properties_json, settle::remember};
use crate::{
    connection::AnyConnection,
    dialect::hold_free,
    error::Error,
    id::new_id,
    job::{self, Ended},
    odb::Odb,
    schema::{delivery, delivery_payload},
};

/// Bytes that are claimed at once, if it is more than one delivery.
const BYTES_MAX: i64 = 64 * 1024 * 1024;
/// When to look again whether a target is back.
const AWAY_MS: i64 = 2_000;
/// The code of an attempt of which nothing was heard.
const CLAIM_EXPIRED: &str = "claim-expired";

/// Who claims, and what.
pub struct Claiming<'a> {
    /// The worker, as `Odb::abandon` finds it.
    pub owner: &'a str,
    pub now: Timestamp,
    pub limit: usize,
    /// Targets that have enough to do.
    pub busy: &'a [Target],
    /// How long an attempt at the target may take, in milliseconds; `None` if it is not there.
    pub lease_ms: &'a dyn Fn(&Target) -> Option<u64>,
    /// In 0.0..1.0.
    pub random: f64,
}

#[derive(Debug, Default)]
pub struct Claims {
    pub claimed: Vec<Claimed>,
    /// There may be more that is due.
    pub more: bool,
}

impl Odb {
    /// When a delivery is to be looked after next.
    pub fn next_delivery(&self, busy: &[Target]) -> Result<Option<Timestamp>, Error> {
        let busy: Vec<String> = busy.iter().map(ToString::to_string).collect();
        let next = delivery::table
            .filter(delivery::next_us.lt(super::BEHIND_ANOTHER).and(delivery::target.ne_all(busy)))
            .order(delivery::next_us.asc())
            .select(delivery::next_us);
        let next = next.first::<Option<i64>>(&mut *self.connection()?).optional()?;
        Ok(next.flatten().map(Timestamp))
    }

    /// Takes due deliveries. What is too late, and what was claimed by someone of whom nothing was heard,
    /// is put where it belongs.
    pub fn claim(&self, claiming: &Claiming<'_>) -> Result<Claims, Error> {
        let busy: Vec<String> = claiming.busy.iter().map(ToString::to_string).collect();
        self.write_beside(|connection| {
            let due = delivery::table
                .filter(delivery::next_us.le(claiming.now.0).and(delivery::target.ne_all(&busy)))
                .order(delivery::next_us.asc())
                .limit(i64::try_from(claiming.limit).unwrap_or(i64::MAX));
            // What others are claiming is theirs.
            let rows: Vec<Row> = hold_free!(connection, due.select(Row::as_select()), load)?;
            let mut claims = Claims { claimed: Vec::new(), more: rows.len() == claiming.limit };
            let token = new_id(claiming.now);
            let mut bytes = 0;
            for row in rows {
                bytes += row.payload_bytes;
                if bytes > BYTES_MAX && !claims.claimed.is_empty() {
                    claims.more = true;
                    break;
                }
                claims.claimed.extend(look_after(connection, row, claiming, &token)?);
            }
            Ok(claims)
        })
    }

    /// What workers of a server had claimed before they died is looked after at once. `is_gone` tells by
    /// its owner, `SERVER/…`, whether there is nobody behind a claim.
    pub fn abandon(
        &self,
        server: &str,
        is_gone: &dyn Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.write_beside(|connection| {
            let in_progress = DeliveryState::InProgress.as_str();
            let owners: Vec<Option<String>> = delivery::table
                // All that begins with the server and a slash, by the index: "0" follows the slash.
                .filter(
                    delivery::owner.gt(format!("{server}/")).and(delivery::owner.lt(format!("{server}0"))),
                )
                .filter(delivery::state.eq(in_progress))
                .select(delivery::owner)
                .distinct()
                .load(connection)?;
            let gone: Vec<String> = owners.into_iter().flatten().filter(|owner| is_gone(owner)).collect();
            let theirs =
                delivery::table.filter(delivery::owner.eq_any(gone).and(delivery::state.eq(in_progress)));
            Ok(diesel::update(theirs).set(delivery::next_us.eq(now.0)).execute(connection)?)
        })
    }
}

fn look_after(
    connection: &mut AnyConnection,
    row: Row,
    claiming: &Claiming<'_>,
    token: &str,
) -> Result<Option<Claimed>, Error> {
    let now = claiming.now;
    if row.state()? == DeliveryState::InProgress {
        doubt(connection, &row, claiming)?;
        return Ok(None);
    }
    if row.expires_us <= now.0 {
        diesel::update(delivery::table.find(&row.id))
            .set((
                delivery::state.eq(DeliveryState::Expired.as_str()),
                delivery::next_us.eq(None::<i64>),
                delivery::updated_us.eq(now.0),
                delivery::revision.eq(delivery::revision + 1),
            ))
            .execute(connection)?;
        pass_turn(connection, &row.target, row.order_key.as_deref(), now)?;
        job::end_carried(connection, &row.id, Ended::Failure(expired(&row)?), now)?;
        return Ok(None);
    }
    let Some(lease_ms) = (claiming.lease_ms)(&row.target()?) else {
        let next = now.plus_ms(AWAY_MS).0.min(row.expires_us);
        diesel::update(delivery::table.find(&row.id)).set(delivery::next_us.eq(next)).execute(connection)?;
        return Ok(None);
    };
    take(connection, row, claiming, token, lease_ms).map(Some)
}

/// Why a run has failed whose time is up: as its last attempt did, if there was one.
fn expired(row: &Row) -> Result<run::Error, Error> {
    let failures: Vec<Failure> =
        serde_json::from_str(&row.failures_json).map_err(Error::corrupt(WHAT, &row.id))?;
    let last = failures.last();
    let last = last.map(|last| format!("; the last attempt: {}: {}", last.code, last.message));
    let reason = last.unwrap_or_else(|| format!("; service {:?} was not there", row.target));
    Ok(run::Error { code: "expired".to_owned(), message: format!("its time was up{reason}") })
}

fn take(
    connection: &mut AnyConnection,
    row: Row,
    claiming: &Claiming<'_>,
    token: &str,
    lease_ms: u64,
) -> Result<Claimed, Error> {
    let carries = job::begin_carried(connection, &row.id, claiming.now)?;
    let most = carries.as_ref().and_then(|carried| carried.max_run_ms).unwrap_or(u64::MAX);
    let lease_ms = lease_ms.min(most);
    let lease_ms = i64::try_from(lease_ms.saturating_add(bounds::CLAIM_GRACE_MS)).unwrap_or(i64::MAX);
    diesel::update(delivery::table.find(&row.id))
        .set((
            delivery::state.eq(DeliveryState::InProgress.as_str()),
            delivery::attempts.eq(row.attempts + 1),
            delivery::next_us.eq(claiming.now.plus_ms(lease_ms).0),
            delivery::claim.eq(token),
            delivery::owner.eq(claiming.owner),
            delivery::updated_us.eq(claiming.now.0),
            delivery::revision.eq(delivery::revision + 1),
        ))
        .execute(connection)?;
    let payload =
        delivery_payload::table.find(&row.id).select(delivery_payload::bytes).first::<Vec<u8>>(connection)?;
    let policy = row.policy()?;
    let source = row.source.as_deref().map(str::parse).transpose();
    Ok(Claimed {
        target: row.target()?,
        properties: row.properties(properties_json(connection, &row.id)?.as_deref())?,
        source: source.map_err(Error::corrupt(WHAT, &row.id))?,
        attempt: u32::try_from(row.attempts + 1).map_err(Error::corrupt(WHAT, &row.id))?,
        id: row.id,
        content_type: row.content_type,
        payload,
        policy,
        expires_at: Timestamp(row.expires_us),
        correlation_id: row.correlation_id,
        claim: token.to_owned(),
        carries,
    })
}

/// The attempt may have had its effect outside the bus, or not: it is made again while there are
/// attempts left.
fn doubt(connection: &mut AnyConnection, row: &Row, claiming: &Claiming<'_>) -> Result<(), Error> {
    let policy = row.policy()?;
    let attempt = u32::try_from(row.attempts).map_err(Error::corrupt(WHAT, &row.id))?;
    let failure = Failure {
        attempt,
        at: claiming.now,
        code: CLAIM_EXPIRED.to_owned(),
        message: "nothing was heard of the attempt in time; its outcome is unknown".to_owned(),
    };
    let pause = i64::try_from(pause_ms(&policy, attempt, claiming.random)).unwrap_or(i64::MAX);
    let error = run::Error { code: failure.code.clone(), message: failure.message.clone() };
    let again = (attempt < policy.attempts_max).then(|| claiming.now.plus_ms(pause).0);
    diesel::update(delivery::table.find(&row.id))
        .set((
            delivery::state.eq(DeliveryState::InDoubt.as_str()),
            delivery::next_us.eq(again),
            delivery::claim.eq(None::<String>),
            delivery::owner.eq(None::<String>),
            delivery::failures_json.eq(remember(&row.failures_json, &row.id, failure, false)?),
            delivery::updated_us.eq(claiming.now.0),
            delivery::revision.eq(delivery::revision + 1),
        ))
        .execute(connection)?;
    if again.is_none() {
        pass_turn(connection, &row.target, row.order_key.as_deref(), claiming.now)?;
        job::end_carried(connection, &row.id, Ended::Failure(error), claiming.now)?;
    }
    Ok(())
}
