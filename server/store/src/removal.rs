//! Removing plugins and services that nobody uses any more.

use busbar_model::{Plugin, Service};
use diesel::prelude::*;

use crate::{
    change::{Action, By},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    plugin, retention,
    schema::{channel, job, plugin as plugin_table, service as service_table},
    service,
};

/// Jobs that a refusal names.
const JOBS_TOLD: i64 = 10;

impl Odb {
    /// Removes a plugin with its services and artifacts; its deployments stay as history. Refused while a
    /// version is active, a channel or a job leads to one of its services or another plugin's grants name one.
    pub fn delete_plugin(&self, by: &By, name: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before =
                plugin::find(connection, name)?.ok_or_else(|| Error::not_found(plugin::WHAT, name))?;
            Error::check_revision(expected, before.revision)?;
            let services = service::all(connection)?;
            let services: Vec<Service> =
                services.into_iter().filter(|service| service.plugin == before.name).collect();
            let mut users: Vec<String> = before.active.iter().map(active_version).collect();
            users.extend(users_of(connection, &before, &services)?);
            if !users.is_empty() {
                return Err(Error::InUse { what: plugin::WHAT, name: before.name, users });
            }
            for gone in &services {
                diesel::delete(service_table::table.find(&gone.id)).execute(connection)?;
                recorder.record(Action::Delete, service::object(gone), Some(service::view(gone)), None);
            }
            diesel::delete(plugin_table::table.find(&before.id)).execute(connection)?;
            recorder.record(Action::Delete, plugin::object(&before), Some(plugin::view(&before)), None);
            retention::forget_artifacts(connection, &before.name)
        })
    }

    /// Removes a service that its plugin left behind. Refused while a channel or a job leads to it or another
    /// plugin's grants name it, and while its plugin is active, which offers it.
    pub fn delete_service(&self, by: &By, name: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before =
                service::find(connection, name)?.ok_or_else(|| Error::not_found(service::WHAT, name))?;
            Error::check_revision(expected, before.revision)?;
            let owner = plugin::find(connection, before.plugin.as_str())?
                .ok_or_else(|| Error::not_found(plugin::WHAT, before.plugin.as_str()))?;
            let users = users_of(connection, &owner, std::slice::from_ref(&before))?;
            if !users.is_empty() {
                return Err(Error::InUse { what: service::WHAT, name: before.name, users });
            }
            if owner.active.is_some() {
                return Err(Error::GoesWithPlugin { service: before.name, plugin: owner.name });
            }
            diesel::delete(service_table::table.find(&before.id)).execute(connection)?;
            recorder.record(Action::Delete, service::object(&before), Some(service::view(&before)), None);
            Ok(())
        })
    }
}

fn active_version(active: &busbar_model::plugin::ActiveVersion) -> String {
    match active.description.version.as_str() {
        "" => format!("its active version {}", active.digest),
        version => format!("its active version {version}"),
    }
}

/// Channels and jobs that lead to one of these services, and other plugins whose grants name one.
fn users_of(
    connection: &mut AnyConnection,
    owner: &Plugin,
    services: &[Service],
) -> Result<Vec<String>, Error> {
    let channels = channel::table
        .filter(channel::service.eq_any(services.iter().map(|service| service.name.as_str())))
        .order(channel::name.asc())
        .select(channel::name)
        .load::<String>(connection)?;
    let mut users: Vec<String> = channels.iter().map(|name| format!("channel {name:?}")).collect();
    let jobs = job::table
        .filter(job::service.eq_any(services.iter().map(|service| service.name.as_str())))
        .order(job::name.asc())
        .limit(JOBS_TOLD)
        .select(job::name)
        .load::<String>(connection)?;
    users.extend(jobs.iter().map(|name| format!("job {name:?}")));
    let names_one = |plugin: &Plugin| {
        let granted = plugin.grants.iter().flat_map(|grants| &grants.invoke);
        granted.into_iter().any(|pattern| services.iter().any(|service| service.name.as_str() == pattern))
    };
    let plugins = plugin::all(connection)?;
    let others = plugins.iter().filter(|other| other.name != owner.name && names_one(other));
    users.extend(others.map(|other| format!("the grants of plugin {:?}", other.name)));
    Ok(users)
}
