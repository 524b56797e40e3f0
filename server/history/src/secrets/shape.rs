//! What looks like a secret.

use std::ops::Range;

const WORDS: [&str; 7] = ["token", "password", "passwd", "passphrase", "secret", "credential", "private_key"];
/// What says where a secret is, and is none.
const HARMLESS_ENDS: [&str; 4] = ["_file", "_path", "_dir", "_folder"];

/// Whether a key of that name holds one.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    WORDS.iter().any(|word| name.contains(word)) && !HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

/// The secret parts of a value, in order: what to add to its key to name them, and where they are.
pub(super) fn parts(name: &str, value: &str) -> Vec<(String, Range<usize>)> {
    if value.is_empty() {
        return Vec::new();
    }
    if is_secret_name(name) {
        return vec![(String::new(), 0..value.len())];
    }
    in_url(value)
}

/// Passwords within a URL: `scheme://user:HERE@host/path?password=HERE`.
fn in_url(value: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let Some(after) = value.find("://").map(|at| at + 3) else { return found };
    let rest = value.get(after..).unwrap_or_default();
    // As much as can be: who writes `/` or `@` unescaped into a password has it hidden too.
    if let Some(at) = rest.rfind('@')
        && let Some(colon) = rest.get(..at).and_then(|user| user.find(':'))
        && colon + 1 < at
    {
        found.push((String::new(), after + colon + 1..after + at));
    }
    let from = found.last().map_or(after, |(_, range)| range.end);
    found.extend(in_query(value, from));
    found
}

fn in_query(value: &str, from: usize) -> Vec<(String, Range<usize>)> {
    let tail = value.get(from..).unwrap_or_default();
    let Some(mut at) = tail.find('?').map(|at| from + at + 1) else { return Vec::new() };
    let mut found = Vec::new();
    for pair in value.get(at..).unwrap_or_default().split('&') {
        if let Some((name, given)) = pair.split_once('=')
            && is_secret_name(name)
            && !given.is_empty()
        {
            let start = at + name.len() + 1;
            found.push((format!("?{name}"), start..start + given.len()));
        }
        at += pair.len() + 1;
    }
    found
}

/// What a comment must not tell: the same, as far as it can be seen in free text. It hides too much rather than
/// too little.
pub(super) fn in_comment(comment: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, sign) in comment.char_indices().filter(|(_, sign)| matches!(sign, '=' | ':')) {
        let before = comment.get(..at).unwrap_or_default();
        let before = before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        let word = before.rsplit(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).next();
        let after = comment.get(at + sign.len_utf8()..).unwrap_or_default();
        let given = after.trim();
        if word.is_some_and(is_secret_name) && !given.is_empty() && !given.starts_with("//") {
            let start = comment.len() - after.trim_start().len();
            found.push(start..start + given.len());
            break;
        }
    }
    let end = found.first().map_or(comment.len(), |range| range.start);
    let mut from = 0;
    while let Some(scheme) = comment.get(from..end).and_then(|text| text.find("://")).map(|at| from + at) {
        let text = comment.get(scheme..end).unwrap_or_default();
        let stop = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
        let stop = scheme + stop.unwrap_or(text.len());
        let url = comment.get(scheme..stop).unwrap_or_default();
        let moved = in_url(url).into_iter().map(|(_, range)| range.start + scheme..range.end + scheme);
        found.extend(moved);
        from = stop.max(scheme + 3);
    }
    found.sort_by_key(|range| range.start);
    found
}
