//! When all of a server is up.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    control::{Ask, Status, ask},
    layout::Layout,
    parent::{child::Role, family::Family},
};

const ASK_EVERY: Duration = Duration::from_millis(10);

/// Returns when every process is ready, and all that was dropped before is live on every worker.
pub(crate) async fn wait(family: &Family, layout: &Layout) {
    for role in family.roles() {
        loop {
            if status(family, layout, role).await.is_some_and(|status| is_up(role, &status)) {
                break;
            }
            sleep(ASK_EVERY).await;
        }
    }
}

async fn status(family: &Family, layout: &Layout, role: Role) -> Option<Status> {
    let pid = family.pid(role)?;
    ask(&layout.control_socket(role.name(), pid), Ask::Status).await.ok()
}

fn is_up(role: Role, status: &Status) -> bool {
    match role {
        Role::Singleton => status.ready && status.settled,
        Role::Worker { .. } | Role::Admin => status.ready,
    }
}
