//! What databases say, for people who may not see values.

use crate::bounds::MESSAGE_CHARS_MAX;

/// One line, of a bounded length.
pub(crate) fn bounded(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MESSAGE_CHARS_MAX).collect()
}

/// Where a value is quoted, its place is kept. What is open to the end is dropped with the rest, since a value may hold
/// quotation marks itself: only the text before the first one and behind the last one is sure to be none.
pub(crate) fn without_quoted(text: &str) -> String {
    let is_mark = |c: char| c == '"' || c == '\'' || c == '`';
    match (text.find(is_mark), text.rfind(is_mark)) {
        (Some(first), Some(last)) => {
            let (before, after) = (&text[..first], text.get(last + 1..).unwrap_or_default());
            bounded(format!("{before}…{after}").trim_end())
        }
        _ => bounded(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        assert_eq!(without_quoted("value \"70000\" is out of range"), "value … is out of range");
        assert_eq!(
            without_quoted("invalid input for type uuid: \"it's \"secret\"\""),
            "invalid input for type uuid: …"
        );
        assert_eq!(without_quoted("division by zero"), "division by zero");
        assert_eq!(bounded("a\nb"), "a b");
    }
}
