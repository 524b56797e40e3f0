//! Deliveries: messages that the bus has promised to get to a target, and when to try again.

mod properties;
mod target;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use properties::Properties;
pub use target::Target;

use crate::{
    bounds,
    fault::{Fault, FaultKind},
    name::Name,
    time::Timestamp,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// For its time, or for another attempt.
    Waiting,
    /// Claimed by a worker.
    InProgress,
    /// The target has it.
    Confirmed,
    /// The claim expired: whether the attempt had its effect is unknown.
    InDoubt,
    /// Given up: the target refuses it, or every attempt failed.
    Failed,
    /// Its time was up before the target had it.
    Expired,
    /// Given up by a person.
    Discarded,
}

impl DeliveryState {
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::InProgress,
        Self::Confirmed,
        Self::InDoubt,
        Self::Failed,
        Self::Expired,
        Self::Discarded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InProgress => "in-progress",
            Self::Confirmed => "confirmed",
            Self::InDoubt => "in-doubt",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            format!("delivery state {text:?} is none of {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

/// How hard is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub attempts_max: u32,
    /// After the first failed attempt; doubled with each further one.
    pub backoff_ms: u64,
    pub backoff_max_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts_max: bounds::DELIVERY_ATTEMPTS_DEFAULT,
            backoff_ms: bounds::DELIVERY_BACKOFF_MS_DEFAULT,
            backoff_max_ms: bounds::DELIVERY_BACKOFF_MAX_MS_DEFAULT,
        }
    }
}

/// What a sender asks for beside the policy; what is absent is the bus's own choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub attempts: Option<u32>,
    pub backoff_ms: Option<u64>,
    pub backoff_max_ms: Option<u64>,
    pub expires_ms: Option<u64>,
    pub delay_ms: Option<u64>,
    pub order_key: Option<String>,
}

/// The run of a job that a delivery carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub run: String,
    /// Time for an attempt, where it is less than the target's calls may take.
    pub max_run_ms: Option<u64>,
}

/// A message that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    pub id: String,
    pub target: Target,
    /// The plugin, the security definition or the channel that sends it.
    pub source: Option<Name>,
    pub content_type: Option<String>,
    pub properties: Properties,
    pub payload: Vec<u8>,
    pub order_key: Option<String>,
    pub policy: Policy,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
    pub correlation_id: String,
    pub created_at: Timestamp,
    pub setback: Option<Setback>,
}

/// What a message met before it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    pub failure: Failure,
    /// It is not tried again unless a person says so.
    pub is_given_up: bool,
}

impl NewDelivery {
    /// Checks what the sender asks for; the error is for the sender.
    pub fn with(mut self, options: Options) -> Result<Self, String> {
        let within = |what: &str, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            Err(format!("{what} is {value}; allowed is {least} to {most}"))
        };
        if let Some(attempts) = options.attempts {
            within("attempts", attempts.into(), 1, bounds::DELIVERY_ATTEMPTS_CEILING.into())?;
            self.policy.attempts_max = attempts;
        }
        let backoff_ceiling = bounds::DELIVERY_BACKOFF_MS_CEILING;
        if let Some(backoff) = options.backoff_ms {
            self.policy.backoff_ms = within("backoff-ms", backoff, 1, backoff_ceiling)?;
        }
        self.policy.backoff_max_ms = self.policy.backoff_max_ms.max(self.policy.backoff_ms);
        if let Some(most) = options.backoff_max_ms {
            self.policy.backoff_max_ms =
                within("backoff-max-ms", most, self.policy.backoff_ms, backoff_ceiling)?;
        }
        let lifetime = bounds::DELIVERY_LIFETIME_MS_CEILING;
        if let Some(expires) = options.expires_ms {
            self.expires_at = self.created_at.plus_ms(signed(within("expires-ms", expires, 1, lifetime)?));
        }
        if let Some(delay) = options.delay_ms {
            self.due_at = self.created_at.plus_ms(signed(within("delay-ms", delay, 0, lifetime)?));
            if self.due_at >= self.expires_at && options.expires_ms.is_some() {
                return Err("it would expire before its first attempt".to_owned());
            }
            if self.due_at >= self.expires_at {
                self.expires_at = self.due_at.plus_ms(signed(bounds::DELIVERY_LIFETIME_MS_DEFAULT));
            }
        }
        if let Some(key) = &options.order_key
            && (key.is_empty() || key.len() > bounds::ORDER_KEY_BYTES_MAX)
        {
            return Err(format!(
                "order-key has {} bytes; allowed is 1 to {}",
                key.len(),
                bounds::ORDER_KEY_BYTES_MAX
            ));
        }
        self.order_key = options.order_key;
        Ok(self)
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub attempt: u32,
    pub at: Timestamp,
    pub code: String,
    pub message: String,
}

/// A delivery as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: String,
    pub target: Target,
    pub source: Option<Name>,
    pub state: DeliveryState,
    pub attempts: u32,
    pub policy: Policy,
    pub order_key: Option<String>,
    pub content_type: Option<String>,
    pub properties: Properties,
    pub payload_bytes: u64,
    /// When something is to be done for it; `None` at its end.
    pub due_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub correlation_id: String,
    /// The last ones, oldest first.
    pub failures: Vec<Failure>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A delivery that this process alone attempts until the claim expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub id: String,
    pub target: Target,
    pub source: Option<Name>,
    pub content_type: Option<String>,
    pub properties: Properties,
    pub payload: Vec<u8>,
    /// 1 for the first.
    pub attempt: u32,
    pub policy: Policy,
    pub expires_at: Timestamp,
    pub correlation_id: String,
    /// What tells this claim from any other.
    pub claim: String,
    pub carries: Option<Carried>,
}

impl Claimed {
    /// Time for an attempt at a target whose calls may take so long.
    pub fn attempt_ms(&self, timeout_ms: u64) -> u64 {
        let most = self.carries.as_ref().and_then(|carried| carried.max_run_ms);
        most.map_or(timeout_ms, |most| most.min(timeout_ms))
    }
}

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
    use super::{
        Claimed, DeliveryState, NewDelivery, Options, Outcome, Policy, Properties, after_fault, pause_ms,
    };
    use crate::{
        bounds,
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

    #[test]
    fn options_are_checked() {
        let new = || NewDelivery {
            id: "1".into(),
            target: "a".parse().unwrap(),
            source: None,
            content_type: None,
            properties: Properties::default(),
            payload: Vec::new(),
            order_key: None,
            policy: Policy::default(),
            due_at: Timestamp(0),
            expires_at: Timestamp(0).plus_ms(1_000),
            correlation_id: String::new(),
            created_at: Timestamp(0),
            setback: None,
        };
        let delayed = new().with(Options { delay_ms: Some(2_000), ..Options::default() }).unwrap();
        assert!(delayed.due_at < delayed.expires_at);
        let slow = new().with(Options { backoff_ms: Some(900_000), ..Options::default() }).unwrap();
        assert_eq!(slow.policy.backoff_max_ms, 900_000);
        for bad in [
            Options { attempts: Some(0), ..Options::default() },
            Options { backoff_ms: Some(10), backoff_max_ms: Some(9), ..Options::default() },
            Options { expires_ms: Some(10), delay_ms: Some(10), ..Options::default() },
            Options { order_key: Some("k".repeat(bounds::ORDER_KEY_BYTES_MAX + 1)), ..Options::default() },
        ] {
            assert!(new().with(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
