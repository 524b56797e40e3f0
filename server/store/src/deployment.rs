//! Deployments: receiving them and following them until they are ready for the switch.

use std::collections::HashMap;

use busbar_model::{
    Deployment, DeploymentState, Digest, Name, Timestamp,
    deployment::{ServerState, Source},
    plugin::{Description, Kind},
};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    artifact,
    change::{Action, By, Object, ObjectKind},
    connection::AnyConnection,
    error::Error,
    id::new_id,
    meta,
    odb::Odb,
    page::{Page, Paged},
    plugin, promise,
    schema::{deployment, deployment_server, plugin as plugin_table},
    service,
};

pub(crate) const WHAT: &str = "deployment";

/// A file that someone wants live.
#[derive(Clone, Debug)]
pub struct NewDeployment<'a> {
    /// Made by `new_id`; the same one again finds the deployment that it made. `None`: a new one.
    pub id: Option<String>,
    /// What the plugin is called until it has described itself.
    pub stem: Name,
    pub bytes: &'a [u8],
    pub source: Source,
    /// It goes live even if it breaks what callers count on.
    pub forced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    New(Deployment),
    /// It has the id that was asked for.
    Existing(Deployment),
    /// The file is what is live already; nothing was made.
    AlreadyActive(Deployment),
}

/// Which deployments a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub plugin: Option<String>,
    pub state: Option<DeploymentState>,
    pub digest: Option<String>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = deployment, treat_none_as_default_value = false)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) ordinal: i64,
    pub(crate) plugin: String,
    pub(crate) digest: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) source: String,
    pub(crate) actor: String,
    pub(crate) description_json: Option<String>,
    pub(crate) created_us: i64,
    pub(crate) updated_us: i64,
    pub(crate) activation: Option<i64>,
    pub(crate) activated_us: Option<i64>,
    pub(crate) restores: Option<String>,
}

impl Row {
    /// A deployment that nothing has been done for yet.
    pub(crate) fn received(by: &By, id: Option<String>, plugin: &Name, digest: &str, source: Source) -> Self {
        Self {
            id: id.unwrap_or_else(|| new_id(by.now)),
            ordinal: 0,
            plugin: plugin.to_string(),
            digest: digest.to_owned(),
            state: DeploymentState::Received.to_string(),
            reason: None,
            source: source.as_str().to_owned(),
            actor: by.actor.clone(),
            description_json: None,
            created_us: by.now.0,
            updated_us: by.now.0,
            activation: None,
            activated_us: None,
            restores: None,
        }
    }

    pub(crate) fn state(&self) -> Result<DeploymentState, Error> {
        self.state.parse().map_err(Error::corrupt::<String>(WHAT, &self.id))
    }

    pub(crate) fn source(&self) -> Result<Source, Error> {
        self.source.parse().map_err(Error::corrupt::<String>(WHAT, &self.id))
    }

    pub(crate) fn description(&self) -> Result<Option<Description>, Error> {
        let description = self.description_json.as_deref().map(serde_json::from_str).transpose();
        description.map_err(Error::corrupt(WHAT, &self.id))
    }

    /// Fails unless the deployment may go from here to `next`.
    pub(crate) fn require(&self, next: DeploymentState) -> Result<(), Error> {
        let from = self.state()?;
        if from.may_become(next) {
            return Ok(());
        }
        Err(Error::WrongState { id: self.id.clone(), from, to: next })
    }

    fn into_model(self, forced: bool, servers: Vec<ServerState>) -> Result<Deployment, Error> {
        Ok(Deployment {
            plugin: self.plugin.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            digest: self.digest.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            state: self.state()?,
            source: self.source()?,
            forced,
            id: self.id,
            reason: self.reason,
            actor: self.actor,
            created_at: Timestamp(self.created_us),
            activated_at: self.activated_us.map(Timestamp),
            servers,
        })
    }
}

