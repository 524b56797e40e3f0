//! Deliveries: messages that the bus has promised to get to a target, and when to try again.

mod outcome;
mod properties;
mod target;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use outcome::{Outcome, Settlement, after_fault, pause_ms};
pub(crate) use outcome::{is_away, may_pass_later};
pub use properties::{Properties, short};
pub use target::Target;

use crate::{bounds, name::Name, time::Timestamp};

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

#[cfg(test)]
mod tests {
    use super::{NewDelivery, Options, Policy, Properties};
    use crate::{bounds, time::Timestamp};

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
