//! Keeps secrets out of the log: values that a plugin was shown are replaced by their secret's name in
//! all that this process logs for it from then on.

use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use busbar_model::{
    Name,
    bounds::{REDACTED_BYTES_MAX, REDACTED_BYTES_MIN},
};

/// What the plugins of a process were shown.
#[derive(Default)]
pub(crate) struct Redactions {
    /// Lets processes without secrets do without the lock.
    any: AtomicBool,
    by_plugin: Mutex<HashMap<Name, Shown>>,
}

/// What one plugin was shown, the latest last.
#[derive(Default)]
struct Shown {
    values: Vec<Value>,
    bytes: usize,
}

struct Value {
    secret: String,
    whole: String,
    /// The value in all the forms in which it may stand in one line.
    forms: Vec<String>,
}

impl Redactions {
    /// From now on the value is not in what `apply` gives for this plugin.
    pub(crate) fn add(&self, plugin: &Name, secret: &str, value: &str) {
        if value.len() < REDACTED_BYTES_MIN {
            return;
        }
        let mut by_plugin = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        match by_plugin.get_mut(plugin) {
            Some(shown) => shown.add(secret, value),
            None => by_plugin.entry(plugin.clone()).or_default().add(secret, value),
        }
        self.any.store(true, Ordering::Release);
    }

    /// The text with `[secret NAME]` in place of each value that the plugin was shown.
    pub(crate) fn apply<'t>(&self, plugin: &str, text: &'t str) -> Cow<'t, str> {
        if !self.any.load(Ordering::Acquire) {
            return Cow::Borrowed(text);
        }
        let by_plugin = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        by_plugin.get(plugin).map_or(Cow::Borrowed(text), |shown| shown.replace(text))
    }
}

impl Shown {
    fn add(&mut self, secret: &str, value: &str) {
        if let Some(at) = self.values.iter().position(|known| known.secret == secret && known.whole == value)
        {
            let known = self.values.remove(at);
            return self.values.push(known);
        }
        let added = Value { secret: secret.to_owned(), whole: value.to_owned(), forms: forms(value) };
        self.bytes += added.bytes();
        self.values.push(added);
        // Those shown last are in use; the others were replaced long ago.
        while self.bytes > REDACTED_BYTES_MAX && self.values.len() > 1 {
            self.bytes -= self.values.remove(0).bytes();
        }
    }

    fn replace<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut places: Vec<(Range<usize>, &str)> = Vec::new();
        for value in &self.values {
            for form in &value.forms {
                let found = text.match_indices(form.as_str());
                places.extend(found.map(|(at, _)| (at..at + form.len(), value.secret.as_str())));
            }
        }
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        // All are looked for in the text as it came: a name that was put in is not searched, and values
        // that overlap leave no rest of each other.
        places.sort_by_key(|(place, _)| (place.start, std::cmp::Reverse(place.end)));
        let (mut redacted, mut done) = (String::with_capacity(text.len()), 0);
        for (place, secret) in places {
            if place.start >= done {
                redacted.push_str(&text[done..place.start]);
                redacted.push_str("[secret ");
                redacted.push_str(secret);
                redacted.push(']');
            }
            done = done.max(place.end);
        }
        redacted.push_str(&text[done..]);
        Cow::Owned(redacted)
    }
}

impl Value {
    fn bytes(&self) -> usize {
        self.whole.len() + self.forms.iter().map(String::len).sum::<usize>()
    }
}

/// A value as it is, as it is escaped in quotes, and its lines, which a stream logs one by one.
fn forms(value: &str) -> Vec<String> {
    let escaped = value.escape_debug().to_string();
    let json = serde_json::Value::from(value).to_string();
    let quoted = json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&json).to_owned();
    let lines = value.lines().map(|line| line.trim().to_owned());
    let mut forms = Vec::new();
    for form in [value.to_owned(), value.trim().to_owned(), escaped, quoted].into_iter().chain(lines) {
        if form.len() >= REDACTED_BYTES_MIN && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use busbar_model::{Name, bounds::REDACTED_BYTES_MAX};

    use super::Redactions;

    fn plugin() -> Name {
        "orders".parse().unwrap()
    }

    fn shown(values: &[(&str, &str)]) -> Redactions {
        let redactions = Redactions::default();
        for (secret, value) in values {
            redactions.add(&plugin(), secret, value);
        }
        redactions
    }

    #[test]
    fn a_value_is_replaced_wherever_it_stands() {
        let redactions = shown(&[("pay-key", "open sesame")]);
        let redacted = |text| redactions.apply("orders", text).into_owned();
        assert_eq!(redacted("open sesame"), "[secret pay-key]");
        assert_eq!(redacted("é open sesame,open sesame!"), "é [secret pay-key],[secret pay-key]!");
        assert!(matches!(redactions.apply("orders", "open barley"), Cow::Borrowed("open barley")));
        assert_eq!(
            redactions.apply("others", "open sesame"),
            "open sesame",
            "another plugin's text is its own"
        );
        assert!(matches!(Redactions::default().apply("orders", "open sesame"), Cow::Borrowed(_)));
    }

    #[test]
    fn values_that_overlap_leave_no_rest() {
        let redactions = shown(&[("a", "abcdef"), ("b", "defghi"), ("c", "bcde"), ("d", "secret")]);
        let redacted = |text| redactions.apply("orders", text).into_owned();
        assert_eq!(redacted("<abcdefghi>"), "<[secret a]>");
        assert_eq!(redacted("<bcdefghi>"), "<[secret c]>");
        assert_eq!(redacted("my secret abcdef"), "my [secret d] [secret a]");
    }

    #[test]
    fn a_value_is_found_when_it_is_quoted_or_cut_into_lines() {
        let redactions = shown(&[("json", "a\"b\tc\u{e9}"), ("pem", "-----BEGIN\nline one\r\n  two\n-\n")]);
        let redacted = |text: &str| redactions.apply("orders", text).into_owned();
        assert_eq!(redacted(&format!("{:?}", "a\"b\tc\u{e9}")), "\"[secret json]\"");
        assert_eq!(redacted("{\"x\":\"a\\\"b\\tc\u{e9}\"}"), "{\"x\":\"[secret json]\"}");
        assert_eq!(redacted("line one"), "[secret pem]");
        assert_eq!(redacted("  two"), "  two", "a line as short as this may be anything");
        assert_eq!(redacted("-----BEGIN\nline one\r\n  two\n-\n"), "[secret pem]");
        assert_eq!(redacted("-----BEGIN\nline one\r\n  two\n-"), "[secret pem]");
    }

    #[test]
    fn old_values_are_kept_as_far_as_there_is_room_and_short_ones_never() {
        let redactions = shown(&[("pin", "123"), ("key", "first"), ("key", "second")]);
        assert_eq!(redactions.apply("orders", "123 first second"), "123 [secret key] [secret key]");
        redactions.add(&plugin(), "large", &"x".repeat(REDACTED_BYTES_MAX / 4));
        assert_eq!(redactions.apply("orders", "first"), "[secret key]");
        redactions.add(&plugin(), "key", "first");
        redactions.add(&plugin(), "large", &"y".repeat(REDACTED_BYTES_MAX - 1_000));
        assert_eq!(redactions.apply("orders", "first second yyyy"), "first second yyyy");
        redactions.add(&plugin(), "key", "third");
        assert_eq!(redactions.apply("orders", "third"), "[secret key]");
    }
}
