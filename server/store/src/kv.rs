//! Values that plugins keep.

use busbar_model::{
    Timestamp,
    name::Name,
    unit::{ABSENT, Change, CommitError, Entry, Key, Write},
};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection, dialect::hold_free, error::Error, odb::Odb, schema::kv_entry, unit::Stop,
};

/// Which values a listing gives.
#[derive(Clone, Debug)]
pub struct Range {
    pub plugin: Name,
    pub prefix: String,
    /// Only keys behind this one.
    pub after: Option<String>,
    pub limit: u32,
}

impl Odb {
    /// A value that has not expired.
    pub fn kv(&self, key: &Key, now: Timestamp) -> Result<Option<Entry>, Error> {
        let row = kv_entry::table
            .find((key.plugin.as_str(), &key.key))
            .filter(kv_entry::expires_us.is_null().or(kv_entry::expires_us.gt(now.0)))
            .select((kv_entry::value, kv_entry::version))
            .first::<(Vec<u8>, i64)>(&mut *self.connection()?)
            .optional()?;
        Ok(row.map(|(value, version)| Entry { value, version }))
    }

    /// Values by the order of their keys' bytes.
    pub fn kv_range(&self, range: &Range, now: Timestamp) -> Result<Vec<(String, Entry)>, Error> {
        let mut query = kv_entry::table
            .filter(kv_entry::plugin.eq(range.plugin.as_str()).and(kv_entry::key.ge(&range.prefix)))
            .filter(kv_entry::expires_us.is_null().or(kv_entry::expires_us.gt(now.0)))
            .order(kv_entry::key.asc())
            .limit(range.limit.into())
            .select((kv_entry::key, kv_entry::value, kv_entry::version))
            .into_boxed();
        if let Some(after) = &range.after {
            query = query.filter(kv_entry::key.gt(after));
        }
        if let Some(end) = behind(&range.prefix) {
            query = query.filter(kv_entry::key.lt(end));
        }
        let rows = query.load::<(String, Vec<u8>, i64)>(&mut *self.connection()?)?;
        Ok(rows.into_iter().map(|(key, value, version)| (key, Entry { value, version })).collect())
    }
}

/// The first text behind all that begin with `prefix`.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

pub(crate) fn apply(
    connection: &mut AnyConnection,
    key: &Key,
    write: &Write,
    now: Timestamp,
) -> Result<(), Stop> {
    match (&write.change, write.expected) {
        (Change::Put { value, expires_at }, expected) => {
            let expires_us = expires_at.map(|at| at.0);
            match expected {
                None => set(connection, key, value, expires_us, now),
                Some(ABSENT) => {
                    require_absent(connection, key, now)?;
                    set(connection, key, value, expires_us, now)
                }
                Some(version) => {
                    let ours = live(key, now).filter(kv_entry::version.eq(version));
                    let changed = diesel::update(ours)
                        .set((
                            kv_entry::value.eq(value),
                            kv_entry::expires_us.eq(expires_us),
                            kv_entry::version.eq(kv_entry::version + 1),
                        ))
                        .execute(connection)?;
                    require_one(changed)
                }
            }
        }
        (Change::Delete, None) => {
            diesel::delete(kv_entry::table.find((key.plugin.as_str(), &key.key))).execute(connection)?;
            Ok(())
        }
        (Change::Delete, Some(ABSENT)) => require_absent(connection, key, now),
        (Change::Delete, Some(version)) => {
            let ours = live(key, now).filter(kv_entry::version.eq(version));
            require_one(diesel::delete(ours).execute(connection)?)
        }
        (Change::Add(_), expected) => add(connection, key, &write.change, expected, now),
    }
}

type Live<'k> = diesel::dsl::Filter<
    diesel::dsl::Find<kv_entry::table, (&'k str, &'k String)>,
    diesel::dsl::Or<
        diesel::dsl::IsNull<kv_entry::expires_us>,
        diesel::dsl::Gt<kv_entry::expires_us, i64>,
        diesel::sql_types::Nullable<diesel::sql_types::Bool>,
    >,
