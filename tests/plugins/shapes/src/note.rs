//! An operation that answers nothing, and one that shows that it ran.

use busbar_sdk::kv;
use busbar_sdk::prelude::*;

/// Something to keep.
#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    key: String,
    text: String,
}

/// Keeps a note; its caller is told no more than that it was taken.
#[service(rest = "POST /shapes/note")]
pub(crate) fn note(input: Note) -> Result<(), Fault> {
    kv::put(&entry(&input.key), input.text.as_bytes())?;
    Ok(())
}

#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    key: String,
}

#[output]
pub(crate) struct Noted {
    /// Absent if nothing was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Gives the note that is kept under a key.
#[service(rest = "GET /shapes/note/{key}")]
pub(crate) fn noted(input: Key) -> Result<Noted, Fault> {
    let kept = kv::get(&entry(&input.key))?;
    Ok(Noted { text: kept.map(|kept| String::from_utf8_lossy(&kept.value).into_owned()) })
}

fn entry(key: &str) -> String {
    format!("note/{key}")
}
