//! Whether the services behind SOAP channels can be called over SOAP.

use busbar_model::{
    Channel, Name, Timestamp,
    channel::{Address, Draft, Protocol},
    plugin::Description,
};
use busbar_soap::binding::{Described, Problem, described, problems};

use crate::{channel, connection::AnyConnection, error::Error, id::new_id, odb::Odb, plugin};

impl Odb {
    /// What keeps SOAP channels from offering the plugin's services as this description has them: channels
    /// that there are and, as if they were made, channels that it proposes.
    pub fn soap_problems(
        &self,
        description: &Description,
        proposals: &[Draft],
        now: Timestamp,
    ) -> Result<Vec<Problem>, Error> {
        self.read(|connection| {
            let mut channels = channel::all(connection)?;
            for draft in proposals.iter().filter(|draft| matches!(draft.address, Address::Soap(_))) {
                if channels.iter().all(|channel| channel.name != draft.name) {
                    channels.push(draft.clone().into_channel(new_id(now), 1, now, now));
                }
            }
            let mut plugins = plugin::all(connection)?;
            plugins.retain(|plugin| plugin.name != description.name);
            let own = |name: &Name| description.services.iter().find(|service| service.name == *name);
            let concerns = |channel: &Channel| own(&channel.service).is_some();
            Ok(problems(&channels, concerns, |name| match own(name) {
                Some(service) => {
                    Some(Described { plugin: &description.name, version: &description.version, service })
                }
                None => described(&plugins, name),
            }))
        })
    }
}

/// Fails if a channel, which is or is about to be one of `channels`, has a service that SOAP has no image of.
pub(crate) fn refuse_unusable(
    connection: &mut AnyConnection,
    channel: &Channel,
    channels: &[Channel],
) -> Result<(), Error> {
    if channel.protocol() != Protocol::Soap || !channel.active {
        return Ok(());
    }
    let plugins = plugin::all(connection)?;
    let concerns = |other: &Channel| other.name == channel.name;
    let found = problems(channels, concerns, |name| described(&plugins, name));
    match found.into_iter().find(|problem| problem.channel == channel.name) {
        Some(problem) => Err(Error::NoSoap(problem)),
        None => Ok(()),
    }
}

/// What is wrong with the SOAP channels that there are.
pub(crate) fn unusable(connection: &mut AnyConnection) -> Result<Vec<Problem>, Error> {
    let channels = channel::all(connection)?;
    if channels.iter().all(|channel| channel.protocol() != Protocol::Soap) {
        return Ok(Vec::new());
    }
    let plugins = plugin::all(connection)?;
    Ok(problems(&channels, |_| true, |name| described(&plugins, name)))
}
