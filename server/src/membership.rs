//! What makes a folder one of a member of the cluster: its key, its certificate and whom it trusts, in `tls/`; and how
//! running processes use them.

mod files;
mod follow;
mod keep;
mod remote;

use busbar_pki::Role;
use busbar_store::Odb;

pub(crate) use self::{
    files::{Held, TLS_CA, TLS_MEMBER},
    follow::Membership,
    keep::{Desk, LOOK_EVERY, Own, hosts, keep, refresh},
    remote::Remote,
};
use crate::layout::Layout;

/// Refuses a process that the others of its cluster would not talk to. The refusal is for a person.
pub(crate) fn require(layout: &Layout, odb_url: &str, role: Role, name: Option<&str>) -> Result<(), String> {
    let trust = Odb::open(odb_url, 1).and_then(|odb| odb.trust()).map_err(|error| format!("{error}"))?;
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
    match name {
        Some(name) if name != own.name.as_str() => Err(format!(
            "server.name is {name:?}, and the certificate in {folder} is for {:?}",
            own.name.as_str()
        )),
        _ => Ok(()),
    }
}
