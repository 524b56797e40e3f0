//! The admin process: REST API on a socket that it inherited, or binds itself.

use std::{net::TcpListener, os::unix::net::UnixDatagram, sync::Arc, time::Duration};

use anyhow::Context as _;
use busbar_store::Odb;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    boot::{self, Boot, LISTENER_FD},
    control::Control,
    endpoint, logging, master_key, sys,
};

/// ODB connections of an admin process.
const CONNECTIONS_MAX: u32 = 8;

/// As a child of a parent that has bound the socket.
pub(crate) fn run_inherited() -> anyhow::Result<()> {
    let boot = boot::receive_as_child().context("failed to read what the parent says")?;
    let listener =
        sys::inherited_listener(LISTENER_FD).context("failed to take over the listening socket")?;
    run(boot, listener, "admin-process")
}

/// `role` is what its control socket is known by: one that has a parent is looked after by the next one, too.
pub(crate) fn run(boot: Boot, listener: TcpListener, role: &str) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
    let outcome = runtime.block_on(serve(boot, listener, role));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

async fn serve(boot: Boot, listener: TcpListener, role: &str) -> anyhow::Result<()> {
    let logs = boot.settings.log.dir.clone().unwrap_or_else(|| boot.layout.logs());
    logging::start("admin", &logs, &boot.settings.log.level)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let control_path = boot.layout.control_socket(role, std::process::id());
    let control = Control::start(&control_path, role).context("failed to open the control socket")?;
    control.hold(&listener)?;
    boot::let_go()?;
    let url = boot.odb_url.clone();
    let odb = tokio::task::spawn_blocking(move || Odb::open(&url, CONNECTIONS_MAX))
        .await?
        .context("failed to open the ODB")?;
    let token = match &boot.settings.admin.token {
        Some(token) => token.clone(),
        None => std::fs::read_to_string(boot.layout.admin_token()).context("failed to read admin-token")?,
    };
    let master_key = Arc::new(master_key::read(&master_key::path(&boot.layout, &boot.settings))?);
    let settings = busbar_admin::Settings {
        odb,
        ping: endpoint::pinger(Arc::clone(&master_key)),
        master_key,
        token,
        development: boot.development,
        hint: hinter(&boot)?,
        metrics: Some(boot.layout.ops_socket()),
        hash_password: Arc::new(|password: &str| Ok(busbar_engine::password::hash(password)?)),
        password_fits: Arc::new(busbar_engine::password::fits),
        version: env!("CARGO_PKG_VERSION"),
    };
    control.update(|status| status.ready = true);
    tracing::info!(pid = std::process::id(), address = %listener.local_addr()?, "admin is ready");
    let asked = control.clone();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = asked.drain_asked() => {}
        }
        asked.release();
    };
    busbar_admin::serve(listener, settings, stop).await?;
    let _ = std::fs::remove_file(control_path);
    Ok(())
}

/// Tells the singleton of this machine that the ODB changed. Lost hints are made up for by its poll.
fn hinter(boot: &Boot) -> anyhow::Result<Arc<dyn Fn() + Send + Sync>> {
    let (socket, path) = (UnixDatagram::unbound()?, boot.layout.hint_socket());
    socket.set_nonblocking(true)?;
    Ok(Arc::new(move || {
        let _ = socket.send_to(b"changed", &path);
    }))
}
