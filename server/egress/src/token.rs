//! The token of OAuth 2.0's client credentials: fetched once for all calls that need it, and kept until shortly before
//! its end.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use http::HeaderValue;
use tokio::time::Instant;

use crate::{
    ErrorKind, backoff,
    bounds::{TOKEN_LIFETIME, TOKEN_LIFETIME_MAX, TOKEN_MARGIN_MAX, TOKEN_PAUSE_MAX, TOKEN_PAUSE_MIN},
};

pub(crate) mod grant;

/// After a refused token was replaced, and its successor is refused too, how long that one is kept nevertheless: else
/// each call would fetch one.
const DOUBT: Duration = Duration::from_secs(10);

pub(crate) struct TokenCache {
    kept: Mutex<Kept>,
    /// One fetches, the others wait for what comes of it.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Arc<Token>>,
    /// The next one takes the place of one that was refused before its end.
    replaces_refused: bool,
    failed: u32,
    pause: Option<(Instant, ErrorKind)>,
}

pub(crate) struct Token {
    /// `Bearer …`
    pub(crate) header: HeaderValue,
    since: Instant,
    until: Instant,
    is_replacement: bool,
    /// It was let in at least once.
    is_proven: AtomicBool,
}

/// What a token endpoint gave.
pub(crate) struct Granted {
    pub(crate) header: HeaderValue,
    pub(crate) lifetime: Option<Duration>,
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// From memory, or by `fetch`; fails at once for a while after that failed.
    pub(crate) async fn get(
        &self,
        fetch: impl AsyncFnOnce() -> Result<Granted, ErrorKind>,
    ) -> Result<Arc<Token>, ErrorKind> {
        if let Some(known) = self.known(Instant::now()) {
            return known;
        }
        let _one = self.fetching.lock().await;
        if let Some(known) = self.known(Instant::now()) {
            return known;
        }
        let fetched = fetch().await;
        self.keep(fetched, Instant::now())
    }

    fn known(&self, now: Instant) -> Option<Result<Arc<Token>, ErrorKind>> {
        let kept = self.lock();
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.until) {
            return Some(Ok(Arc::clone(token)));
        }
        kept.pause.as_ref().filter(|(until, _)| now < *until).map(|(_, kind)| Err(kind.clone()))
    }

    fn keep(&self, fetched: Result<Granted, ErrorKind>, now: Instant) -> Result<Arc<Token>, ErrorKind> {
        let mut kept = self.lock();
        match fetched {
            Ok(granted) => {
                let lifetime = granted.lifetime.unwrap_or(TOKEN_LIFETIME).min(TOKEN_LIFETIME_MAX);
                let margin = (lifetime / 10).min(TOKEN_MARGIN_MAX);
                let token = Arc::new(Token {
                    header: granted.header,
                    since: now,
                    until: now + (lifetime - margin),
                    is_replacement: kept.replaces_refused,
                    is_proven: AtomicBool::new(false),
                });
                *kept = Kept { token: Some(Arc::clone(&token)), ..Kept::default() };
                Ok(token)
            }
            Err(kind) => {
                kept.failed = kept.failed.saturating_add(1);
                let pause = backoff::longest(kept.failed, TOKEN_PAUSE_MIN, TOKEN_PAUSE_MAX);
                kept.pause = Some((now + pause, kind.clone()));
                Err(kind)
            }
        }
    }

    /// The other side does not let this token in. True if another one may do better.
    pub(crate) fn refuse(&self, token: &Arc<Token>, now: Instant) -> bool {
        let mut kept = self.lock();
        if !kept.token.as_ref().is_some_and(|current| Arc::ptr_eq(current, token)) {
            return true;
        }
        let is_doubtful = token.is_replacement && !token.is_proven.load(Relaxed);
        if is_doubtful && now < token.since + DOUBT {
            return false;
        }
        kept.token = None;
        kept.replaces_refused = true;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    pub(crate) fn was_let_in(&self) {
        self.is_proven.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(name: &'static str, seconds: u64) -> Result<Granted, ErrorKind> {
        let lifetime = Some(Duration::from_secs(seconds));
        Ok(Granted { header: HeaderValue::from_static(name), lifetime })
    }

    fn down() -> ErrorKind {
        ErrorKind::Auth { text: "down".to_owned() }
    }

    async fn got(cache: &TokenCache, next: &'static str) -> HeaderValue {
        cache.get(async || granted(next, 100)).await.unwrap().header.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_until_shortly_before_its_end() {
        let cache = TokenCache::new();
        assert_eq!(got(&cache, "one").await, "one");
        tokio::time::advance(Duration::from_secs(89)).await;
        assert_eq!(got(&cache, "two").await, "one");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(got(&cache, "two").await, "two");
    }

    #[tokio::test(start_paused = true)]
    async fn one_fetches_for_all() {
        let cache = TokenCache::new();
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            granted("one", 100)
        };
        let (first, second) = tokio::join!(cache.get(slow), got(&cache, "two"));
        assert_eq!((first.unwrap().header.clone(), second), ("one".parse().unwrap(), "one".parse().unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_is_down_is_left_alone_for_longer_and_longer() {
        let cache = TokenCache::new();
        for milliseconds in [250, 500, 1_000] {
            assert_eq!(cache.get(async || Err(down())).await.err(), Some(down()));
            tokio::time::advance(Duration::from_millis(milliseconds - 1)).await;
            assert_eq!(cache.get(async || granted("early", 100)).await.err(), Some(down()));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(got(&cache, "one").await, "one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_but_not_by_each_call() {
        let cache = TokenCache::new();
        let one = cache.get(async || granted("one", 100)).await.unwrap();
        assert!(cache.refuse(&one, Instant::now()));
        let two = cache.get(async || granted("two", 100)).await.unwrap();
        assert!(cache.refuse(&one, Instant::now()), "another call replaced it");
        assert!(!cache.refuse(&two, Instant::now()), "no token helps");
        assert_eq!(got(&cache, "three").await, "two");
        two.was_let_in();
        assert!(cache.refuse(&two, Instant::now()));
        assert_eq!(got(&cache, "three").await, "three");
    }
}
