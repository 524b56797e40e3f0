//! Which lines are wanted.

use busbar_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::line::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Debug)]
enum Service {
    Named(String),
    Beginning(String),
}

#[derive(Clone, Debug)]
pub(super) struct Filter {
    correlation: Option<String>,
    service: Option<Service>,
    level: Option<Level>,
    since: Option<Timestamp>,
}

impl Filter {
    pub(super) fn new(
        correlation: Option<String>,
        service: Option<&str>,
        level: Option<Level>,
        since: Option<Timestamp>,
    ) -> Self {
        let service = service.map(|name| match name.strip_suffix('*') {
            Some(beginning) => Service::Beginning(beginning.to_owned()),
            None => Service::Named(name.to_owned()),
        });
        Self { correlation, service, level, since }
    }

    /// The text of a line that may be wanted: most are not, and finding that out by reading JSON takes long.
    pub(super) fn candidate<'t>(&self, line: &'t [u8]) -> Option<&'t str> {
        let text = std::str::from_utf8(line).ok()?;
        self.correlation.as_ref().is_none_or(|id| text.contains(id.as_str())).then_some(text)
    }

    /// Whether the line, and so what stands before it in its file, is too old.
    pub(super) fn is_past(&self, line: &Line) -> bool {
        self.since.is_some_and(|since| line.time() < since)
    }

    pub(super) fn takes(&self, line: &Line) -> bool {
        let is = |value: &Value, wanted: &String| value.as_str() == Some(wanted.as_str());
        let head = &line.head;
        !self.is_past(line)
            && self.level.is_none_or(|least| head.level >= least)
            && self.correlation.as_ref().is_none_or(|id| is(&head.correlation_id, id))
            && self.service.as_ref().is_none_or(|service| match service {
                Service::Named(name) => is(&head.service, name),
                Service::Beginning(name) => {
                    head.service.as_str().is_some_and(|service| service.starts_with(name.as_str()))
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::Timestamp;
    use serde_json::json;

    use super::{Filter, Level};
    use crate::client::logs::line::Line;

    #[test]
    fn every_condition_must_hold() {
        let line = json!({"timestamp": "2023-11-14T22:13:20.000000Z", "level": "WARN", "correlation_id": "c-1",
            "service": "orders.get"});
        let line = Line::parse(&line.to_string(), &"worker-0".into()).unwrap();
        let takes = |correlation: Option<&str>, service, level, since: Option<i64>| {
            let since = since.map(|s| Timestamp(s * 1_000_000));
            Filter::new(correlation.map(str::to_owned), service, level, since).takes(&line)
        };
        assert!(takes(None, None, None, None));
        assert!(takes(Some("c-1"), Some("orders.*"), Some(Level::Info), Some(1_700_000_000)));
        assert!(takes(None, Some("orders.get"), Some(Level::Warn), None));
        assert!(takes(None, Some("*"), None, None));
        for (correlation, service, level, since) in [
            (Some("c-"), None, None, None),
            (None, Some("orders"), None, None),
            (None, Some("order.*"), None, None),
            (None, None, Some(Level::Error), None),
            (None, None, None, Some(1_700_000_001)),
        ] {
            assert!(
                !takes(correlation, service, level, since),
                "{correlation:?} {service:?} {level:?} {since:?}"
            );
        }
    }
}
