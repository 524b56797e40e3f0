//! What a person sees of deliveries and does about them.

use busbar_model::{
    Timestamp, bounds,
    delivery::{Delivery, DeliveryState},
};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{BEHIND_ANOTHER, Row, WHAT, lock_order, pass_turn, properties_json, require};
use crate::{
    change::{Action, By, Object, ObjectKind},
    connection::AnyConnection,
    dialect::{self, hold},
    error::Error,
    job::{self, Ended},
    odb::Odb,
    page::{Page, Paged},
    schema::{delivery, delivery_payload, delivery_properties},
};

/// Which deliveries a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<DeliveryState>,
    pub target: Option<String>,
    pub source: Option<String>,
    pub correlation_id: Option<String>,
}

/// What is sent instead of what was there.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    pub payload: Option<Vec<u8>>,
    /// Of another payload, where that of the one before is not to stay.
    pub content_type: Option<String>,
}

impl Odb {
    pub fn deliveries(&self, page: &Page, filter: &Filter) -> Result<Paged<Delivery>, Error> {
        let mut query = delivery::table
            .left_join(delivery_properties::table)
            .select((Row::as_select(), delivery_properties::properties_json.nullable()))
            .order(delivery::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(delivery::id.lt(before));
        }
        if let Some(state) = filter.state {
            query = query.filter(delivery::state.eq(state.as_str()));
        }
        if let Some(target) = &filter.target {
            query = query.filter(delivery::target.eq(target));
        }
        if let Some(source) = &filter.source {
            query = query.filter(delivery::source.eq(source));
        }
        if let Some(correlation_id) = &filter.correlation_id {
            query = query.filter(delivery::correlation_id.eq(correlation_id));
        }
        let rows = query.load::<(Row, Option<String>)>(&mut *self.connection()?)?;
        let model = |(row, properties): (Row, Option<String>)| row.into_model(properties.as_deref());
        page.cut(rows, |(row, _)| row.id.clone(), model)
    }

    /// How many there are in each state.
    pub fn delivery_counts(&self) -> Result<Vec<(DeliveryState, u64)>, Error> {
        let rows = delivery::table
            .group_by(delivery::state)
            .select((delivery::state, diesel::dsl::count_star()))
            .load::<(String, i64)>(&mut *self.connection()?)?;
        let count = |state: DeliveryState| {
            let found = rows.iter().find(|(text, _)| text == state.as_str());
            found.and_then(|(_, count)| u64::try_from(*count).ok()).unwrap_or_default()
        };
        Ok(DeliveryState::ALL.map(|state| (state, count(state))).to_vec())
    }

    pub fn delivery(&self, id: &str) -> Result<Delivery, Error> {
        self.read(|connection| whole(connection, id))
    }

    pub fn delivery_payload(&self, id: &str) -> Result<Vec<u8>, Error> {
        let payload = delivery_payload::table.find(id).select(delivery_payload::bytes);
        let found = payload.first(&mut *self.connection()?).optional()?;
        found.ok_or_else(|| Error::not_found(WHAT, id))
    }

    /// Makes one attemptable again, at once and with all its attempts, maybe with another payload: one
    /// compare-and-swap.
    pub fn retry_delivery(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        retry: &Retry,
    ) -> Result<Delivery, Error> {
        self.attend(by, id, expected, Action::Retry, |row, now| {
            row.state = DeliveryState::Waiting.as_str().to_owned();
            row.attempts = 0;
            row.due_us = now.0;
            // One with an order key waits for its turn, which it may have at once.
            row.next_us = Some(if row.order_key.is_some() { BEHIND_ANOTHER } else { now.0 });
            if row.expires_us <= now.0 {
                let lifetime = i64::try_from(bounds::DELIVERY_LIFETIME_MS_DEFAULT).unwrap_or(i64::MAX);
                row.expires_us = now.plus_ms(lifetime).0;
            }
            if let Some(payload) = &retry.payload {
                row.payload_bytes = i64::try_from(payload.len()).unwrap_or(i64::MAX);
                row.content_type = retry.content_type.clone().or(row.content_type.take());
            }
            retry.payload.as_deref()
        })
    }

    /// Gives one up.
    pub fn discard_delivery(&self, by: &By, id: &str, expected: Option<i64>) -> Result<Delivery, Error> {
        self.attend(by, id, expected, Action::Discard, |row, _| {
            row.state = DeliveryState::Discarded.as_str().to_owned();
            row.next_us = None;
            None
        })
    }

    fn attend<'p>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        action: Action,
        edit: impl Fn(&mut Row, Timestamp) -> Option<&'p [u8]>,
    ) -> Result<Delivery, Error> {
        self.change(by, |connection, recorder| {
            let before = hold_in_turn(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            let state = before.state()?;
            let open = matches!(
                state,
                DeliveryState::Waiting
                    | DeliveryState::InDoubt
                    | DeliveryState::Failed
                    | DeliveryState::Expired
            );
            if !open {
                return Err(Error::DeliveryState { id: id.to_owned(), state });
            }
            let mut after = Row { claim: None, owner: None, ..before.clone() };
            let payload = edit(&mut after, by.now);
            after.revision += 1;
            after.updated_us = by.now.0;
            diesel::update(delivery::table.find(id))
                .set((
                    delivery::state.eq(&after.state),
                    delivery::attempts.eq(after.attempts),
                    delivery::due_us.eq(after.due_us),
                    delivery::next_us.eq(after.next_us),
                    delivery::expires_us.eq(after.expires_us),
                    delivery::content_type.eq(&after.content_type),
                    delivery::payload_bytes.eq(after.payload_bytes),
                    delivery::claim.eq(None::<String>),
                    delivery::owner.eq(None::<String>),
                    delivery::updated_us.eq(after.updated_us),
                    delivery::revision.eq(after.revision),
                ))
                .execute(connection)?;
            if let Some(payload) = payload {
                diesel::update(delivery_payload::table.find(id))
                    .set(delivery_payload::bytes.eq(payload))
                    .execute(connection)?;
            }
            pass_turn(connection, &after.target, after.order_key.as_deref(), by.now)?;
            match action {
                Action::Discard => {
                    job::end_carried(connection, id, Ended::discarded(), by.now)?;
                }
                _ => job::reopen_carried(connection, id)?,
            }
            let object = Object { kind: ObjectKind::Delivery, id, name: &after.target };
            recorder.record(action, object, Some(view(&before)), Some(view(&after)));
            // As it is once the turn was passed.
            whole(connection, id)
        })
    }
}

/// With all that have its order key, which the turn may pass to.
fn hold_in_turn(connection: &mut AnyConnection, id: &str) -> Result<Row, Error> {
    if !dialect::has_one_writer(connection) {
        let row = require(connection, id)?;
        lock_order(connection, &row.target, row.order_key.as_deref())?;
    }
    let row = hold!(connection, delivery::table.find(id).select(Row::as_select()), first).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))
}

fn whole(connection: &mut AnyConnection, id: &str) -> Result<Delivery, Error> {
    let row = require(connection, id)?;
    row.into_model(properties_json(connection, id)?.as_deref())
}

/// What the audit trail shows: not what is delivered.
fn view(row: &Row) -> Value {
    json!({"target": row.target, "state": row.state, "attempts": row.attempts, "payload_bytes": row.payload_bytes})
}
