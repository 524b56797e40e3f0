//! Secrets stay out of the history: what stands for one is a keyed digest, which tells that it changed but not
//! what it is. Going back puts the secret in again that the present file has in that place.
//!
//! Which values are secret is told by their shape and not by a list of keys, so that a new key can't be
//! forgotten: values of keys that sound like secrets, and passwords within URLs. Comments are looked through in
//! the same way.

mod rewrite;
mod scan;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    rewrite::rewrite,
    scan::{Secret, scan},
};
use crate::{error::Error, key::Key};

const PREFIX: &str = "hidden-";
const DIGITS: usize = 16;

/// Whether what the history shows in place of a secret is in a text. Settings have no use for it.
pub fn holds_placeholder(text: &str) -> bool {
    let from = text.match_indices(PREFIX).map(|(at, _)| at);
    from.filter_map(|at| text.get(at..at + PREFIX.len() + DIGITS)).any(is_placeholder)
}

fn is_placeholder(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

fn placeholder(key: &Key, secret: &Secret<'_>) -> String {
    format!("{PREFIX}{}", key.digest(secret.place, secret.value))
}

/// Settings as the history may have them.
pub(crate) fn hide(text: &str, key: &Key) -> Result<String, Error> {
    let found = scan(text)?;
    Ok(rewrite(text, &found, |secret| placeholder(key, secret)))
}

/// What the history has, with its secrets again.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) text: String,
    /// Places whose secret is the present one, since it is another one by now.
    pub(crate) kept: Vec<String>,
}

/// Puts the secrets of `present` into a text that the history has.
///
/// Where a secret was changed since, the present one is put in: the one before is gone, and most likely no
/// longer good. That holds only where the rest of the value is the same: the password of one database is not
/// sent to another one.
pub(crate) fn restore(recorded: &str, present: &str, key: &Key) -> Result<Restored, Error> {
    let (mut by_placeholder, mut by_place) = (BTreeMap::new(), BTreeMap::new());
    scan(present)?.each(|secret| {
        let value = secret.value.to_owned();
        by_placeholder.insert(placeholder(key, secret), value.clone());
        by_place.insert(secret.place.to_owned(), (secret.rest.to_owned(), value));
    });
    let (mut kept, mut missing) = (BTreeSet::new(), BTreeSet::new());
    let found = scan(recorded)?;
    let text = rewrite(recorded, &found, |secret| {
        if !is_placeholder(secret.value) {
            return secret.value.to_owned();
        }
        if let Some(value) = by_placeholder.get(secret.value) {
            return value.clone();
        }
        if secret.place == scan::COMMENT {
            return secret.value.to_owned();
        }
        match by_place.get(secret.place) {
            Some((rest, value)) if rest == secret.rest => {
                kept.insert(secret.place.to_owned());
                value.clone()
            }
            _ => {
                missing.insert(secret.place.to_owned());
                String::new()
            }
        }
    });
    match missing.is_empty() {
        true => Ok(Restored { text, kept: kept.into_iter().collect() }),
        false => Err(Error::Secrets { places: missing.into_iter().collect() }),
    }
}

#[cfg(test)]
mod tests;
