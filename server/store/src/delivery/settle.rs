//! Settling: how an attempt ended, recorded by the one who has the claim.

use busbar_model::{
    Timestamp, bounds,
    delivery::{DeliveryState, Failure, Outcome, Settlement},
    run,
    unit::CommitError,
};
use diesel::prelude::*;

use super::{Row, WHAT, pass_turn};
use crate::{
    connection::AnyConnection,
    dialect::hold,
    error::Error,
    job::{self, Ended},
    schema::delivery,
    unit::Stop,
};

pub(crate) fn settle(
    connection: &mut AnyConnection,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<(), Stop> {
    let claimed = delivery::table.find(&settlement.id).filter(delivery::claim.eq(&settlement.claim));
    let row = hold!(connection, claimed.select(Row::as_select()), first).optional()?;
    let Some(row) = row else { return Err(Stop::Refused(CommitError::ClaimLost)) };
    let (state, next_us, counted, failure) = match &settlement.outcome {
        Outcome::Confirmed => (DeliveryState::Confirmed, None, true, None),
        Outcome::Again { at, failure, counted } => {
            (DeliveryState::Waiting, Some(at.0), *counted, Some(failure.clone()))
        }
        Outcome::GivenUp { state, failure } => (*state, None, true, Some(failure.clone())),
    };
    let ended = match &failure {
        None => Ended::Success { output: settlement.output.as_deref() },
        Some(failure) => {
            Ended::Failure(run::Error { code: failure.code.clone(), message: failure.message.clone() })
        }
    };
    let failures = match failure {
        Some(failure) => {
            let repeats = matches!(settlement.outcome, Outcome::Again { counted: false, .. });
            remember(&row.failures_json, &row.id, failure, repeats)?
        }
        None => row.failures_json,
    };
    diesel::update(delivery::table.find(&row.id))
        .set((
            delivery::state.eq(state.as_str()),
            delivery::attempts.eq(row.attempts - i64::from(!counted)),
            delivery::next_us.eq(next_us),
            delivery::claim.eq(None::<String>),
            delivery::owner.eq(None::<String>),
            delivery::failures_json.eq(failures),
            delivery::updated_us.eq(now.0),
            delivery::revision.eq(row.revision + 1),
        ))
        .execute(connection)?;
    if next_us.is_none() {
        pass_turn(connection, &row.target, row.order_key.as_deref(), now)?;
        job::end_carried(connection, &row.id, ended, now)?;
    }
    Ok(())
}

/// The failures with one more; the oldest are forgotten. One that may only repeat that the target is away
/// takes the place of the last that said so.
pub(super) fn remember(
    failures_json: &str,
    id: &str,
    failure: Failure,
    repeats: bool,
) -> Result<String, Error> {
    let mut failures: Vec<Failure> = serde_json::from_str(failures_json).map_err(Error::corrupt(WHAT, id))?;
    let same = |last: &Failure| last.attempt == failure.attempt && last.code == failure.code;
    if repeats && failures.last().is_some_and(same) {
        failures.pop();
    }
    failures.push(failure);
    let surplus = failures.len().saturating_sub(bounds::DELIVERY_FAILURES_KEPT);
    failures.drain(..surplus);
    serde_json::to_string(&failures).map_err(Error::corrupt(WHAT, id))
}
