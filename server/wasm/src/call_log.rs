//! What a service writes to the log, by `log.write` or its standard streams; bounded per call.

use std::{
    borrow::Cow,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use busbar_engine::{accept::Context, catalog::BoundService, ports::Call};
use busbar_model::bounds::CALL_LOG_BYTES_MAX;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::redaction::Redactions;

/// Whom log lines are about; `default` is a component that describes itself.
#[derive(Clone, Default)]
pub(crate) struct Subject(Option<(Arc<Context>, Arc<BoundService>)>);

impl Subject {
    pub(crate) fn of(call: &Call) -> Self {
        Self(Some((Arc::clone(&call.context), Arc::clone(&call.service))))
    }

    /// Correlation id, plugin and service.
    pub(crate) fn names(&self) -> (&str, &str, &str) {
        match &self.0 {
            Some((context, service)) => {
                (context.correlation.as_str(), service.plugin_name.as_str(), service.name.as_str())
            }
            None => ("", "", "describe"),
        }
    }
}

struct Log {
    subject: Subject,
    redactions: Arc<Redactions>,
    /// The beginning of a line that has no end yet.
    partial: Vec<u8>,
    bytes_left: usize,
    dropped: u64,
}

/// Shared between a call's host state and its standard streams.
#[derive(Clone)]
pub(crate) struct CallLog(Arc<Mutex<Log>>);

impl CallLog {
    pub(crate) fn new(subject: Subject, redactions: Arc<Redactions>) -> Self {
        Self(Arc::new(Mutex::new(Log {
            subject,
            redactions,
            partial: Vec::new(),
            bytes_left: CALL_LOG_BYTES_MAX,
            dropped: 0,
        })))
    }

    /// For an instance that is used again.
    pub(crate) fn begin(&self, subject: Subject) {
        let mut log = self.lock();
        log.subject = subject;
        log.bytes_left = CALL_LOG_BYTES_MAX;
    }

    pub(crate) fn write(&self, level: Level, message: &str, fields: &[(String, String)]) {
        self.lock().emit(level, message, fields);
    }

    /// The call's plugin has been shown a secret: its value is to be in no log.
    pub(crate) fn redact(&self, secret: &str, value: &str) {
        let log = self.lock();
        if let Some((_, service)) = &log.subject.0 {
            log.redactions.add(&service.plugin_name, secret, value);
        }
    }

    /// A text of the guest's that others log, without the secrets that its plugin was shown.
    pub(crate) fn redacted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.lock().redacted(text)
    }

    /// The call is over: what has no line end is a line, and what was dropped is told.
    pub(crate) fn end(&self) {
        let mut log = self.lock();
        let rest = std::mem::take(&mut log.partial);
        if !rest.is_empty() {
            log.emit(Level::INFO, &String::from_utf8_lossy(&rest), &[]);
        }
        let dropped = std::mem::take(&mut log.dropped);
        if dropped > 0 {
            let (correlation, plugin, service) = log.subject.names();
            tracing::warn!(target: "plugin", correlation_id = correlation, plugin, service, dropped, "log lines over the limit of the call were dropped");
        }
    }

    fn stream(&self, bytes: &[u8]) {
        let mut log = self.lock();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut log.partial);
            line.extend_from_slice(&rest[..at]);
            log.emit(Level::INFO, &String::from_utf8_lossy(&line), &[]);
            rest = &rest[at + 1..];
        }
        let room = CALL_LOG_BYTES_MAX.saturating_sub(log.partial.len());
        log.partial.extend_from_slice(&rest[..rest.len().min(room)]);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn redacted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactions.apply(self.subject.names().1, text)
    }

    /// What is to be logged, without secrets, and taken off what the call may log; `None`: too much.
    fn charge<'m>(
        &mut self,
        message: &'m str,
        fields: &[(String, String)],
    ) -> Option<(Cow<'m, str>, String)> {
        // What is too long as it came need not be searched.
        let given = message.len() + fields.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
        self.bytes_left.checked_sub(given)?;
        let message = self.redacted(message);
        let field = |(k, v): &(String, String)| format!("{}={:?}", self.redacted(k), self.redacted(v));
        let fields = fields.iter().map(field).collect::<Vec<_>>().join(" ");
        self.bytes_left = self.bytes_left.checked_sub(message.len() + fields.len() + 1)?;
        Some((message, fields))
    }

    fn emit(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        let Some((message, fields)) = self.charge(message, fields) else {
            self.dropped += 1;
            return;
        };
        let (correlation, plugin, service) = self.subject.names();
        macro_rules! at {
            ($level:expr) => {
                tracing::event!(target: "plugin", $level, correlation_id = correlation, plugin, service, fields, "{message}")
            };
        }
        match level {
            Level::ERROR => at!(Level::ERROR),
            Level::WARN => at!(Level::WARN),
            Level::INFO => at!(Level::INFO),
            Level::DEBUG => at!(Level::DEBUG),
            _ => at!(Level::TRACE),
        }
    }
}

impl IsTerminal for CallLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for CallLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for CallLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.stream(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CALL_LOG_BYTES_MAX)
    }
}

#[async_trait::async_trait]
impl Pollable for CallLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for CallLog {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.stream(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
