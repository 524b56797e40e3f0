//! Services of a configuration: their limits, also before their plugin is deployed.

use busbar_model::{Service, configuration::ServiceEntry, service::LimitsPatch};

use super::Apply;
use crate::{error::Error, plugin, service};

impl Apply<'_> {
    pub(super) fn put_services(&mut self, wanted: &[ServiceEntry]) -> Result<(), Error> {
        for entry in wanted {
            let put = self.put_service(entry);
            self.note(|| format!("/services/{}/plugin", entry.name), put)?;
        }
        Ok(())
    }

    fn put_service(&mut self, entry: &ServiceEntry) -> Result<(), Error> {
        let owner = plugin::find(self.connection, entry.plugin.as_str())?
            .ok_or_else(|| Error::not_found(plugin::WHAT, entry.plugin.as_str()))?;
        let limits = entry.limits.clone();
        let (connection, recorder, by) = (&mut *self.connection, &mut *self.recorder, self.by);
        match service::find(connection, entry.name.as_str())? {
            None => service::insert(connection, recorder, by, &owner, entry.name.clone(), limits),
            Some(before) if before.plugin == owner.name => {
                let after = Service { limits, ..before.clone() };
                service::update(connection, recorder, by, before, after).map(drop)
            }
            Some(before) => {
                let other = plugin::find(connection, before.plugin.as_str())?;
                if other.is_some_and(|other| other.active.is_some()) {
                    return Err(Error::ServiceTaken { service: before.name, plugin: before.plugin });
                }
                service::take_over(connection, recorder, by, before, &owner, limits).map(drop)
            }
        }
    }

    pub(super) fn prune_services(&mut self, wanted: &[ServiceEntry]) -> Result<(), Error> {
        for present in service::all(self.connection)? {
            if !wanted.iter().any(|entry| entry.name == present.name) {
                let after = Service { limits: LimitsPatch::default(), ..present.clone() };
                service::update(self.connection, self.recorder, self.by, present, after)?;
            }
        }
        Ok(())
    }
}
