//! How many values a JSON text has, told before any is made: each takes many times the bytes of its text.

use busbar_model::bounds::JSON_VALUES_MAX;

/// A text of more values than are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {JSON_VALUES_MAX} JSON values")]
pub(super) struct TooMany;

/// Counts the values of a text, its objects and arrays among them. What is no JSON is counted somehow, in one pass
/// over the bytes and with no memory, and refused by whoever reads it.
pub(super) fn check(text: &[u8]) -> Result<(), TooMany> {
    // A value takes two bytes at least, itself and what parts it from the next.
    if text.len() / 2 < JSON_VALUES_MAX {
        return Ok(());
    }
    if count(text, JSON_VALUES_MAX) > JSON_VALUES_MAX { Err(TooMany) } else { Ok(()) }
}

/// Stops soon after `most`.
fn count(text: &[u8], most: usize) -> usize {
    let (mut count, mut within_text, mut opened) = (1, false, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if within_text => drop(bytes.next()),
            b'"' => {
                count += usize::from(std::mem::take(&mut opened));
                within_text = !within_text;
            }
            _ if within_text => {}
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b']' | b'}' => opened = false,
            b',' => count += 1,
            b'[' | b'{' => {
                // The first one within what was opened before.
                count += usize::from(opened);
                opened = true;
            }
            _ => count += usize::from(std::mem::take(&mut opened)),
        }
        if count > most {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use busbar_model::bounds::JSON_VALUES_MAX;
    use serde_json::Value;

    use super::{TooMany, check, count};

    fn values(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(values).sum(),
            Value::Object(members) => members.values().map(values).sum::<usize>(),
            _ => 0,
        }
    }

    #[test]
    fn counts_what_a_reader_would_make() {
        for text in [
            "1",
            "[]",
            "{}",
            "[1]",
            "[[]]",
            "[[],[[]],{}]",
            r#"{"a":[1,2,{"b":null}],"c":"x"}"#,
            r#"[ "a,b", "[", "\"],[", "\\" , {"x,y" : [ ] } ]"#,
            " [ 1 , 2 ,\n 3 ] ",
            r#"[["a"],[{}],[-1.5e3]]"#,
        ] {
            assert_eq!(count(text.as_bytes(), 1_000), values(&serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn the_limit_is_exact() {
        // The array itself is a value too.
        let array = |items: usize| format!("[{}1]", "1,".repeat(items - 1)).into_bytes();
        assert_eq!(check(&array(JSON_VALUES_MAX - 1)), Ok(()));
        assert_eq!(check(&array(JSON_VALUES_MAX)), Err(TooMany));
        assert_eq!(check(&vec![b'['; 3 * JSON_VALUES_MAX]), Err(TooMany));
        assert_eq!(check(format!("\"{}\"", ",".repeat(3 * JSON_VALUES_MAX)).as_bytes()), Ok(()));
    }
}
