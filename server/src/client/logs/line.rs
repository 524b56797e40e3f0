//! One line of a log, and how a person sees it.

use std::{fmt::Write as _, sync::Arc};

use busbar_model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::filter::Level;
use crate::client::text::one_line;

/// What lines are chosen and ordered by.
#[derive(Deserialize)]
pub(super) struct Head {
    timestamp: Timestamp,
    pub(super) level: Level,
    #[serde(default)]
    pub(super) correlation_id: Value,
    #[serde(default)]
    pub(super) service: Value,
}

pub(super) struct Line {
    pub(super) head: Head,
    process: Arc<str>,
    text: String,
}

impl Line {
    /// `None`: no line of ours, or one that was half written.
    pub(super) fn parse(text: &str, process: &Arc<str>) -> Option<Self> {
        let head = serde_json::from_str(text).ok()?;
        Some(Self { head, process: Arc::clone(process), text: text.to_owned() })
    }

    pub(super) fn time(&self) -> Timestamp {
        self.head.timestamp
    }

    /// The JSON as it was written.
    pub(super) fn raw(&self) -> &str {
        &self.text
    }
}

/// By time; those of the same moment stay as they are.
pub(super) fn sort(lines: &mut [Line]) {
    lines.sort_by_key(Line::time);
}

/// How lines are shown to a person.
pub(super) struct Look {
    colours: bool,
}

/// What stands in its own place, or says nothing to a person.
const PLACED: [&str; 5] = ["timestamp", "level", "message", "target", "fields"];
/// What makes the message of a line of the access log.
const PLACED_ACCESS: [&str; 4] = ["method", "path", "status", "took_us"];
const PROCESS_WIDTH: usize = 9;

impl Look {
    pub(super) fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// Time, level, process, message, fields.
    pub(super) fn write(&self, line: &Line, out: &mut String) {
        let members: Map<String, Value> = serde_json::from_str(&line.text).unwrap_or_default();
        let access = members.get("target").is_some_and(|target| target == "access");
        let message = if access { request(&members) } else { text(members.get("message")) };
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "{} {} {:PROCESS_WIDTH$} {}",
            milliseconds(line.time()),
            self.level(line.head.level),
            line.process,
            one_line(&message),
        );
        for (name, value) in &members {
            let placed = PLACED.contains(&name.as_str()) || access && PLACED_ACCESS.contains(&name.as_str());
            if !placed {
                let _ = write!(out, " {}={}", one_line(name), one_line(&quoted(value)));
            }
        }
        // A service's own, which are text already.
        let own = text(members.get("fields"));
        if !own.is_empty() {
            let _ = write!(out, " {}", one_line(&own));
        }
    }

    fn level(&self, level: Level) -> String {
        let (name, colour) = match level {
            Level::Error => ("ERROR", 31),
            Level::Warn => (" WARN", 33),
            Level::Info => (" INFO", 32),
            Level::Debug => ("DEBUG", 34),
            Level::Trace => ("TRACE", 35),
        };
        // ECMA-48: SGR.
        if self.colours { format!("\u{1b}[{colour}m{name}\u{1b}[0m") } else { name.to_owned() }
    }
}

/// `2026-11-21T04:05:06.789Z`
fn milliseconds(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_suffix("Z").filter(|whole| whole.len() > 3 && whole.contains('.')) {
        Some(whole) => format!("{}Z", &whole[..whole.len() - 3]),
        None => text,
    }
}

/// `GET /greet/Ada 200 in 1.2 ms`
fn request(members: &Map<String, Value>) -> String {
    let member = |name| text(members.get(name));
    let took_us = members.get("took_us").and_then(Value::as_u64).unwrap_or_default();
    let (whole, tenth) = (took_us / 1_000, took_us % 1_000 / 100);
    format!("{} {} {} in {whole}.{tenth} ms", member("method"), member("path"), member("status"))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// In quotes where it could be taken for more than one field.
fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=', '\n', '\t']) => {
            text.clone()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Line, Look};

    fn shown(value: &serde_json::Value, colours: bool) -> String {
        let line = Line::parse(&value.to_string(), &"worker-0".into()).unwrap();
        let mut out = String::new();
        Look::new(colours).write(&line, &mut out);
        out
    }

    #[test]
    fn a_person_sees_time_level_process_message_and_fields() {
        let value = json!({"timestamp": "2026-11-21T04:05:06.789012Z", "level": "WARN", "message": "it is\nlate",
            "correlation_id": "c-1", "plugin": "greeter", "service": "greeter.greet", "fields": "order=\"7\"",
            "target": "plugin", "text": "a b", "n": 3, "odd": "\u{1b}[2J"});
        let expected = "2026-11-21T04:05:06.789Z  WARN worker-0  it is late correlation_id=c-1 plugin=greeter \
                        service=greeter.greet text=\"a b\" n=3 odd=\u{fffd}[2J order=\"7\"";
        assert_eq!(shown(&value, false), expected);
        assert!(shown(&value, true).contains("\u{1b}[33m WARN\u{1b}[0m worker-0"));
    }

    #[test]
    fn a_request_is_told_in_its_own_way() {
        let value = json!({"timestamp": "2026-11-21T04:05:06.000001Z", "level": "INFO", "target": "access",
            "correlation_id": "c-1", "method": "GET", "path": "/a", "channel": "", "status": 404, "took_us": 1_290});
        let expected =
            "2026-11-21T04:05:06.000Z  INFO worker-0  GET /a 404 in 1.2 ms correlation_id=c-1 channel=\"\"";
        assert_eq!(shown(&value, false), expected);
    }

    #[test]
    fn what_is_no_line_of_a_log_is_none() {
        let good = r#"{"timestamp":"2026-11-21T04:05:06Z","level":"INFO"}"#;
        assert!(Line::parse(good, &"a".into()).is_some());
        for bad in
            ["", "text", "[]", &good[..40], r#"{"level":"INFO"}"#, r#"{"timestamp":"now","level":"INFO"}"#]
        {
            assert!(Line::parse(bad, &"a".into()).is_none(), "{bad}");
        }
    }
}
