//! What all calls of a connection have in common.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use busbar_model::connection::http::origin::Base;
use hyper::client::conn::http1;
use tokio::time::Instant;

use crate::{
    AllowList, Breaker, BreakerSettings, ErrorKind, Outside, Refused, Secrets, Settings,
    bounds::READ_AHEAD_BYTES, breaker, credentials::Credentials, dial::Dialer, limits::Limits, pool::Pool,
    redirect, retry, statistics::Counters, tls::Configs,
};

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) base: Base,
    pub(crate) tls: Configs,
    pub(crate) dialer: Dialer,
    pub(crate) pool: Arc<Pool>,
    pub(crate) credentials: Credentials,
    pub(crate) breaker: Option<Mutex<Breaker>>,
    pub(crate) limits: Limits,
    pub(crate) retries: retry::Policy,
    pub(crate) redirects: redirect::Policy,
    pub(crate) first_byte: Duration,
    pub(crate) total: Duration,
    pub(crate) counters: Arc<Counters>,
}

impl Shared {
    pub(crate) fn new(settings: Settings, secrets: &Secrets, outside: Outside) -> Result<Self, Refused> {
        settings.check()?;
        let now = Instant::now();
        let counters = Arc::new(Counters::default());
        let head_bytes_max = settings.bodies.reply_head_bytes_max as usize;
        let mut builder = http1::Builder::new();
        builder.max_header_size(head_bytes_max).max_buf_size(head_bytes_max.max(READ_AHEAD_BYTES));
        Ok(Self {
            base: Base::parse("base_url", &settings.base_url)?,
            tls: Configs::new(&settings.tls, secrets, &outside)?,
            dialer: Dialer {
                allow: AllowList::parse(&settings.allow)?,
                outside,
                connect: Duration::from_millis(settings.timeouts.connect_ms),
            },
            pool: Arc::new(Pool::new(&settings.pool, builder, Arc::clone(&counters))),
            credentials: Credentials::new(&settings.auth, secrets)?,
            breaker: settings.breaker.as_ref().map(|breaker| Mutex::new(Breaker::new(policy(breaker), now))),
            limits: Limits::new(&settings.limits, now),
            retries: retry::Policy::new(&settings.retries),
            redirects: redirect::Policy::new(&settings.redirects),
            first_byte: Duration::from_millis(settings.timeouts.first_byte_ms),
            total: Duration::from_millis(settings.timeouts.total_ms),
            counters,
            settings,
        })
    }

    pub(crate) fn breaker(&self) -> Option<MutexGuard<'_, Breaker>> {
        self.breaker.as_ref().map(|breaker| breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn admit(&self, now: Instant) -> Result<Admitted<'_>, ErrorKind> {
        let admission = match self.breaker() {
            None => None,
            Some(mut breaker) => {
                Some(breaker.admit(now).map_err(|retry_after| ErrorKind::BreakerOpen { retry_after })?)
            }
        };
        Ok(Admitted { shared: self, admission })
    }

    /// A reply that had begun. Of one that took too long it is not known who was slow to read or to write.
    pub(crate) fn broke_off(&self, kind: &ErrorKind) {
        self.counters.failed(kind);
        if matches!(kind, ErrorKind::Body { .. })
            && let Some(mut breaker) = self.breaker()
        {
            breaker.failed(breaker::Admission::ordinary(), Instant::now());
        }
    }
}

/// Leave to go out once. Dropped without a verdict, it tells nothing.
pub(crate) struct Admitted<'a> {
    shared: &'a Shared,
    admission: Option<breaker::Admission>,
}

impl Admitted<'_> {
    pub(crate) fn judge(mut self, is_failure: bool) {
        if let (Some(admission), Some(mut breaker)) = (self.admission.take(), self.shared.breaker()) {
            let now = Instant::now();
            if !is_failure {
                breaker.succeeded(admission, now);
            } else if breaker.failed(admission, now) {
                let host = &self.shared.base.origin.host;
                tracing::warn!(host, "calls keep failing: the circuit breaker opens");
            }
        }
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let (Some(admission), Some(mut breaker)) = (self.admission.take(), self.shared.breaker()) {
            breaker.forget(admission);
        }
    }
}

fn policy(breaker: &BreakerSettings) -> breaker::Policy {
    breaker::Policy {
        failures: breaker.failures,
        percent: breaker.percent,
        window: Duration::from_millis(breaker.window_ms),
        open: Duration::from_millis(breaker.open_ms),
        open_max: Duration::from_millis(breaker.open_max_ms.max(breaker.open_ms)),
    }
}
