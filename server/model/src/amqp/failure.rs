//! What becomes of a queue's message whose call failed.

use crate::{
    amqp::Amqp,
    delivery::{Policy, is_away, may_pass_later, pause_ms},
    fault::Fault,
};

/// What is to be done next with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Tried again in its place, after a pause. `counted`: whether this was an attempt at all.
    Again { after_ms: u64, counted: bool },
    /// Handed to the outbox, which tries again after a pause; the queue goes on.
    Later { after_ms: u64 },
    /// Given up.
    Failed,
}

impl Amqp {
    /// How the outbox goes on with a message that is handed to it.
    pub fn policy(&self) -> Policy {
        let retry = self.retry;
        Policy {
            attempts_max: retry.attempts.max(1),
            backoff_ms: retry.backoff_ms,
            backoff_max_ms: retry.backoff_max_ms,
        }
    }

    /// After an attempt that failed, the first being 1. `random` is in 0.0..1.0.
    pub fn after_failure(&self, attempt: u32, fault: &Fault, random: f64) -> Next {
        let asked = fault.retry_after_s.map_or(0, |seconds| u64::from(seconds) * 1_000);
        let pause = |number: u32| pause_ms(&self.policy(), number, random).max(asked);
        if !may_pass_later(fault) {
            return Next::Failed;
        }
        if is_away(fault) {
            // Those behind it would fare no better.
            return Next::Again { after_ms: pause(1), counted: false };
        }
        let paused = attempt.saturating_sub(self.retry.immediate);
        if paused == 0 {
            return Next::Again { after_ms: asked, counted: true };
        }
        match (paused <= self.retry.attempts, self.ordered) {
            (true, true) => Next::Again { after_ms: pause(paused), counted: true },
            // The outbox has the attempts that are left.
            (true, false) => Next::Later { after_ms: pause(1) },
            (false, _) => Next::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        amqp::{Amqp, Next, Retry},
        fault::{Fault, FaultKind},
    };

    fn channel(immediate: u32, attempts: u32, ordered: bool) -> Amqp {
        let retry = Retry { immediate, attempts, backoff_ms: 1_000, backoff_max_ms: 3_000 };
        Amqp { retry, ordered, ..Amqp::new("broker".parse().unwrap(), "orders".to_owned()) }
    }

    fn fault(kind: FaultKind) -> Fault {
        Fault::new(kind, "no")
    }

    #[test]
    fn attempts_at_once_come_first_and_the_outbox_has_the_others() {
        let (channel, failed) = (channel(2, 3, false), fault(FaultKind::Failed));
        let at_once = Next::Again { after_ms: 0, counted: true };
        let next: Vec<Next> = (1..=3).map(|attempt| channel.after_failure(attempt, &failed, 1.0)).collect();
        assert_eq!(next, [at_once, at_once, Next::Later { after_ms: 1_000 }]);
        assert_eq!(channel.policy().attempts_max, 3);
        let asking = failed.clone().with_retry_after_s(7);
        assert_eq!(channel.after_failure(3, &asking, 1.0), Next::Later { after_ms: 7_000 });
    }

    #[test]
    fn an_ordered_channel_waits_in_its_place() {
        let (channel, failed) = (channel(1, 3, true), fault(FaultKind::Failed));
        let again = |after_ms| Next::Again { after_ms, counted: true };
        let next: Vec<Next> = (1..=5).map(|attempt| channel.after_failure(attempt, &failed, 1.0)).collect();
        assert_eq!(next, [again(0), again(1_000), again(2_000), again(3_000), Next::Failed]);
    }

    #[test]
    fn what_can_not_pass_has_failed_and_what_is_away_is_waited_for() {
        let channel = channel(5, 5, false);
        assert_eq!(channel.after_failure(1, &fault(FaultKind::InvalidInput), 1.0), Next::Failed);
        let away = channel.after_failure(9, &fault(FaultKind::NotDeployed), 1.0);
        assert_eq!(away, Next::Again { after_ms: 1_000, counted: false });
        let hopeless = Amqp { retry: Retry { immediate: 0, attempts: 0, ..channel.retry }, ..channel };
        assert_eq!(hopeless.after_failure(1, &fault(FaultKind::Failed), 1.0), Next::Failed);
    }
}
