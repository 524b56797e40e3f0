//! Finds the secrets of a settings file, with their place in its text.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::shape::{in_comment, parts};
use crate::error::Error;

/// The place of what stands in a comment.
pub(super) const COMMENT: &str = "a comment";

/// One secret, or what stands for it.
pub(super) struct Secret<'s> {
    /// `section.key`.
    pub(super) place: &'s str,
    pub(super) value: &'s str,
    /// What is around it in its value.
    pub(super) rest: &'s str,
}

/// A text with secrets in it.
pub(super) struct Holder {
    /// In the file, with its quotes.
    pub(super) span: Range<usize>,
    /// As it is meant; of a comment, as it is written.
    pub(super) value: String,
    pub(super) is_comment: bool,
    /// In the value, in order.
    pub(super) parts: Vec<(String, Range<usize>)>,
    pub(super) rest: String,
}

impl Holder {
    fn new(span: Range<usize>, value: &str, parts: Vec<(String, Range<usize>)>, is_comment: bool) -> Self {
        let (mut rest, mut from) = (String::new(), 0);
        for (_, range) in &parts {
            rest.push_str(value.get(from..range.start).unwrap_or_default());
            // No setting has one, so it tells where something was.
            rest.push('\0');
            from = range.end;
        }
        rest.push_str(value.get(from..).unwrap_or_default());
        Self { span, value: value.to_owned(), is_comment, parts, rest }
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = (Secret<'_>, Range<usize>)> {
        self.parts.iter().map(|(place, range)| {
            let value = self.value.get(range.clone()).unwrap_or_default();
            (Secret { place, value, rest: &self.rest }, range.clone())
        })
    }
}

/// All of them, in the order of the text.
pub(super) struct Found(pub(super) Vec<Holder>);

impl Found {
    pub(super) fn each(&self, mut tell: impl FnMut(&Secret<'_>)) {
        self.0.iter().flat_map(Holder::secrets).for_each(|(secret, _)| tell(&secret));
    }
}

pub(super) fn scan(text: &str) -> Result<Found, Error> {
    let table =
        DeTable::parse(text).map_err(|error| Error::NotToml { message: error.message().to_owned() })?;
    let mut search = Search::default();
    search.table(table.get_ref(), "");
    let Search { mut found, mut taken } = search;
    taken.sort_by_key(|span| span.start);
    found.extend(comments(text, &taken));
    found.sort_by_key(|holder| holder.span.start);
    Ok(Found(found))
}

#[derive(Default)]
struct Search {
    found: Vec<Holder>,
    /// Keys and strings: a `#` in them begins no comment.
    taken: Vec<Range<usize>>,
}

impl Search {
    fn table(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            self.taken.push(key.span());
            let name = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.value(value.span(), value.get_ref(), name, &path);
        }
    }

    fn value(&mut self, span: Range<usize>, value: &DeValue<'_>, name: &str, path: &str) {
        match value {
            DeValue::String(text) => {
                self.taken.push(span.clone());
                let named =
                    parts(name, text).into_iter().map(|(more, range)| (format!("{path}{more}"), range));
                let named: Vec<_> = named.collect();
                if !named.is_empty() {
                    self.found.push(Holder::new(span, text, named, false));
                }
            }
            DeValue::Array(values) => {
                for (at, value) in values.iter().enumerate() {
                    self.value(value.span(), value.get_ref(), name, &format!("{path}[{at}]"));
                }
            }
            DeValue::Table(table) => self.table(table, path),
            _ => {}
        }
    }
}

/// Comments with something to hide.
fn comments(text: &str, taken: &[Range<usize>]) -> Vec<Holder> {
    let mut found = Vec::new();
    let (mut at, mut taken) = (0, taken.iter().peekable());
    while let Some(sign) = text.get(at..).and_then(|rest| rest.find('#')).map(|offset| at + offset) {
        while taken.next_if(|span| span.end <= sign).is_some() {}
        if let Some(span) = taken.peek().filter(|span| span.start <= sign) {
            at = span.end;
            continue;
        }
        let rest = text.get(sign..).unwrap_or_default();
        let end = sign + rest.find('\n').unwrap_or(rest.len());
        let comment = text.get(sign..end).unwrap_or_default();
        let parts: Vec<_> =
            in_comment(comment).into_iter().map(|range| (COMMENT.to_owned(), range)).collect();
        if !parts.is_empty() {
            found.push(Holder::new(sign..end, comment, parts, true));
        }
        at = end;
    }
    found
}
