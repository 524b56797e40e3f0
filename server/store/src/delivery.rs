//! Deliveries: handing over, claiming, settling, and what a person does about them.

use busbar_model::{
    Timestamp,
    delivery::{Delivery, DeliveryState, NewDelivery, Policy, Properties, Target},
};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    error::Error,
    key_lock,
    schema::{delivery, delivery_payload, delivery_properties},
};

mod attend;
mod claim;
mod settle;
mod sweep;

pub use attend::{Filter, Retry};
pub use claim::{Claiming, Claims};
pub(crate) use settle::settle;
pub(crate) use sweep::sweep;

pub(crate) const WHAT: &str = "delivery";

/// `next_us` of one that waits for an earlier one with its order key.
const BEHIND_ANOTHER: i64 = i64::MAX;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery, treat_none_as_default_value = false)]
struct Row {
    id: String,
    target: String,
    source: Option<String>,
    content_type: Option<String>,
    order_key: Option<String>,
    payload_bytes: i64,
    attempts_max: i64,
    backoff_ms: i64,
    backoff_max_ms: i64,
    state: String,
    attempts: i64,
    due_us: i64,
    next_us: Option<i64>,
    expires_us: i64,
    claim: Option<String>,
    owner: Option<String>,
    correlation_id: String,
    failures_json: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(new: &NewDelivery) -> Result<Self, Error> {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let is_given_up = new.setback.as_ref().is_some_and(|setback| setback.is_given_up);
        let state = if is_given_up { DeliveryState::Failed } else { DeliveryState::Waiting };
        let failures: Vec<_> = new.setback.iter().map(|setback| &setback.failure).collect();
        Ok(Self {
            id: new.id.clone(),
            target: new.target.to_string(),
            source: new.source.as_ref().map(ToString::to_string),
            content_type: new.content_type.clone(),
            order_key: new.order_key.clone(),
            payload_bytes: signed(new.payload.len() as u64),
            attempts_max: new.policy.attempts_max.into(),
            backoff_ms: signed(new.policy.backoff_ms),
            backoff_max_ms: signed(new.policy.backoff_max_ms),
            state: state.as_str().to_owned(),
            attempts: failures.first().map_or(0, |failure| failure.attempt.into()),
            due_us: new.due_at.0,
            next_us: (!is_given_up).then_some(new.due_at.0),
            expires_us: new.expires_at.0,
            claim: None,
            owner: None,
            correlation_id: new.correlation_id.clone(),
            failures_json: serde_json::to_string(&failures).map_err(Error::corrupt(WHAT, &new.id))?,
            revision: 1,
            created_us: new.created_at.0,
            updated_us: new.created_at.0,
        })
    }

    fn state(&self) -> Result<DeliveryState, Error> {
        self.state.parse().map_err(Error::corrupt::<String>(WHAT, &self.id))
    }

    fn policy(&self) -> Result<Policy, Error> {
        let bad = || Error::corrupt::<std::num::TryFromIntError>(WHAT, &self.id);
        Ok(Policy {
            attempts_max: u32::try_from(self.attempts_max).map_err(bad())?,
            backoff_ms: u64::try_from(self.backoff_ms).map_err(bad())?,
            backoff_max_ms: u64::try_from(self.backoff_max_ms).map_err(bad())?,
        })
    }

    fn target(&self) -> Result<Target, Error> {
        self.target.parse().map_err(Error::corrupt::<String>(WHAT, &self.id))
    }

    fn properties(&self, json: Option<&str>) -> Result<Properties, Error> {
        let properties = json.map(serde_json::from_str).transpose();
        Ok(properties.map_err(Error::corrupt(WHAT, &self.id))?.unwrap_or_default())
    }

