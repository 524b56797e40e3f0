//! Servers and their workers, as they report themselves.

use std::collections::BTreeMap;

use busbar_model::{
    Timestamp,
    server::{Server, Worker, WorkerState},
};
use diesel::prelude::*;
use serde_json::json;

use crate::{
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{server, server_worker},
};

const WHAT: &str = "server";

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

    fn into_model(self, workers: Vec<Worker>) -> Result<Server, Error> {
        Ok(Server {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            id: self.id,
            version: self.version,
            engine: self.engine,
            started_at: Timestamp(self.started_us),
            heartbeat_at: Timestamp(self.heartbeat_us),
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
    /// Stores a server as it is now. It takes the place of one with its name and another id.
    pub fn heartbeat(&self, reported: &Server) -> Result<(), Error> {
        self.write_beside(|connection| {
            remove_namesakes(connection, reported)?;
            let row = Row::of(reported);
            if diesel::update(server::table.find(&row.id)).set(&row).execute(connection)? == 0 {
                diesel::insert_into(server::table).values(&row).execute(connection)?;
            }
            replace_workers(connection, reported)
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
            rows.into_iter()
                .map(|row| {
                    let workers = by_server.remove(&row.id).unwrap_or_default();
                    row.into_model(workers)
                })
                .collect()
        })
    }
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

fn remove_namesakes(connection: &mut AnyConnection, reported: &Server) -> Result<(), Error> {
    let namesakes = server::table
        .filter(server::name.eq(reported.name.as_str()).and(server::id.ne(&reported.id)))
        .select(server::id)
        .load::<String>(connection)?;
    for id in namesakes {
        diesel::delete(server_worker::table.filter(server_worker::server_id.eq(&id))).execute(connection)?;
        diesel::delete(server::table.find(&id)).execute(connection)?;
    }
    Ok(())
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
