//! The access log: one JSON line per request, written in blocks.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use busbar_engine::ports::{Access, AccessLog};
use busbar_model::Timestamp;

use crate::{
    clock,
    log_file::LogFile,
    trouble::{self, Trouble},
};

/// Lines wait no longer than this before they are in the file.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Lines that make more bytes than this are written at once.
const BUFFER_BYTES: usize = 64 * 1024;

pub(crate) struct AccessLogFile {
    file: LogFile,
    state: Mutex<State>,
}

struct State {
    buffer: Vec<u8>,
    clock: Clock,
}

/// Writes the time; the seconds' text is made once a second.
#[derive(Default)]
struct Clock {
    second: i64,
    text: String,
}

impl Clock {
    /// As ISO 8601 in UTC, with microseconds.
    fn write(&mut self, out: &mut Vec<u8>, now: Timestamp) {
        let (second, us) = (now.0.div_euclid(1_000_000), now.0.rem_euclid(1_000_000));
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = Timestamp(second * 1_000_000).to_string();
        }
        let whole = self.text.find('.').unwrap_or(self.text.len());
        out.extend_from_slice(&self.text.as_bytes()[..whole]);
        let _ = write!(out, ".{us:06}Z");
    }
}

impl AccessLogFile {
    /// Also starts the task that writes what waits.
    pub(crate) fn start(file: LogFile) -> Arc<Self> {
        let log = Arc::new(Self {
            file,
            state: Mutex::new(State {
                buffer: Vec::with_capacity(2 * BUFFER_BYTES),
                clock: Clock::default(),
            }),
        });
        let flushing = Arc::clone(&log);
        tokio::spawn(async move {
            let mut every = tokio::time::interval(FLUSH_EVERY);
            loop {
                every.tick().await;
                flushing.flush();
            }
        });
        log
    }

    pub(crate) fn flush(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_out(&mut state.buffer);
    }

    fn write_out(&self, buffer: &mut Vec<u8>) {
        if !buffer.is_empty() {
            if let Err(error) = self.file.append(buffer) {
                trouble::note(Trouble::Logs, format!("access log: {error}"));
            }
            buffer.clear();
        }
    }
}

impl AccessLog for AccessLogFile {
    fn record(&self, access: &Access<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { buffer, clock } = &mut *state;
        line(buffer, access, clock, clock::now());
        if buffer.len() >= BUFFER_BYTES {
            self.write_out(buffer);
        }
    }
}

fn line(out: &mut Vec<u8>, access: &Access<'_>, clock: &mut Clock, now: Timestamp) {
    let mut number = itoa::Buffer::new();
    out.extend_from_slice(b"{\"timestamp\":\"");
    clock.write(out, now);
    out.extend_from_slice(b"\",\"level\":\"INFO\",\"target\":\"access\"");
    text(out, "correlation_id", access.correlation.as_str());
    if let Some(trace) = access.trace_id {
        let _ = write!(out, ",\"trace_id\":\"{trace:032x}\"");
    }
    text(out, "method", access.method);
    text(out, "path", access.path);
    text(out, "channel", access.channel);
    text(out, "service", access.service);
    if let Some(caller) = access.caller {
        text(out, "caller", caller);
    }
    let mut count = |name: &str, value: u64| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(number.format(value).as_bytes());
    };
    count("status", u64::from(access.status));
    if let Some(bytes) = access.bytes {
        count("bytes", bytes);
    }
    count("took_us", u64::try_from(access.took.as_micros()).unwrap_or(u64::MAX));
    if let Some(fault) = access.fault {
        text(out, "fault", fault);
    }
    out.extend_from_slice(b"}\n");
}

fn text(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\');
    if plain {
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    } else {
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(out, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use busbar_engine::ports::Access;
    use busbar_model::{Timestamp, correlation::CorrelationId};

    #[test]
    fn a_line_is_json_whatever_the_path_holds() {
        let correlation = CorrelationId::from_unique(1);
        let mut out = Vec::new();
        let access = Access {
            correlation: &correlation,
            trace_id: Some(2),
            method: "GET",
            path: "/a\"\\\n\u{e9}",
            channel: "c",
            service: "s",
            caller: Some("partner"),
            status: 200,
            bytes: Some(64),
            took: Duration::from_micros(1_500),
            fault: None,
        };
        let now = Timestamp(1_700_000_000_000_007);
        super::line(&mut out, &access, &mut super::Clock::default(), now);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(line["timestamp"], now.to_string());
        assert_eq!(line["path"], "/a\"\\\n\u{e9}");
        assert_eq!((line["status"].as_u64(), line["took_us"].as_u64()), (Some(200), Some(1_500)));
        assert!(out.ends_with(b"}\n") && !out[..out.len() - 1].contains(&b'\n'));
    }
}