    fn into_model(self, properties: Option<&str>) -> Result<Delivery, Error> {
        let bad = || Error::corrupt::<std::num::TryFromIntError>(WHAT, &self.id);
        let source = self.source.as_deref().map(str::parse).transpose();
        Ok(Delivery {
            state: self.state()?,
            policy: self.policy()?,
            target: self.target()?,
            properties: self.properties(properties)?,
            source: source.map_err(Error::corrupt(WHAT, &self.id))?,
            attempts: u32::try_from(self.attempts).map_err(bad())?,
            payload_bytes: u64::try_from(self.payload_bytes).map_err(bad())?,
            failures: serde_json::from_str(&self.failures_json).map_err(Error::corrupt(WHAT, &self.id))?,
            due_at: self.next_us.filter(|next| *next != BEHIND_ANOTHER).map(Timestamp),
            expires_at: Timestamp(self.expires_us),
            id: self.id,
            order_key: self.order_key,
            content_type: self.content_type,
            correlation_id: self.correlation_id,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

pub(crate) fn insert(connection: &mut AnyConnection, new: &NewDelivery) -> Result<(), Error> {
    let mut row = Row::of(new)?;
    lock_order(connection, &row.target, row.order_key.as_deref())?;
    if let Some(key) = &row.order_key
        && is_any_unfinished(connection, &row.target, key, Which::Any)?
    {
        row.next_us = row.next_us.and(Some(BEHIND_ANOTHER));
    }
    diesel::insert_into(delivery::table).values(row).execute(connection)?;
    diesel::insert_into(delivery_payload::table)
        .values((delivery_payload::delivery_id.eq(&new.id), delivery_payload::bytes.eq(&new.payload)))
        .execute(connection)?;
    if !new.properties.is_empty() {
        let json = serde_json::json!(new.properties).to_string();
        let row =
            (delivery_properties::delivery_id.eq(&new.id), delivery_properties::properties_json.eq(json));
        diesel::insert_into(delivery_properties::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Among those of a target with one order key that have not come to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// Whether or not it has the turn.
    Any,
    /// The one that has the turn: there is one at most.
    InTurn,
}

/// Keeps all others from handing over to a target with this order key, and from passing the turn.
fn lock_order(connection: &mut AnyConnection, target: &str, order_key: Option<&str>) -> Result<(), Error> {
    key_lock::lock(connection, order_key.map(|order_key| key_lock::Key::Order { target, order_key }))
}

/// The targets and order keys of those of these deliveries that have one.
pub(crate) fn orders(connection: &mut AnyConnection, ids: &[&str]) -> Result<Vec<(String, String)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ordered = delivery::table
        .filter(delivery::id.eq_any(ids).and(delivery::order_key.is_not_null()))
        .select((delivery::target, delivery::order_key.assume_not_null()));
    Ok(ordered.load(connection)?)
}

fn is_any_unfinished(
    connection: &mut AnyConnection,
    target: &str,
    order_key: &str,
    which: Which,
) -> Result<bool, Error> {
    let mut query = delivery::table
        .filter(delivery::target.eq(target).and(delivery::order_key.eq(order_key)))
        .filter(delivery::next_us.is_not_null())
        .select(delivery::id)
        .into_boxed();
    if which == Which::InTurn {
        query = query.filter(delivery::next_us.lt(BEHIND_ANOTHER));
    }
    Ok(query.first::<String>(connection).optional()?.is_some())
}

/// Where none of a target with one order key has the turn, it is the oldest one's.
fn pass_turn(
    connection: &mut AnyConnection,
    target: &str,
    order_key: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(order_key) = order_key else { return Ok(()) };
    lock_order(connection, target, Some(order_key))?;
    // An older one may have come behind a younger one: ids are made before their units are committed.
    if is_any_unfinished(connection, target, order_key, Which::InTurn)? {
        return Ok(());
    }
    let oldest = delivery::table
        .filter(delivery::target.eq(target).and(delivery::order_key.eq(order_key)))
        .filter(delivery::next_us.eq(BEHIND_ANOTHER))
        .order(delivery::id.asc())
        .select((delivery::id, delivery::due_us))
        .first::<(String, i64)>(connection)
        .optional()?;
    if let Some((id, due_us)) = oldest {
        diesel::update(delivery::table.find(id))
            .set(delivery::next_us.eq(due_us.max(now.0)))
            .execute(connection)?;
    }
    Ok(())
}

/// Of one that has none it says nothing.
fn properties_json(connection: &mut AnyConnection, id: &str) -> Result<Option<String>, Error> {
    let json = delivery_properties::table.find(id).select(delivery_properties::properties_json);
    Ok(json.first(connection).optional()?)
}

fn require(connection: &mut AnyConnection, id: &str) -> Result<Row, Error> {
    let row = delivery::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))
}