impl Odb {
    /// Stores a file, once per digest, and makes a deployment of it.
    pub fn receive(&self, by: &By, new: NewDeployment<'_>) -> Result<Received, Error> {
        let digest = Digest::of(new.bytes).to_string();
        self.change(by, |connection, recorder| {
            if let Some(id) = &new.id
                && let Some(existing) = find_row(connection, id)?
            {
                return Ok(Received::Existing(load(connection, existing)?));
            }
            if let Some(active) = active_with(connection, &digest, &new.stem)? {
                return Ok(Received::AlreadyActive(load(connection, active)?));
            }
            artifact::store(connection, &digest, new.bytes, by.now)?;
            let row = Row::received(by, new.id.clone(), &new.stem, &digest, new.source);
            let id = row.id.clone();
            let made = insert(connection, row)?;
            if new.forced {
                promise::force(connection, &id)?;
            }
            let made = Deployment { forced: new.forced, ..made };
            recorder.record(Action::Deploy, object(&made), None, Some(view(&made)));
            Ok(Received::New(made))
        })
    }

    pub fn deployment(&self, id: &str) -> Result<Deployment, Error> {
        self.read(|connection| {
            let row = require_row(connection, id)?;
            load(connection, row)
        })
    }

    pub fn deployments(&self, page: &Page, filter: &Filter) -> Result<Paged<Deployment>, Error> {
        self.read(|connection| {
            let mut query = deployment::table
                .select(Row::as_select())
                .order(deployment::id.desc())
                .limit(page.rows())
                .into_boxed();
            if let Some(before) = &page.before {
                query = query.filter(deployment::id.lt(before));
            }
            if let Some(plugin) = &filter.plugin {
                query = query.filter(deployment::plugin.eq(plugin));
            }
            if let Some(state) = filter.state {
                query = query.filter(deployment::state.eq(state.as_str()));
            }
            if let Some(digest) = &filter.digest {
                query = query.filter(deployment::digest.eq(digest));
            }
            let rows = query.load::<Row>(connection)?;
            let paged = page.cut(rows, |row| row.id.clone(), Ok)?;
            Ok(Paged { items: load_all(connection, paged.items)?, next: paged.next })
        })
    }

    /// Deployments that something is still to be done for, in order of creation.
    pub fn pending_deployments(&self) -> Result<Vec<Deployment>, Error> {
        self.read(|connection| {
            let rows = deployment::table
                .filter(deployment::state.eq_any(pending_states()))
                .order(deployment::ordinal.asc())
                .select(Row::as_select())
                .load(connection)?;
            load_all(connection, rows)
        })
    }

    /// What the deployment's component says of itself, once `described` has stored it.
    pub fn description(&self, id: &str) -> Result<Option<Description>, Error> {
        require_row(&mut *self.connection()?, id)?.description()
    }

    /// `received` → `validated`: stores the description and names the deployment by it. Said again
    /// in the same words it changes nothing.
    pub fn described(&self, id: &str, description: &Description, now: Timestamp) -> Result<(), Error> {
        self.write(|connection| {
            let row = require_row(connection, id)?;
            if row.state()? == DeploymentState::Validated && row.description()?.as_ref() == Some(description)
            {
                return Ok(());
            }
            row.require(DeploymentState::Validated)?;
            service::refuse_taken(connection, &description.name, description)?;
            diesel::update(deployment::table.find(id))
                .set((
                    deployment::plugin.eq(description.name.as_str()),
                    deployment::description_json.eq(json!(description).to_string()),
                ))
                .execute(connection)?;
            set_state(connection, id, DeploymentState::Validated, None, now)
        })
    }

    /// Any pending state → `failed`. One that has failed keeps its first reason.
    pub fn fail(&self, by: &By, id: &str, reason: &str) -> Result<Deployment, Error> {
        self.write(|connection| {
            let row = require_row(connection, id)?;
            if row.state()? != DeploymentState::Failed {
                row.require(DeploymentState::Failed)?;
                set_state(connection, id, DeploymentState::Failed, Some(reason), by.now)?;
            }
            let row = require_row(connection, id)?;
            load(connection, row)
        })
    }
}

/// It bears the plugin's name, or the file's stem until that is known.
pub(crate) fn object(deployment: &Deployment) -> Object<'_> {
    Object { kind: ObjectKind::Deployment, id: &deployment.id, name: deployment.plugin.as_str() }
}

/// What the audit trail shows.
pub(crate) fn view(deployment: &Deployment) -> Value {
    json!({
        "plugin": deployment.plugin,
        "digest": deployment.digest,
        "source": deployment.source.as_str(),
    })
}

