//! The switch: a deployment becomes what callers meet, or ceases to be.

use busbar_model::{
    Channel, Deployment, DeploymentState, Name, Plugin,
    channel::Draft,
    deployment::Source,
    plugin::{ActiveVersion, Description},
};
use diesel::{dsl::max, prelude::*};
use serde_json::json;

use crate::{
    change::{Action, By, Recorder},
    channel,
    connection::AnyConnection,
    deployment::{self, Row},
    error::Error,
    id::new_id,
    odb::Odb,
    plugin, preparing, quarantine,
    schema::deployment as table,
    service,
};

/// What a switch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Active, or superseded where one that was created later went live before.
    pub deployment: Deployment,
    /// Proposed channels that were made.
    pub channels: Vec<Channel>,
    /// Proposed channels that were not, and why.
    pub skipped: Vec<String>,
}

impl Odb {
    /// Makes a deployment active, in one commit and only if every server whose heartbeat is newer
    /// than `heartbeat_dead_ms` ago is prepared for it, or left out. A proposed channel whose name exists is left
    /// as it is.
    pub fn activate(
        &self,
        by: &By,
        id: &str,
        heartbeat_dead_ms: i64,
        proposals: Vec<Draft>,
    ) -> Result<Activation, Error> {
        self.change(by, |connection, recorder| {
            let row = deployment::require_row(connection, id)?;
            let Some(description) = row.description()? else {
                return Err(wrong_state(&row)?);
            };
            if !matches!(row.state()?, DeploymentState::Compiled | DeploymentState::Prepared) {
                return Err(wrong_state(&row)?);
            }
            let current = plugin::find(connection, &row.plugin)?;
            if is_overtaken(connection, &row)? {
                deployment::set_state(connection, id, DeploymentState::Superseded, None, by.now)?;
                return reported(connection, id, (Vec::new(), Vec::new()));
            }
            preparing::require(connection, id, by.now, heartbeat_dead_ms)?;
            service::refuse_taken(connection, &description.name, &description)?;
            if let Some(previous) = current.as_ref().and_then(|plugin| plugin.active.as_ref()) {
                let superseded = DeploymentState::Superseded;
                deployment::set_state(connection, &previous.deployment, superseded, None, by.now)?;
                quarantine::forget(connection, &previous.digest)?;
            }
            set_active(connection, by, &row)?;
            let owner = switch_plugin(connection, recorder, by, current, &row, &description)?;
            service::replace(connection, recorder, by, &owner, &description)?;
            let made = make_proposed(connection, recorder, by, &description, &proposals)?;
            reported(connection, id, made)
        })
    }

    /// Takes a plugin out of service. Its services stay known, so that callers learn that they are
    /// away and not that they never were.
    pub fn recall(&self, by: &By, name: &Name) -> Result<Deployment, Error> {
        self.change(by, |connection, recorder| {
            let before = plugin::find(connection, name.as_str())?
                .ok_or_else(|| Error::not_found(plugin::WHAT, name.as_str()))?;
            let Some(active) = &before.active else {
                return Err(Error::NotActive { plugin: name.clone() });
            };
            deployment::set_state(connection, &active.deployment, DeploymentState::Recalled, None, by.now)?;
            let revision = before.revision + 1;
            quarantine::forget(connection, &active.digest)?;
            let after = Plugin { active: None, revision, updated_at: by.now, ..before.clone() };
            plugin::update(connection, &after)?;
            let (was, is) = (plugin::view(&before), plugin::view(&after));
            recorder.record(Action::Recall, plugin::object(&after), Some(was), Some(is));
            let row = deployment::require_row(connection, &active.deployment)?;
            deployment::load(connection, row)
        })
    }
}

fn wrong_state(row: &Row) -> Result<Error, Error> {
    Ok(Error::WrongState { id: row.id.clone(), from: row.state()?, to: DeploymentState::Active })
}

fn reported(
    connection: &mut AnyConnection,
    id: &str,
    (channels, skipped): (Vec<Channel>, Vec<String>),
) -> Result<Activation, Error> {
    let row = deployment::require_row(connection, id)?;
    Ok(Activation { deployment: deployment::load(connection, row)?, channels, skipped })
}

/// Whether a deployment that was created later went live already.
fn is_overtaken(connection: &mut AnyConnection, row: &Row) -> Result<bool, Error> {
    let later = table::table
        .filter(table::plugin.eq(&row.plugin))
        .filter(table::ordinal.gt(row.ordinal))
        .filter(table::activation.is_not_null());
    Ok(later.count().get_result::<i64>(connection)? > 0)
}

fn set_active(connection: &mut AnyConnection, by: &By, row: &Row) -> Result<(), Error> {
    let last = table::table
        .filter(table::plugin.eq(&row.plugin))
        .select(max(table::activation))
        .first::<Option<i64>>(connection)?;
    diesel::update(table::table.find(&row.id))
        .set((table::activation.eq(last.unwrap_or(0) + 1), table::activated_us.eq(by.now.0)))
        .execute(connection)?;
    deployment::set_state(connection, &row.id, DeploymentState::Active, None, by.now)
}

fn switch_plugin(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    current: Option<Plugin>,
    row: &Row,
    description: &Description,
) -> Result<Plugin, Error> {
    let active = Some(ActiveVersion {
        deployment: row.id.clone(),
        digest: row.digest.parse().map_err(Error::corrupt(deployment::WHAT, &row.id))?,
        description: description.clone(),
        quarantine: None,
    });
    // A person wants it, maybe again: what was known of it is old.
    if let Some(active) = &active {
        quarantine::forget(connection, &active.digest)?;
    }
    let before = current.as_ref().map(plugin::view);
    let after = match current {
        Some(plugin) => Plugin { active, revision: plugin.revision + 1, updated_at: by.now, ..plugin },
        None => Plugin {
            id: new_id(by.now),
            name: description.name.clone(),
            active,
            grants: None,
            config: json!({}),
            revision: 1,
            created_at: by.now,
            updated_at: by.now,
        },
    };
    if before.is_some() {
        plugin::update(connection, &after)?;
    } else {
        plugin::insert(connection, &after)?;
    }
    let action = if row.source()? == Source::Rollback { Action::Rollback } else { Action::Activate };
    recorder.record(action, plugin::object(&after), before, Some(plugin::view(&after)));
    Ok(after)
}

fn make_proposed(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    description: &Description,
    proposals: &[Draft],
) -> Result<(Vec<Channel>, Vec<String>), Error> {
    let (mut channels, mut skipped) = (Vec::new(), Vec::new());
    for draft in proposals {
        if !description.services.iter().any(|service| service.name == draft.service) {
            skipped.push(format!("channel {:?}: the plugin has no service {:?}", draft.name, draft.service));
            continue;
        }
        match channel::insert(connection, recorder, by, draft) {
            Ok(channel) => channels.push(channel),
            Err(Error::NameTaken { .. }) => {}
            Err(refused @ (Error::AddressTaken(_) | Error::UnknownSecurity { .. } | Error::NoSoap(_))) => {
                skipped.push(format!("channel {:?}: {refused}", draft.name));
            }
            Err(other) => return Err(other),
        }
    }
    Ok((channels, skipped))
}
