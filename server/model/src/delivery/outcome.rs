//! How an attempt ended, and what becomes of its delivery.

use super::{Claimed, DeliveryState, Failure, Policy, signed};
use crate::{
    bounds,
    fault::{Fault, FaultKind},
    time::Timestamp,
};

/// How an attempt ended; committed with the effects of the call if it succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub id: String,
    pub claim: String,
    pub outcome: Outcome,
    /// What the target answered, where someone is told: JSON.
    pub output: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Confirmed,
    /// `counted`: whether it was an attempt at all.
    Again {
        at: Timestamp,
        failure: Failure,
        counted: bool,
    },
    GivenUp {
        state: DeliveryState,
        failure: Failure,
    },
}

impl Failure {
    pub fn of(attempt: u32, fault: &Fault, at: Timestamp) -> Self {
        let message = fault.message.chars().take(bounds::FAILURE_CHARS_MAX).collect();
        Self { attempt, at, code: fault.code.clone(), message }
    }
}

/// What becomes of a delivery whose attempt ended with a fault. `random` is in 0.0..1.0.
pub fn after_fault(claimed: &Claimed, fault: &Fault, now: Timestamp, random: f64) -> Outcome {
    let failure = Failure::of(claimed.attempt, fault, now);
    if !may_pass_later(fault) {
        return Outcome::GivenUp { state: DeliveryState::Failed, failure };
    }
    let counted = !is_away(fault);
    if counted && claimed.attempt >= claimed.policy.attempts_max {
        return Outcome::GivenUp { state: DeliveryState::Failed, failure };
    }
    let pause = pause_ms(&claimed.policy, claimed.attempt, random);
    let asked = fault.retry_after_s.map_or(0, |seconds| u64::from(seconds) * 1_000);
    let at = now.plus_ms(signed(pause.max(asked)));
    if at >= claimed.expires_at {
        return Outcome::GivenUp { state: DeliveryState::Expired, failure };
    }
    Outcome::Again { at, failure, counted }
}

/// Exponential, with full jitter over its upper half: many that failed at once come back spread out.
pub fn pause_ms(policy: &Policy, attempt: u32, random: f64) -> u64 {
    let doubled =
        policy.backoff_ms.saturating_mul(1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX));
    let longest = doubled.min(policy.backoff_max_ms).max(1);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a pause need not be exact"
    )]
    let jitter = (longest as f64 / 2.0 * random.clamp(0.0, 1.0)) as u64;
    longest - longest / 2 + jitter
}

/// A request that is at fault stays so; everything else may pass.
pub(crate) fn may_pass_later(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::InvalidInput | FaultKind::TooLarge | FaultKind::NotAllowed | FaultKind::OutputLimit => {
            false
        }
        FaultKind::Rejected => matches!(fault.status(), 408 | 409 | 423 | 425 | 429),
        _ => true,
    }
}

/// The target was not reached at all: waiting for it uses up no attempts.
pub(crate) fn is_away(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::NotDeployed
            | FaultKind::Quarantined
            | FaultKind::NotFound
            | FaultKind::Overloaded
            | FaultKind::OdbUnavailable
    )
}

#[cfg(test)]
mod tests {
    use super::{Outcome, after_fault, pause_ms};
    use crate::{
        delivery::{Claimed, DeliveryState, Policy, Properties},
        fault::{Fault, FaultKind},
        time::Timestamp,
    };

    fn claimed(attempt: u32) -> Claimed {
        Claimed {
            id: "1".into(),
            target: "mailer.confirm".parse().unwrap(),
            source: None,
            content_type: None,
            properties: Properties::default(),
            payload: Vec::new(),
            attempt,
            policy: Policy { attempts_max: 3, backoff_ms: 1_000, backoff_max_ms: 60_000 },
            expires_at: Timestamp(0).plus_ms(100_000),
            correlation_id: "c".into(),
            claim: "k".into(),
            carries: None,
        }
    }

    fn outcome(attempt: u32, kind: FaultKind, now_ms: i64) -> Outcome {
        after_fault(&claimed(attempt), &Fault::new(kind, "no"), Timestamp(0).plus_ms(now_ms), 0.0)
    }

    #[test]
    fn a_failure_is_tried_again_until_the_attempts_are_used_up() {
        assert!(
            matches!(outcome(1, FaultKind::Failed, 0), Outcome::Again { at, counted: true, .. } if at == Timestamp(500_000))
        );
        assert!(
            matches!(outcome(2, FaultKind::Trap, 0), Outcome::Again { at, .. } if at == Timestamp(1_000_000))
        );
        assert!(matches!(
            outcome(3, FaultKind::Failed, 0),
            Outcome::GivenUp { state: DeliveryState::Failed, .. }
        ));
    }

    #[test]
    fn a_request_at_fault_is_given_up_at_once() {
        for kind in [FaultKind::InvalidInput, FaultKind::Rejected, FaultKind::TooLarge, FaultKind::NotAllowed]
        {
            assert!(
                matches!(outcome(1, kind, 0), Outcome::GivenUp { state: DeliveryState::Failed, .. }),
                "{kind:?}"
            );
        }
        let mut conflict = Fault::new(FaultKind::Rejected, "no");
        conflict.status = Some(409);
        assert!(matches!(after_fault(&claimed(1), &conflict, Timestamp(0), 0.0), Outcome::Again { .. }));
    }

    #[test]
    fn a_target_that_is_away_uses_up_time_but_no_attempts() {
        for away in [FaultKind::NotDeployed, FaultKind::Quarantined] {
            assert!(matches!(outcome(3, away, 0), Outcome::Again { counted: false, .. }));
        }
        assert!(matches!(
            outcome(3, FaultKind::NotDeployed, 99_900),
            Outcome::GivenUp { state: DeliveryState::Expired, .. }
        ));
    }

    #[test]
    fn the_target_may_ask_for_more_time() {
        let fault = Fault::new(FaultKind::RetryLater, "later").with_retry_after_s(30);
        let outcome = after_fault(&claimed(1), &fault, Timestamp(0), 0.9);
        assert!(matches!(outcome, Outcome::Again { at, .. } if at == Timestamp(30_000_000)));
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = Policy { attempts_max: 99, backoff_ms: 100, backoff_max_ms: 1_000 };
        let pauses: Vec<u64> = (1..=6).map(|attempt| pause_ms(&policy, attempt, 1.0)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(pause_ms(&policy, 1, 0.0), 50);
        assert_eq!(pause_ms(&policy, 99, 0.5), 750);
    }
}
