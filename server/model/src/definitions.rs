//! All definitions at one version of the ODB: what a catalog is built from.

use serde::{Deserialize, Serialize};

use crate::{
    channel::Channel, name::Name, plugin::Plugin, router::Router, secret::Secret, security::Security,
    service::Service,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    /// Renewed when the ODB is restored; versions of two incarnations do not compare.
    pub incarnation: String,
    /// The number of the last change contained.
    pub version: i64,
    pub plugins: Vec<Plugin>,
    pub services: Vec<Service>,
    pub channels: Vec<Channel>,
    pub securities: Vec<Security>,
    pub secrets: Vec<Secret>,
}

/// Two channels that would answer the same request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("channel {channel:?} has the address of channel {other:?}: {methods} {path}")]
pub struct AddressTaken {
    pub channel: Name,
    pub other: Name,
    pub methods: String,
    pub path: String,
}

impl Definitions {
    pub fn plugin(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.name.as_str() == name)
    }

    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.name.as_str() == name)
    }

    /// Routes of the active channels, as indexes into `channels`, and what could not be routed.
    pub fn rest_router(&self) -> (Router<usize>, Vec<AddressTaken>) {
        let mut router = Router::default();
        let mut conflicts = Vec::new();
        for (at, channel) in self.channels.iter().enumerate().filter(|(_, channel)| channel.active) {
            if let Err(other) = router.insert(&channel.path, &channel.methods, at) {
                conflicts.push(AddressTaken {
                    channel: channel.name.clone(),
                    other: self.channels[*other].name.clone(),
                    methods: if channel.methods.is_empty() {
                        "any".to_owned()
                    } else {
                        channel.methods.join(",")
                    },
                    path: channel.path.to_string(),
                });
            }
        }
        (router, conflicts)
    }
}

/// Whether `channel` would answer a request that one of `others` answers already.
pub fn address_taken(channel: &Channel, others: &[Channel]) -> Option<AddressTaken> {
    let mut channels: Vec<Channel> = others.iter().filter(|other| other.id != channel.id).cloned().collect();
    channels.push(channel.clone());
    let (_, conflicts) = Definitions { channels, ..Definitions::default() }.rest_router();
    conflicts.into_iter().find(|conflict| conflict.channel == channel.name)
}

#[cfg(test)]
mod tests {
    use super::address_taken;
    use crate::{
        channel::{Channel, Draft, Protocol},
        path::PathPattern,
        time::Timestamp,
    };

    fn channel(name: &str, path: &str, active: bool) -> Channel {
        let draft =
            Draft::new(name.parse().unwrap(), PathPattern::parse(path).unwrap(), "s".parse().unwrap());
        Channel {
            id: name.to_owned(),
            name: draft.name,
            protocol: Protocol::Rest,
            path: draft.path,
            methods: draft.methods,
            service: draft.service,
            security: None,
            active,
            body_bytes_max: draft.body_bytes_max,
            timeout_ms: draft.timeout_ms,
            cors: None,
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn an_address_is_taken_by_an_active_channel_only() {
        let new = channel("b", "/x/{q}", true);
        let taken = address_taken(&new, &[channel("a", "/x/{p}", true)]).unwrap();
        assert_eq!(taken.other.as_str(), "a");
        assert_eq!(address_taken(&new, &[channel("a", "/x/{p}", false)]), None);
        assert_eq!(address_taken(&new, &[channel("a", "/y", true), new.clone()]), None);
    }
}
