//! Forgetting deliveries that came to their end long ago.

use busbar_model::{Timestamp, delivery::DeliveryState};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    dialect::hold_free,
    error::Error,
    schema::{delivery, delivery_payload},
};

/// Deletes some of those that ended before a time; tells how many.
pub(crate) fn sweep(
    connection: &mut AnyConnection,
    confirmed_before: Timestamp,
    given_up_before: Timestamp,
    most: i64,
) -> Result<usize, Error> {
    let confirmed = delivery::state.eq(DeliveryState::Confirmed.as_str());
    let given_up = delivery::state.ne(DeliveryState::Confirmed.as_str());
    let old = delivery::table
        .filter(delivery::next_us.is_null())
        .filter(
            given_up
                .and(delivery::updated_us.lt(given_up_before.0))
                .or(confirmed.and(delivery::updated_us.lt(confirmed_before.0))),
        )
        .select(delivery::id)
        .limit(most);
    // One that a person is about to have attempted again stays.
    let old = hold_free!(connection, old, load::<String>)?;
    for id in &old {
        diesel::delete(delivery_payload::table.find(id)).execute(connection)?;
        diesel::delete(delivery::table.find(id)).execute(connection)?;
    }
    Ok(old.len())
}
