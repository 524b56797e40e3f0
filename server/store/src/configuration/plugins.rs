//! Plugins of a configuration: what is decided about them, also before they are deployed.

use busbar_model::{Plugin, configuration::PluginEntry};
use diesel::prelude::*;
use serde_json::json;

use super::Apply;
use crate::{
    change::Action,
    error::Error,
    id::new_id,
    plugin::{self, object, view},
    schema::{deployment, plugin as table},
    service,
};

impl Apply<'_> {
    pub(super) fn put_plugins(&mut self, wanted: &[PluginEntry]) -> Result<(), Error> {
        for entry in wanted {
            match plugin::find(self.connection, entry.name.as_str())? {
                Some(before) => {
                    plugin::change(self.connection, self.recorder, self.by, before, |plugin| {
                        plugin.grants.clone_from(&entry.grants);
                        plugin.config.clone_from(&entry.config);
                    })?;
                }
                None => self.await_plugin(entry)?,
            }
        }
        Ok(())
    }

    /// What is decided waits for the plugin's deployment.
    fn await_plugin(&mut self, entry: &PluginEntry) -> Result<(), Error> {
        let awaited = Plugin {
            id: new_id(self.by.now),
            name: entry.name.clone(),
            active: None,
            grants: entry.grants.clone(),
            config: entry.config.clone(),
            revision: 1,
            created_at: self.by.now,
            updated_at: self.by.now,
        };
        plugin::insert(self.connection, &awaited)?;
        self.recorder.record(Action::Create, object(&awaited), None, Some(view(&awaited)));
        Ok(())
    }

    pub(super) fn prune_plugins(&mut self, wanted: &[PluginEntry]) -> Result<(), Error> {
        for present in plugin::all(self.connection)? {
            if wanted.iter().any(|entry| entry.name == present.name) {
                continue;
            }
            if self.was_deployed(&present)? {
                plugin::change(self.connection, self.recorder, self.by, present, |plugin| {
                    plugin.grants = None;
                    plugin.config = json!({});
                })?;
            } else {
                self.forget(&present)?;
            }
        }
        Ok(())
    }

    fn was_deployed(&mut self, plugin: &Plugin) -> Result<bool, Error> {
        let activations = deployment::table
            .filter(deployment::plugin.eq(plugin.name.as_str()))
            .filter(deployment::activation.is_not_null());
        Ok(activations.count().get_result::<i64>(self.connection)? > 0)
    }

    fn forget(&mut self, plugin: &Plugin) -> Result<(), Error> {
        for gone in service::all(self.connection)?.iter().filter(|service| service.plugin == plugin.name) {
            service::remove(self.connection, self.recorder, gone)?;
        }
        diesel::delete(table::table.find(&plugin.id)).execute(self.connection)?;
        self.recorder.record(Action::Delete, object(plugin), Some(view(plugin)), None);
        Ok(())
    }
}
