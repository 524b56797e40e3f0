//! Servers and their workers, as they report themselves.

use std::collections::BTreeMap;

use busbar_model::{
    Name, Timestamp,
    server::{Server, Standing, Wanted, Worker, WorkerState},
};
use diesel::prelude::*;
use serde_json::json;

use crate::{
    change::{Action, By, Object, ObjectKind},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{server, server_worker},
    standing,
};

pub(crate) const WHAT: &str = "server";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = server)]
struct Row {
    id: String,
    name: String,
    version: String,
    engine: String,
    started_us: i64,
    heartbeat_us: i64,
}

#[derive(Queryable, Selectable, Insertable, PartialEq)]
#[diesel(table_name = server_worker)]
struct WorkerRow {
    server_id: String,
    slot: i64,
    pid: i64,
    state: String,
    catalog_version: i64,
    plugins_json: String,
    started_us: i64,
    load_json: String,
}

impl Row {
    fn of(server: &Server) -> Self {
        Self {
            id: server.id.clone(),
            name: server.name.to_string(),
            version: server.version.clone(),
            engine: server.engine.clone(),
            started_us: server.started_at.0,
            heartbeat_us: server.heartbeat_at.0,
        }
    }

    fn into_model(self, standing: Standing, workers: Vec<Worker>) -> Result<Server, Error> {
        Ok(Server {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            id: self.id,
            version: self.version,
            engine: self.engine,
            started_at: Timestamp(self.started_us),
            heartbeat_at: Timestamp(self.heartbeat_us),
            standing,
            workers,
        })
    }
}

impl WorkerRow {
    fn of(server_id: &str, worker: &Worker) -> Self {
        Self {
            server_id: server_id.to_owned(),
            slot: i64::from(worker.slot),
            pid: i64::from(worker.pid),
            state: worker.state.as_str().to_owned(),
            catalog_version: worker.catalog_version,
            plugins_json: json!(worker.plugins).to_string(),
            started_us: worker.started_at.0,
            load_json: json!(worker.load).to_string(),
        }
    }

    fn into_model(self) -> Result<Worker, Error> {
        let name = &self.server_id;
        Ok(Worker {
            slot: u32::try_from(self.slot).map_err(Error::corrupt(WHAT, name))?,
            pid: u32::try_from(self.pid).map_err(Error::corrupt(WHAT, name))?,
            state: self.state.parse::<WorkerState>().map_err(Error::corrupt(WHAT, name))?,
            catalog_version: self.catalog_version,
            plugins: serde_json::from_str(&self.plugins_json).map_err(Error::corrupt(WHAT, name))?,
            load: serde_json::from_str(&self.load_json).map_err(Error::corrupt(WHAT, name))?,
            started_at: Timestamp(self.started_us),
        })
    }
}

impl Odb {
    /// Stores a server as it is now, and tells what is wanted of it. It takes the place of one with its name and
    /// another id that is silent for `dead_after_ms`; one that lives keeps its name.
    pub fn heartbeat(&self, reported: &Server, dead_after_ms: i64) -> Result<Wanted, Error> {
        self.write_beside(|connection| {
            remove_namesakes(connection, reported, dead_after_ms)?;
            let row = Row::of(reported);
            if diesel::update(server::table.find(&row.id)).set(&row).execute(connection)? == 0 {
                diesel::insert_into(server::table).values(&row).execute(connection)?;
            }
            replace_workers(connection, reported)?;
            standing::report(connection, &reported.id, &reported.standing)
        })
    }

    /// A server says that it ends: nobody waits until its silence has lasted for `dead_after_ms`.
    pub fn depart(&self, id: &str, now: Timestamp, dead_after_ms: i64) -> Result<(), Error> {
        self.write_beside(|connection| {
            // Twice: whoever asks may have a clock that is behind.
            let silent = server::heartbeat_us.eq(now.plus_ms(dead_after_ms.saturating_mul(-2)).0);
            diesel::update(server::table.find(id)).set(silent).execute(connection)?;
            standing::stopped(connection, id)
        })
    }

    /// Whether a server of that name and another id lives.
    pub fn has_live_namesake(
        &self,
        name: &Name,
        id: &str,
        now: Timestamp,
        dead_after_ms: i64,
    ) -> Result<bool, Error> {
        let silent_since = now.plus_ms(dead_after_ms.saturating_neg());
        let live = server::table
            .filter(server::name.eq(name.as_str()).and(server::id.ne(id)))
            .filter(server::heartbeat_us.gt(silent_since.0));
        Ok(live.count().get_result::<i64>(&mut *self.connection()?)? > 0)
    }

