//! What a parent that was killed left behind: processes that serve on, and have its sockets.

use std::{io, net::TcpListener, path::PathBuf, sync::Arc};

use anyhow::Context as _;

use crate::{
    control::{self, connect},
    layout::Layout,
    parent::{
        child::Role,
        listeners::{ADMIN, AtHand, HTTP, OPS},
        process::Process,
        retiring::Retired,
    },
};

/// Of a folder whose lock this process holds: nobody else looks after them.
#[derive(Default)]
pub(crate) struct Orphans {
    pub(crate) processes: Vec<Retired>,
    pub(crate) listeners: Vec<AtHand>,
}

/// What the socket of a process that a parent starts was bound for; `None` for other roles: an admin process
/// may well run on its own, under another name.
fn key(role: &str) -> Option<&'static str> {
    [(Role::Worker { slot: 0 }, HTTP), (Role::Singleton, OPS), (Role::Admin, ADMIN)]
        .into_iter()
        .find_map(|(known, key)| (known.name() == role).then_some(key))
}

/// Finds them by their control sockets.
pub(crate) async fn find(layout: &Layout) -> anyhow::Result<Orphans> {
    let paths = control::paths(layout).context("failed to read the folder of control sockets")?;
    // All at once: one that does not answer keeps the others waiting otherwise.
    let looks: Vec<_> =
        paths.into_iter().map(|path| tokio::task::spawn_blocking(move || look(path))).collect();
    let mut orphans = Orphans::default();
    for look in looks {
        let Some((orphan, listener)) = look.await?? else { continue };
        let key = key(&orphan.role);
        orphans.listeners.extend(listener.map(|listener| AtHand { key, listener: Arc::new(listener) }));
        orphans.processes.push(orphan);
    }
    Ok(orphans)
}

fn look(path: PathBuf) -> anyhow::Result<Option<(Retired, Option<TcpListener>)>> {
    let shown = path.display().to_string();
    let failed = || format!("failed to take over the process behind {shown}");
    let Some(mut connection) = connect(&path).with_context(failed)? else { return Ok(None) };
    if key(&connection.role).is_none() {
        return Ok(None);
    }
    let process = match Process::open(connection.pid) {
        Ok(process) => process,
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
    };
    // It lives still, so its number was not another's when it was opened.
    if !connection.is_alive().with_context(failed)? {
        return Ok(None);
    }
    let listener = listener(&mut connection).unwrap_or_else(|error| {
        tracing::warn!(pid = connection.pid, role = connection.role, %error, "an orphan does not answer; it is ended");
        None
    });
    Ok(Some((Retired { process: Arc::new(process), role: connection.role }, listener)))
}

/// A socket that no longer listens, or never did, is of no use.
fn listener(connection: &mut control::Connection) -> io::Result<Option<TcpListener>> {
    let listener = connection.listener()?;
    if let Some(listener) = &listener {
        listener.local_addr()?;
    }
    Ok(listener)
}