pub(crate) fn find_row(connection: &mut AnyConnection, id: &str) -> Result<Option<Row>, Error> {
    Ok(deployment::table.find(id).select(Row::as_select()).first(connection).optional()?)
}

pub(crate) fn require_row(connection: &mut AnyConnection, id: &str) -> Result<Row, Error> {
    find_row(connection, id)?.ok_or_else(|| Error::not_found(WHAT, id))
}

pub(crate) fn load(connection: &mut AnyConnection, row: Row) -> Result<Deployment, Error> {
    let id = row.id.clone();
    load_all(connection, vec![row])?.pop().ok_or_else(|| Error::not_found(WHAT, &id))
}

/// Adds what each server has to say of each deployment, and whether it was forced.
fn load_all(connection: &mut AnyConnection, rows: Vec<Row>) -> Result<Vec<Deployment>, Error> {
    let reports = deployment_server::table
        .filter(deployment_server::deployment_id.eq_any(rows.iter().map(|row| &row.id)))
        .order(deployment_server::server.asc())
        .select((
            deployment_server::deployment_id,
            deployment_server::server,
            deployment_server::state,
            deployment_server::reason,
        ))
        .load::<(String, String, String, Option<String>)>(connection)?;
    let ids: Vec<&String> = rows.iter().map(|row| &row.id).collect();
    let forced = promise::forced(connection, &ids)?;
    let mut servers: HashMap<String, Vec<ServerState>> = HashMap::new();
    for (id, server, state, reason) in reports {
        let state = state.parse().map_err(Error::corrupt::<String>(WHAT, &id))?;
        servers.entry(id).or_default().push(ServerState { server, state, reason });
    }
    rows.into_iter()
        .map(|row| {
            let servers = servers.remove(&row.id).unwrap_or_default();
            let forced = forced.contains(&row.id);
            row.into_model(forced, servers)
        })
        .collect()
}

/// Puts a new deployment at the end of the order of creation.
pub(crate) fn insert(connection: &mut AnyConnection, mut row: Row) -> Result<Deployment, Error> {
    row.ordinal = meta::take_deployment(connection)?;
    diesel::insert_into(deployment::table).values(&row).execute(connection)?;
    load(connection, row)
}

/// The caller has checked that it may become that.
pub(crate) fn set_state(
    connection: &mut AnyConnection,
    id: &str,
    state: DeploymentState,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(deployment::table.find(id))
        .set((
            deployment::state.eq(state.as_str()),
            deployment::reason.eq(reason),
            deployment::updated_us.eq(now.0),
        ))
        .execute(connection)?;
    Ok(())
}

pub(crate) fn pending_states() -> impl Iterator<Item = &'static str> {
    DeploymentState::ALL.into_iter().filter(|state| state.is_pending()).map(DeploymentState::as_str)
}

/// The active deployment of the plugin that this file would become. A plain `wasi:http` component
/// becomes the plugin of its stem, so the same file under another name is another plugin.
fn active_with(connection: &mut AnyConnection, digest: &str, stem: &Name) -> Result<Option<Row>, Error> {
    let candidates = plugin_table::table
        .inner_join(deployment::table)
        .filter(deployment::digest.eq(digest))
        .select(plugin_table::name)
        .load::<String>(connection)?;
    for name in candidates {
        let found = plugin::find(connection, &name)?;
        let Some(active) = found.and_then(|plugin| plugin.active) else { continue };
        let same_plugin = active.description.kind == Kind::Bus || active.description.name == *stem;
        if same_plugin && !replacement_pending(connection, &name, stem, digest)? {
            return find_row(connection, &active.deployment);
        }
    }
    Ok(None)
}

/// Whether another file is on its way to take this one's place: then this one comes after it.
fn replacement_pending(
    connection: &mut AnyConnection,
    plugin: &str,
    stem: &Name,
    digest: &str,
) -> Result<bool, Error> {
    let last = deployment::table
        .filter(deployment::plugin.eq_any([plugin, stem.as_str()]))
        .filter(deployment::state.eq_any(pending_states()))
        .order(deployment::ordinal.desc())
        .select(deployment::digest)
        .first::<String>(connection)
        .optional()?;
    Ok(last.is_some_and(|last| last != digest))
}