>;

/// The key's row, unless it has expired.
fn live(key: &Key, now: Timestamp) -> Live<'_> {
    kv_entry::table
        .find((key.plugin.as_str(), &key.key))
        .filter(kv_entry::expires_us.is_null().or(kv_entry::expires_us.gt(now.0)))
}

fn set(
    connection: &mut AnyConnection,
    key: &Key,
    value: &[u8],
    expires_us: Option<i64>,
    now: Timestamp,
) -> Result<(), Stop> {
    let changed = diesel::update(kv_entry::table.find((key.plugin.as_str(), &key.key)))
        .set((
            kv_entry::value.eq(value),
            kv_entry::expires_us.eq(expires_us),
            kv_entry::version.eq(kv_entry::version + 1),
        ))
        .execute(connection)?;
    if changed == 0 {
        insert(connection, key, value, expires_us, now)?;
    }
    Ok(())
}

/// A key that comes again must not have a version that it had: those grow by one with each change, and
/// time passes faster than that.
fn insert(
    connection: &mut AnyConnection,
    key: &Key,
    value: &[u8],
    expires_us: Option<i64>,
    now: Timestamp,
) -> Result<(), Stop> {
    diesel::insert_into(kv_entry::table)
        .values((
            kv_entry::plugin.eq(key.plugin.as_str()),
            kv_entry::key.eq(&key.key),
            kv_entry::value.eq(value),
            kv_entry::version.eq(now.0),
            kv_entry::expires_us.eq(expires_us),
        ))
        .execute(connection)?;
    Ok(())
}

fn add(
    connection: &mut AnyConnection,
    key: &Key,
    change: &Change,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(), Stop> {
    let row = live(key, now)
        .select((kv_entry::value, kv_entry::version))
        .first::<(Vec<u8>, i64)>(connection)
        .optional()?;
    let version = row.as_ref().map_or(ABSENT, |(_, version)| *version);
    if expected.is_some_and(|expected| expected != version) {
        return Err(Stop::Refused(CommitError::Conflict));
    }
    let before = row.as_ref().map(|(value, _)| value.as_slice());
    let sum = change.over(before).map_err(|_| Stop::Refused(CommitError::NotANumber))?.unwrap_or_default();
    if row.is_none() {
        return set(connection, key, &sum, None, now);
    }
    diesel::update(kv_entry::table.find((key.plugin.as_str(), &key.key)))
        .set((kv_entry::value.eq(sum), kv_entry::version.eq(kv_entry::version + 1)))
        .execute(connection)?;
    Ok(())
}

fn require_absent(connection: &mut AnyConnection, key: &Key, now: Timestamp) -> Result<(), Stop> {
    let found = live(key, now).select(kv_entry::version).first::<i64>(connection).optional()?;
    if found.is_some() { Err(Stop::Refused(CommitError::Conflict)) } else { Ok(()) }
}

fn require_one(changed: usize) -> Result<(), Stop> {
    if changed == 0 { Err(Stop::Refused(CommitError::Conflict)) } else { Ok(()) }
}

/// Deletes some of the values that have expired; tells how many.
pub(crate) fn sweep(connection: &mut AnyConnection, now: Timestamp, most: i64) -> Result<usize, Error> {
    let expired = kv_entry::table
        .filter(kv_entry::expires_us.le(now.0))
        .select((kv_entry::plugin, kv_entry::key))
        .limit(most);
    // One that others are about to write again stays.
    let expired = hold_free!(connection, expired, load::<(String, String)>)?;
    for key in &expired {
        diesel::delete(kv_entry::table.find((&key.0, &key.1))).execute(connection)?;
    }
    Ok(expired.len())
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(behind("ab").as_deref(), Some("ac"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(behind(""), None);
    }
}
