//! The parent: binds the sockets, starts the processes and restarts what dies. It runs no service's
//! code and serves no call.

mod child;
mod family;
mod lock;
mod ready;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use busbar_model::bounds;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    boot::Boot,
    layout::{self, Layout},
    master_key,
    settings::Settings,
    sys,
};

use self::family::{Family, Listeners};
pub(crate) use self::lock::{running, take as take_lock};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;

/// What ends a parent; each has its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("address {address} ({key}) is in use; stop what listens there, or choose another")]
    AddressInUse { key: &'static str, address: SocketAddr },
    #[error("address {address} ({key}) can't be listened on")]
    Bind {
        key: &'static str,
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("another busbar runs in {folder}: {who}; stop it with `busbar stop --dir {folder}`")]
    Running { folder: String, who: String },
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    MasterKey(#[from] master_key::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Ended {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::AddressInUse { .. } => ExitCode::from(3),
            Self::Other(_) | Self::MasterKey(master_key::Error::Odb(_)) => ExitCode::from(1),
            Self::Usage(_) | Self::Bind { .. } | Self::Running { .. } | Self::MasterKey(_) => {
                ExitCode::from(2)
            }
        }
    }
}

/// What a parent is to run.
pub(crate) struct Plan {
    pub(crate) layout: Layout,
    pub(crate) settings: Settings,
    pub(crate) odb_url: String,
    pub(crate) development: bool,
    /// Also run the admin process.
    pub(crate) with_admin: bool,
    /// Called once when everything is up for the first time.
    pub(crate) on_ready: fn(&Endpoints),
}

/// Where a running server is reached.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Endpoints {
    pub(crate) http: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<String>,
    pub(crate) pid: u32,
    #[serde(skip)]
    pub(crate) folder: String,
}

/// Runs until a signal says stop. The caller holds the folder's lock.
pub(crate) async fn run(plan: Plan, server_id: String) -> Result<(), Ended> {
    let _ = std::fs::remove_file(plan.layout.endpoints());
    let http = bind("http.listen", plan.settings.http.listen)?;
    // In development mode metrics are on the admin address.
    let ops = match plan.development {
        true => None,
        false => Some(bind("ops.listen", plan.settings.ops.listen)?),
    };
    let admin = match plan.with_admin {
        true => Some(bind("admin.listen", plan.settings.admin.listen)?),
        false => None,
    };
    let endpoints = endpoints(&plan.layout, &http, admin.as_ref())?;
    let boot = Boot {
        server_name: host_name(),
        server_id,
        layout: plan.layout.clone(),
        odb_url: plan.odb_url,
        development: plan.development,
        slot: 0,
        settings: plan.settings,
    };
    // Before anything is started, so that no signal is missed.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(anyhow::Error::from)?;
    let family = Arc::new(Family::new(boot, Listeners { http, ops, admin }));
    let supervisors = Family::start(&family);
    let announce = announce(Arc::clone(&family), plan.layout.clone(), endpoints, plan.on_ready);
    let announcing = tokio::spawn(announce);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    announcing.abort();
    tracing::info!("stopping");
    let _ = std::fs::remove_file(plan.layout.endpoints());
    family.stop();
    let gone = async {
        for supervisor in supervisors {
            let _ = supervisor.await;
        }
    };
    let patience = family.patience();
    tokio::pin!(gone);
    tokio::select! {
        () = &mut gone => return Ok(()),
        // Whoever asks twice means it.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = tokio::time::sleep(patience) => tracing::warn!("processes did not stop in time"),
    }
    family.kill();
    gone.await;
    Ok(())
}

/// Tells where the server is once all of it is up.
async fn announce(family: Arc<Family>, layout: Layout, endpoints: Endpoints, on_ready: fn(&Endpoints)) {
    ready::wait(&family, &layout).await;
    let text = serde_json::to_string(&endpoints).unwrap_or_default();
    match layout::write_atomically(&layout.endpoints(), &text) {
        Ok(()) => on_ready(&endpoints),
        Err(error) => tracing::error!(%error, "endpoints.json could not be written"),
    }
}

pub(crate) fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Ended> {
    let bound = (|| {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // A restart does not wait for the connections of its predecessor to be forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        sys::limit_unsent(&listener, bounds::UNSENT_BYTES_MAX)?;
        Ok(listener)
    })();
    bound.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => Ended::AddressInUse { key, address },
        _ => Ended::Bind { key, address, source },
    })
}

fn endpoints(layout: &Layout, http: &TcpListener, admin: Option<&TcpListener>) -> Result<Endpoints, Ended> {
    let url = |listener: &TcpListener| listener.local_addr().map(|address| format!("http://{address}"));
    Ok(Endpoints {
        http: url(http).map_err(anyhow::Error::from)?,
        admin: admin.map(url).transpose().map_err(anyhow::Error::from)?,
        pid: std::process::id(),
        folder: layout.root().display().to_string(),
    })
}

/// The host's name, as far as it is a name of the bus.
fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    busbar_model::Name::from_stem(&name).map_or_else(|_| "server".to_owned(), String::from)
}

/// How long a stopped process may take beyond its drain.
const STOP_SLACK: Duration = Duration::from_secs(5);
