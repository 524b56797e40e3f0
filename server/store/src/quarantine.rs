//! Versions of plugins that are out of service because processes died with them.

use std::collections::HashMap;

use busbar_model::{
    Digest, Plugin, Timestamp,
    bounds::{QUARANTINE_DEATHS, QUARANTINE_WINDOW_MS},
    quarantine::{Death, Mark, Quarantine, verdict},
};
use diesel::prelude::*;

use crate::{
    change::{Action, By, Recorder},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    plugin::{self, WHAT},
    schema::{death_mark, quarantine},
};

impl Odb {
    /// Takes note of a process's death, once however often it is reported, and quarantines the versions that it
    /// gives reason to. The result are their plugins.
    pub fn record_death(&self, by: &By, death: &Death) -> Result<Vec<Plugin>, Error> {
        self.change(by, |connection, recorder| {
            let since = before(by.now);
            diesel::delete(death_mark::table.filter(death_mark::at_us.lt(since))).execute(connection)?;
            // One that waited for long to be reported is history, and one from the future is none yet.
            if death.at.0 < since || !note(connection, death, by.now)? {
                return Ok(Vec::new());
            }
            let condemned = verdict(&marks(connection)?);
            let mut taken = Vec::new();
            for plugin in plugin::all(connection)? {
                let digest = plugin.active.as_ref().map(|active| active.digest);
                if digest.is_some_and(|digest| condemned.contains(&digest)) {
                    taken.extend(take(connection, recorder, by, plugin, death)?);
                }
            }
            Ok(taken)
        })
    }

    /// Puts a quarantined version back into service. What was held against it is forgotten.
    pub fn release(&self, by: &By, name: &str) -> Result<Plugin, Error> {
        self.change(by, |connection, recorder| {
            let before = plugin::find(connection, name)?.ok_or_else(|| Error::not_found(WHAT, name))?;
            let quarantined = before.active.as_ref().filter(|active| active.quarantine.is_some());
            let Some(digest) = quarantined.map(|active| active.digest) else {
                return Err(Error::NotQuarantined { plugin: before.name });
            };
            forget(connection, &digest)?;
            changed(connection, recorder, by, before, Action::Release)
        })
    }
}

/// Everything that is quarantined.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<HashMap<Digest, Quarantine>, Error> {
    let rows = quarantine::table.load::<(String, i64, String)>(connection)?;
    rows.into_iter()
        .map(|(digest, since_us, reason)| {
            let known = digest.parse().map_err(Error::corrupt("quarantine", &digest))?;
            Ok((known, Quarantine { since: Timestamp(since_us), reason }))
        })
        .collect()
}

/// A version begins anew, or nobody calls it any more.
pub(crate) fn forget(connection: &mut AnyConnection, digest: &Digest) -> Result<(), Error> {
    let digest = digest.to_string();
    diesel::delete(death_mark::table.filter(death_mark::digest.eq(&digest))).execute(connection)?;
    diesel::delete(quarantine::table.find(&digest)).execute(connection)?;
    Ok(())
}

fn before(now: Timestamp) -> i64 {
    now.plus_ms(-i64::try_from(QUARANTINE_WINDOW_MS).unwrap_or(i64::MAX)).0
}

/// False where it was noted before.
fn note(connection: &mut AnyConnection, death: &Death, now: Timestamp) -> Result<bool, Error> {
    let known = death_mark::table.filter(death_mark::death.eq(&death.id)).count();
    if known.get_result::<i64>(connection)? > 0 {
        return Ok(false);
    }
    for digest in &death.present {
        diesel::insert_into(death_mark::table)
            .values((
                death_mark::death.eq(&death.id),
                death_mark::digest.eq(digest.to_string()),
                death_mark::at_us.eq(death.at.0.min(now.0)),
                death_mark::server.eq(&death.server),
                death_mark::cause.eq(&death.cause),
                death_mark::running.eq(death.running == Some(*digest)),
            ))
            .execute(connection)?;
    }
    Ok(true)
}

/// Of versions that are in service: the others are judged already.
fn marks(connection: &mut AnyConnection) -> Result<Vec<Mark>, Error> {
    let columns = (death_mark::death, death_mark::digest, death_mark::running);
    let judged = quarantine::table.select(quarantine::digest);
    let rows =
        death_mark::table
            .filter(death_mark::digest.ne_all(judged))
            .select(columns)
            .load::<(String, String, bool)>(connection)?;
    rows.into_iter()
        .map(|(death, digest, running)| {
            let digest = digest.parse().map_err(Error::corrupt("death mark", &death))?;
            Ok(Mark { death, digest, running })
        })
        .collect()
}

/// `None` where it is quarantined already.
fn take(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Plugin,
    death: &Death,
) -> Result<Option<Plugin>, Error> {
    let Some(active) = before.active.as_ref().filter(|active| active.quarantine.is_none()) else {
        return Ok(None);
    };
    let digest = active.digest.to_string();
    let reason = format!(
        "{QUARANTINE_DEATHS} processes died within {} minutes while it was called; the last one of {} on {}",
        QUARANTINE_WINDOW_MS / 60_000,
        death.cause,
        death.server,
    );
    // Two plugins can be one file.
    if !all(connection)?.contains_key(&active.digest) {
        let values = (
            quarantine::digest.eq(&digest),
            quarantine::since_us.eq(by.now.0),
            quarantine::reason.eq(&reason),
        );
        diesel::insert_into(quarantine::table).values(values).execute(connection)?;
    }
    forget_explained(connection, &digest)?;
    changed(connection, recorder, by, before, Action::Quarantine).map(Some)
}

/// Deaths during which the code of this version ran are held against nobody else.
fn forget_explained(connection: &mut AnyConnection, digest: &str) -> Result<(), Error> {
    let ran = death_mark::table
        .filter(death_mark::digest.eq(digest).and(death_mark::running.eq(true)))
        .select(death_mark::death)
        .load::<String>(connection)?;
    let others = death_mark::death.eq_any(ran).and(death_mark::digest.ne(digest));
    diesel::delete(death_mark::table.filter(others)).execute(connection)?;
    Ok(())
}

/// Tells everyone that a plugin went out of service or came back.
fn changed(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Plugin,
    action: Action,
) -> Result<Plugin, Error> {
    let mut after = plugin::find(connection, before.name.as_str())?
        .ok_or_else(|| Error::not_found(WHAT, before.name.as_str()))?;
    after.revision = before.revision + 1;
    after.updated_at = by.now;
    plugin::update(connection, &after)?;
    let (was, is) = (plugin::view(&before), plugin::view(&after));
    recorder.record(action, plugin::object(&after), Some(was), Some(is));
    Ok(after)
}
