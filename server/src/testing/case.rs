//! What stands in a file of cases: one case, or a list of them.

pub(super) mod connection;
mod dictionary;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use busbar_model::Name;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use self::connection::Others;
use crate::client::Usage;

/// A file with its cases.
#[derive(Debug)]
pub(super) struct CaseFile {
    pub(super) path: PathBuf,
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) service: Name,
    /// Nothing if it is not given.
    #[serde(default, deserialize_with = "present")]
    pub(super) input: Option<Value>,
    #[serde(default)]
    pub(super) given: Given,
    #[serde(default)]
    pub(super) expect: Expect,
    #[serde(default)]
    pub(super) effects: Effects,
}

/// What the call meets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Given {
    /// Values that the plugin keeps, as JSON.
    pub(super) kv: BTreeMap<String, Value>,
    /// Values that it keeps as text.
    pub(super) kv_text: BTreeMap<String, String>,
    pub(super) config: Map<String, Value>,
    pub(super) secrets: BTreeMap<Name, String>,
    /// Answers of other services.
    pub(super) services: BTreeMap<Name, Vec<Answer>>,
    /// Answers of systems of others, by connection.
    pub(super) connections: BTreeMap<Name, Others>,
    pub(super) dictionaries: BTreeMap<Name, dictionary::Given>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) caller: Option<Name>,
    pub(super) attempt: u32,
    pub(super) idempotency_key: Option<String>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            kv: BTreeMap::new(),
            kv_text: BTreeMap::new(),
            config: Map::new(),
            secrets: BTreeMap::new(),
            services: BTreeMap::new(),
            connections: BTreeMap::new(),
            dictionaries: BTreeMap::new(),
            headers: BTreeMap::new(),
            caller: None,
            attempt: 1,
            idempotency_key: None,
        }
    }
}

impl Given {
    /// A dictionary whose parts do not go together.
    fn unfit(&self) -> Option<String> {
        let unfit = |(name, given): (&Name, &dictionary::Given)| {
            given.table().err().map(|text| format!("dictionary {name}: {text}"))
        };
        self.dictionaries.iter().find_map(unfit)
    }
}

/// What a double says to an input.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// Any if it is not given.
    #[serde(default, deserialize_with = "present")]
    pub(super) input: Option<Value>,
    /// Null if neither it nor a fault is given.
    #[serde(default, deserialize_with = "present")]
    pub(super) output: Option<Value>,
    pub(super) fault: Option<AnsweredFault>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnsweredFault {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    /// A 4xx rejects, 503 asks to come again, 500 fails; 400 if it is not given.
    #[serde(default = "rejected")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) retry_after_s: Option<u32>,
}

fn rejected() -> u16 {
    400
}

/// What must come of the call.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    pub(super) status: Option<u16>,
    pub(super) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "present")]
    pub(super) output: Option<Value>,
    /// The output may have more members than these.
    #[serde(deserialize_with = "present")]
    pub(super) output_contains: Option<Value>,
    pub(super) fault: Option<ExpectedFault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedFault {
    pub(super) code: String,
    /// Where in the input, in this order.
    pub(super) errors: Option<Vec<String>>,
}

/// What must have been committed. What is not given is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Effects {
    /// All the keys that were written; null is a key that was deleted.
    pub(super) kv: Option<BTreeMap<String, Value>>,
    /// All the messages that were handed over, asynchronous calls too.
    pub(super) deliveries: Option<Vec<ExpectedDelivery>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedDelivery {
    pub(super) service: Name,
    #[serde(default, deserialize_with = "present")]
    pub(super) input: Option<Value>,
    pub(super) order_key: Option<String>,
}

/// A value that is given, even if it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl CaseFile {
    pub(super) fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read_to_string(&path);
        let text =
            text.map_err(|error| Usage::error(format!("{} can't be read: {error}", path.display())))?;
        let cases = parse(&text).map_err(|text| Usage::error(format!("{}:{text}", path.display())))?;
        Ok(Self { path, cases })
    }
}