    /// Forgets a server that has left. One that lives is refused.
    pub fn remove_server(&self, by: &By, id: &str, dead_after_ms: i64) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let found = require(connection, id)?;
            let name: Name = found.name.parse().map_err(Error::corrupt(WHAT, id))?;
            if found.heartbeat_us > by.now.plus_ms(dead_after_ms.saturating_neg()).0 {
                return Err(Error::StillLive { name });
            }
            remove(connection, id)?;
            let before = json!({ "name": found.name, "version": found.version });
            recorder.record(Action::Delete, object(id, &found.name), Some(before), None);
            Ok(())
        })
    }

    /// Has a server take new work, or none.
    pub fn want_server(&self, by: &By, id: &str, wanted: Wanted) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let found = require(connection, id)?;
            let before = standing::existing(connection, id)?.wanted;
            if before != wanted {
                standing::want(connection, id, wanted)?;
                let action = if wanted == Wanted::Drain { Action::Drain } else { Action::Resume };
                let view = |wanted: Wanted| Some(json!({ "wanted": wanted.as_str() }));
                recorder.record(action, object(id, &found.name), view(before), view(wanted));
            }
            Ok(())
        })
    }

    /// Has balancers send a server another share of the calls, 0 to [`WEIGHT_MAX`](busbar_model::server::WEIGHT_MAX).
    pub fn weigh_server(&self, by: &By, id: &str, weight: u16) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let found = require(connection, id)?;
            let before = standing::existing(connection, id)?.weight;
            if before != weight {
                standing::weigh(connection, id, weight)?;
                let view = |weight: u16| Some(json!({ "weight": weight }));
                recorder.record(Action::Update, object(id, &found.name), view(before), view(weight));
            }
            Ok(())
        })
    }

    /// Every server that has ever reported itself, by name; the heartbeat tells which are live.
    pub fn servers(&self) -> Result<Vec<Server>, Error> {
        self.read(|connection| {
            let rows =
                server::table.select(Row::as_select()).order((server::name, server::id)).load(connection)?;
            let workers = server_worker::table
                .select(WorkerRow::as_select())
                .order((server_worker::server_id, server_worker::slot))
                .load(connection)?;
            let mut by_server: BTreeMap<String, Vec<Worker>> = BTreeMap::new();
            for worker in workers {
                by_server.entry(worker.server_id.clone()).or_default().push(worker.into_model()?);
            }
            let mut standings = standing::all(connection)?;
            rows.into_iter()
                .map(|row| {
                    let workers = by_server.remove(&row.id).unwrap_or_default();
                    let standing = standings.remove(&row.id).unwrap_or_default();
                    row.into_model(standing, workers)
                })
                .collect()
        })
    }
}

fn object<'a>(id: &'a str, name: &'a str) -> Object<'a> {
    Object { kind: ObjectKind::Server, id, name }
}

fn require(connection: &mut AnyConnection, id: &str) -> Result<Row, Error> {
    let found = server::table.find(id).select(Row::as_select()).first(connection).optional()?;
    found.ok_or_else(|| Error::not_found(WHAT, id))
}

/// Names of the servers whose heartbeat is newer than `dead_after_ms` ago.
pub(crate) fn live(
    connection: &mut AnyConnection,
    now: Timestamp,
    dead_after_ms: i64,
) -> Result<Vec<String>, Error> {
    let silent_since = now.plus_ms(dead_after_ms.saturating_neg());
    let live = server::table
        .filter(server::heartbeat_us.gt(silent_since.0))
        .order(server::name.asc())
        .select(server::name);
    Ok(live.load(connection)?)
}

fn remove_namesakes(
    connection: &mut AnyConnection,
    reported: &Server,
    dead_after_ms: i64,
) -> Result<(), Error> {
    let namesakes = server::table
        .filter(server::name.eq(reported.name.as_str()).and(server::id.ne(&reported.id)))
        .select((server::id, server::heartbeat_us))
        .load::<(String, i64)>(connection)?;
    let silent_since = reported.heartbeat_at.plus_ms(dead_after_ms.saturating_neg());
    if namesakes.iter().any(|(_, heartbeat_us)| *heartbeat_us > silent_since.0) {
        return Err(Error::LiveNamesake { name: reported.name.clone() });
    }
    for (id, _) in namesakes {
        remove(connection, &id)?;
    }
    Ok(())
}

fn remove(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    diesel::delete(server_worker::table.filter(server_worker::server_id.eq(id))).execute(connection)?;
    diesel::delete(server::table.find(id)).execute(connection)?;
    standing::forget(connection, id)
}

fn replace_workers(connection: &mut AnyConnection, reported: &Server) -> Result<(), Error> {
    let mut rows: Vec<WorkerRow> =
        reported.workers.iter().map(|worker| WorkerRow::of(&reported.id, worker)).collect();
    rows.sort_by_key(|row| row.slot);
    let theirs = server_worker::table.filter(server_worker::server_id.eq(&reported.id));
    let stored = theirs.select(WorkerRow::as_select()).order(server_worker::slot).load(connection)?;
    // Most heartbeats change no worker.
    if stored == rows {
        return Ok(());
    }
    diesel::delete(theirs).execute(connection)?;
    for row in rows {
        diesel::insert_into(server_worker::table).values(row).execute(connection)?;
    }
    Ok(())
}
