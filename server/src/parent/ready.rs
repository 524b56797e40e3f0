//! When the processes of a generation are ready.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    control::Status,
    parent::{child::Role, family::Family},
};

const ASK_EVERY: Duration = Duration::from_millis(10);

/// Returns when every process could take over: workers and admin serve, the singleton feeds a catalog.
pub(crate) async fn able(family: &Family) {
    let mut fed = 0;
    for role in family.roles() {
        // The singleton comes first: workers serve what it feeds, and not what they found by themselves.
        let least = if matches!(role, Role::Worker { .. }) { fed } else { 0 };
        let status = until(family, role, |status| status.ready && status.catalog_version >= least).await;
        if role == Role::Singleton {
            fed = status.catalog_version;
        }
    }
}

/// Returns when the singleton is the one that leads.
pub(crate) async fn leading(family: &Family) {
    until(family, Role::Singleton, |status| status.leads).await;
}

/// Returns when every process is ready, and all that was dropped before is live on every worker.
pub(crate) async fn settled(family: &Family) {
    able(family).await;
    until(family, Role::Singleton, |status| status.ready && status.settled).await;
}

async fn until(family: &Family, role: Role, enough: impl Fn(&Status) -> bool) -> Status {
    loop {
        if let Some(status) = family.status(role).await.filter(&enough) {
            return status;
        }
        sleep(ASK_EVERY).await;
    }
}