/// The error begins with line and column.
fn parse(text: &str) -> Result<Vec<Case>, String> {
    let list = text.trim_start().starts_with('[');
    let parsed = if list {
        serde_json::from_str::<Vec<Case>>(text)
    } else {
        serde_json::from_str::<Case>(text).map(|case| vec![case])
    };
    let cases = parsed.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        format!("{line}:{column}: {}", message.strip_suffix(&place).unwrap_or(&message))
    })?;
    let wrong = |case: &Case| case.contradiction().map(str::to_owned).or_else(|| case.given.unfit());
    match cases.iter().find_map(|case| Some((case, wrong(case)?))) {
        Some((case, text)) => Err(format!(" case {:?}: {text}", case.name)),
        None => Ok(cases),
    }
}

impl Case {
    /// What can't be meant.
    fn contradiction(&self) -> Option<&'static str> {
        let Expect { output, output_contains, fault, .. } = &self.expect;
        if fault.is_some() && (output.is_some() || output_contains.is_some()) {
            return Some("a call has an output or a fault, not both");
        }
        if output.is_some() && output_contains.is_some() {
            return Some("expect either output or output_contains");
        }
        let mut answers = self.given.services.values().flatten();
        if answers.any(|answer| answer.output.is_some() && answer.fault.is_some()) {
            return Some("a double answers with an output or a fault, not both");
        }
        if let Some(text) = self.given.connections.values().find_map(Others::contradiction) {
            return Some(text);
        }
        if self.given.services.contains_key(&self.service) {
            return Some("the service that is tested has no double");
        }
        if self.given.attempt == 0 {
            return Some("the first attempt is number 1");
        }
        None
    }

    /// For people.
    pub(super) fn place(&self, file: &Path) -> String {
        format!("{} ({})", self.name, file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_file_holds_one_case_or_several() {
        let one = r#"{"name": "a", "service": "x.y", "expect": {"output": null}}"#;
        assert_eq!(parse(one).unwrap()[0].expect.output, Some(serde_json::Value::Null));
        assert_eq!(parse(&format!("[{one}, {one}]")).unwrap().len(), 2);
        assert_eq!(parse(one).unwrap()[0].given.attempt, 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let error = parse("{\"name\": \"a\",\n \"service\": \"x.y\",\n \"expects\": {}}").unwrap_err();
        assert!(error.starts_with("3:10: unknown field `expects`, expected one of `name`"), "{error}");
        let error = parse("[{\"name\": \"a\", \"service\": \"X\"}]").unwrap_err();
        assert!(error.starts_with("1:") && error.contains("name \"X\" is not valid"), "{error}");
        for (contradiction, word) in [
            (r#""expect": {"output": 1, "fault": {"code": "x"}}"#, "not both"),
            (r#""expect": {"output": 1, "output_contains": 1}"#, "either"),
            (r#""given": {"services": {"a": [{"output": 1, "fault": {"code": "x"}}]}}"#, "not both"),
            (r#""given": {"services": {"x": []}}"#, "no double"),
            (r#""given": {"attempt": 0}"#, "number 1"),
            (
                r#""given": {"dictionaries": {"d": {"systems": ["erp"]}}}"#,
                "dictionary d: /systems: has 1 items",
            ),
            (r#""given": {"connections": {"a": {}}}"#, "one kind"),
            (r#""given": {"connections": {"a": {"http": [], "sql": []}}}"#, "one kind"),
            (
                r#""given": {"connections": {"a": {"http": [{"reply": {}, "fault": {"code": "x"}}]}}}"#,
                "not both",
            ),
            (
                r#""given": {"connections": {"a": {"http": [{"reply": {"json": 1, "text": ""}}]}}}"#,
                "not both",
            ),
            (r#""given": {"connections": {"a": {"soap": [{"output": 1}]}}}"#, "to an operation or"),
            (
                r#""given": {"connections": {"a": {"soap": [{"operation": "o", "reply": {}}]}}}"#,
                "an envelope a reply",
            ),
            (
                r#""given": {"connections": {"a": {"soap": [{"operation": "o", "output": 1, "fault": {"code": "x"}}]}}}"#,
                "one of output",
            ),
            (
                r#""given": {"connections": {"a": {"sql": [{"statement": "s", "rows": [], "affected": 1}]}}}"#,
                "one of rows",
            ),
        ] {
            let error = parse(&format!(r#"{{"name": "a", "service": "x", {contradiction}}}"#)).unwrap_err();
            assert!(error.starts_with(" case \"a\": ") && error.contains(word), "{error}");
        }
    }
}
