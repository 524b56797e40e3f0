//! What the processes logged.

use std::fs;

use serde_json::Value;

use crate::{poll, quickstart::Quickstart};

impl Quickstart {
    /// Every line of every `logs/*.jsonl`; panics where one is no JSON object.
    pub fn log_lines(&self) -> Vec<Value> {
        self.log_text().lines().map(parse).collect()
    }

    /// All `logs/*.jsonl`, whole lines only.
    pub fn log_text(&self) -> String {
        let folder = self.path("logs");
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let files = paths.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
        files
            .map(|path| {
                let bytes = fs::read(&path).unwrap_or_default();
                let text = String::from_utf8(bytes).expect("logs are UTF-8");
                // The last line may be half written.
                text[..text.rfind('\n').map_or(0, |end| end + 1)].to_owned()
            })
            .collect()
    }

    /// Waits until there is a line with this correlation id that `wanted` takes.
    pub async fn wait_log(&self, what: &str, correlation: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        poll::until(&format!("a log line of {correlation}: {what}"), poll::CHANGE_BOUND, async || {
            let lines: Vec<Value> =
                self.log_lines().into_iter().filter(|line| mentions(line, correlation)).collect();
            lines.iter().find(|line| wanted(line)).cloned().ok_or_else(|| format!("{lines:?}"))
        })
        .await
    }
}

/// Whether any value in the line is exactly this text.
pub fn mentions(line: &Value, text: &str) -> bool {
    match line {
        Value::String(value) => value == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        _ => false,
    }
}

fn parse(line: &str) -> Value {
    match serde_json::from_str(line) {
        Ok(object @ Value::Object(_)) => object,
        _ => panic!("{line:?} is no JSON object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mentions;

    #[test]
    fn a_mention_is_a_whole_value_at_any_depth() {
        let line = json!({"message": "x", "fields": {"correlation": "abc", "list": ["d"]}});
        assert!(mentions(&line, "abc") && mentions(&line, "d"));
        assert!(!mentions(&line, "ab") && !mentions(&line, "correlation"));
    }
}
