//! Waiting for what is to come true: by asking, never by sleeping and hoping.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

/// Between two questions.
const INTERVAL: Duration = Duration::from_millis(20);

/// The promise "seen within 2 s", tested at three times its value.
pub const CHANGE_BOUND: Duration = Duration::from_secs(6);

/// A deployment with its compilation, on a machine that is busy.
pub const DEPLOY_BOUND: Duration = Duration::from_secs(60);

/// Asks until the answer is `Ok`; panics with the last `Err` when `bound` has passed.
pub async fn until<T>(what: &str, bound: Duration, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    let mut seen = String::from("nothing was seen");
    loop {
        let left = bound.saturating_sub(started.elapsed());
        match timeout(left.max(INTERVAL), probe()).await {
            Ok(Ok(found)) => return found,
            Ok(Err(other)) => seen = other,
            Err(_) => {}
        }
        assert!(started.elapsed() < bound, "{what}: not within {bound:?}; last seen: {seen}");
        sleep(INTERVAL).await;
    }
}

/// [`until`] with a question that is answered by yes or no.
pub async fn until_true(what: &str, bound: Duration, mut probe: impl AsyncFnMut() -> bool) {
    until(what, bound, async || if probe().await { Ok(()) } else { Err("no".to_owned()) }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asks_until_it_is_so() {
        let mut asked = 0;
        let found = until("three", Duration::from_secs(5), async || {
            asked += 1;
            if asked == 3 { Ok(asked) } else { Err(format!("{asked}")) }
        });
        assert_eq!(found.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "the moon: not within 30ms; last seen: clouds")]
    async fn says_what_it_saw_last() {
        until::<()>("the moon", Duration::from_millis(30), async || Err("clouds".to_owned())).await;
    }

    #[tokio::test]
    #[should_panic(expected = "for ever: not within 30ms")]
    async fn a_question_without_an_answer_is_given_up() {
        until::<()>("for ever", Duration::from_millis(30), std::future::pending).await;
    }
}
