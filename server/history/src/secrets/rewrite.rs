//! Puts something else in the place of secrets, and leaves the rest of the text as its author wrote it.

use super::scan::{Found, Holder, Secret};

pub(super) fn rewrite(text: &str, found: &Found, mut instead: impl FnMut(&Secret<'_>) -> String) -> String {
    let (mut written, mut from) = (String::with_capacity(text.len()), 0);
    for holder in &found.0 {
        written.push_str(text.get(from..holder.span.start).unwrap_or_default());
        let raw = text.get(holder.span.clone()).unwrap_or_default();
        let value = replaced(holder, &mut instead);
        match holder.is_comment {
            true => written.push_str(&value),
            false => written.push_str(&quoted(raw, &holder.value, &value)),
        }
        from = holder.span.end;
    }
    written.push_str(text.get(from..).unwrap_or_default());
    written
}

fn replaced(holder: &Holder, instead: &mut impl FnMut(&Secret<'_>) -> String) -> String {
    let (mut written, mut from) = (String::new(), 0);
    for (secret, range) in holder.secrets() {
        written.push_str(holder.value.get(from..range.start).unwrap_or_default());
        written.push_str(&instead(&secret));
        from = range.end;
    }
    written.push_str(holder.value.get(from..).unwrap_or_default());
    written
}

/// A string in the quotes that it had, where its text can stand in them.
fn quoted(raw: &str, before: &str, value: &str) -> String {
    let plain = !value.contains(['"', '\'', '\\']) && !value.contains(char::is_control);
    let quote = raw.get(..1).unwrap_or_default();
    if plain && raw == format!("{quote}{before}{quote}") {
        return format!("{quote}{value}{quote}");
    }
    toml::Value::String(value.to_owned()).to_string()
}
