//! What makes a folder one of a member of the cluster: its key, its certificate and whom it trusts, in `tls/`; and how
//! running processes use them.

mod files;
mod follow;
mod keep;
mod remote;

use std::{path::Path, sync::Arc};

use busbar_pki::Role;
use busbar_registrar::Registrar;
use busbar_store::Odb;

pub(crate) use self::{
    files::{Held, TLS_CA, TLS_MEMBER},
    follow::Membership,
    keep::{Desk, LOOK_EVERY, Own, hosts, keep, refresh},
    remote::Remote,
};
use crate::{layout::Layout, master_key};

/// Refuses a process that the others of its cluster would not talk to. The refusal is for a person.
pub(crate) fn require(
    layout: &Layout,
    (odb_url, master_key): (&str, &Path),
    role: Role,
    name: Option<&str>,
) -> Result<(), String> {
    let odb = Odb::open(odb_url, 1).map_err(|error| error.to_string())?;
    let trust = odb.trust().map_err(|error| error.to_string())?;
    let held = Held::read(layout).map_err(|error| format!("{error:#}"))?;
    let folder = layout.root().display();
    let (trust, held) = match (trust, held) {
        (None, None) => return Ok(()),
        (Some(trust), Some(held)) => (trust, held),
        (Some(trust), None) => {
            return Err(format!(
                "the cluster {} has an authority, and {folder} is not the folder of one of its members: `busbar join`",
                trust.cluster
            ));
        }
        (None, Some(_)) => {
            return Err(format!(
                "{folder} is the folder of a member of a cluster, and odb.url leads to a database of none"
            ));
        }
    };
    let own = held.identity().map_err(|error| format!("{error:#}"))?;
    if own.cluster.as_str() != trust.cluster || own.role != role {
        return Err(format!(
            "{folder} is the folder of {own}, and not of {role} of the cluster {}",
            trust.cluster
        ));
    }
    if let Some(name) = name.filter(|name| *name != own.name.as_str()) {
        let of = own.name.as_str();
        return Err(format!("server.name is {name:?}, and the certificate in {folder} is for {of:?}"));
    }
    let key = master_key::read(master_key).map_err(|error| error.to_string())?;
    keep::revive(layout, &Registrar::new(odb, Arc::new(key)), &held).map_err(|error| format!("{error:#}"))
}
