//! A worker: accepts calls on the shared socket and runs services, on one thread.

mod brokers;
mod catalog;
mod connection;
mod cork;
mod head;
mod http;
mod ledger;
mod listen;
mod local;

mod reporting;
mod roster;
mod seat;
mod secrets;
mod sender;
mod share;
mod transport;
mod ways;
mod wire;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use busbar_engine::{Outward, Pipeline, catalog::Binder, metrics::Metrics};
use busbar_model::{inflight, plugin::Grants, server::Load};
use busbar_pki::{Acceptor, Peers, Role};
use busbar_wasm::{ArtifactCache, Engine, Memory, Use};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    access_log::AccessLogFile,
    boot::{self, Boot, IN_FLIGHT_FD, LISTENER_FD, SHARE_FD, SOCKET_FD},
    control::Control,
    descriptors,
    feed::Duty,
    log_file::LogFile,
    logging, master_key,
    membership::Membership,
    settings, sys,
    trouble::{self, Trouble},
    worker::{local::Local, roster::Roster, share::Share},
};

/// The process.
pub(crate) fn run() -> anyhow::Result<()> {
    let boot = boot::receive_as_child().context("failed to read what the parent says")?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
    let outcome = runtime.block_on(serve(boot));
    // Whatever still runs has had its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// Its calls under way are told to the parent.
fn engine(boot: &Boot) -> anyhow::Result<Engine> {
    let engine = Engine::new(Use::Serving, boot.settings.workers.memory_bytes_max)?;
    match sys::inherited_words(IN_FLIGHT_FD, inflight::WORDS).map(inflight::Table::new) {
        Ok(table) => table.into_iter().for_each(|table| engine.tell_in_flight(table)),
        Err(error) => tracing::warn!(%error, "nobody will know what this worker had under way when it dies"),
    }
    Ok(engine)
}

async fn serve(boot: Boot) -> anyhow::Result<()> {
    let logs = boot.settings.log.dir.clone().unwrap_or_else(|| boot.layout.logs());
    logging::start(&format!("worker-{}", boot.slot), &logs, &boot.settings.log.level)?;
    let doors = doors(&boot)?;
    let control = Control::start(&boot.layout.control_socket("worker", std::process::id()), "worker")
        .context("failed to open the control socket")?;
    control.hold(&doors.tcp)?;
    boot::let_go()?;
    let access_log = AccessLogFile::start(LogFile::open(&logs.join(format!("access-{}.jsonl", boot.slot)))?);
    let engine = engine(&boot)?;
    let memory = engine.memory();
    let _ticker = engine.start_ticker()?;
    let artifacts = ArtifactCache::open(&boot.layout.artifacts(), &engine)?;
    let metrics = Arc::new(Metrics::default());
    let ledger = ledger::OdbLedger::new(boot.odb_url.clone());
    let port = Arc::new(ledger::Port(Arc::clone(&ledger)));
    let opener = Arc::new(secrets::Opener::new(&master_key::path(&boot.layout, &boot.settings)));
    let links = brokers::Links::new(Arc::clone(&opener), format!("busbar {}/{}", boot.server_id, boot.slot));
    let ways = ways::Ways::new(Arc::clone(&opener), Arc::clone(&metrics), boot.own_files());
    let outward =
        Outward { outlet: Some(Arc::clone(&links) as Arc<_>), ways: Some(Arc::new(ways.clone()) as Arc<_>) };
    let pipeline = Pipeline::new(Arc::clone(&metrics), Arc::clone(&access_log) as Arc<_>, port, outward);
    let binder = Binder::new(metrics, grants_default(boot.development), Arc::clone(&opener) as Arc<_>);
    let keeper = catalog::Keeper::new(Arc::clone(&pipeline), engine, artifacts, binder);
    let mut terminate = signal(SignalKind::terminate())?;
    let (draining, drain) = tokio::sync::watch::channel(false);
    let roster = Roster::new(&boot.settings.http, descriptors::limit(), share(&boot));
    let brokers = brokers::Brokers::new(Arc::clone(&pipeline), links);
    let (told_duty, duty) = tokio::sync::watch::channel(Duty::at_first());
    let ledger_of_sender = Arc::clone(&ledger);
    let sender =
        sender::Sender::new(&boot, ledger_of_sender, Arc::clone(&pipeline), drain.clone(), duty.clone());
    let load = busy(&roster, &pipeline, memory, (&brokers, ways.clone()), sender.attempts());
    let watched = Arc::clone(&pipeline);
    tokio::spawn(Arc::clone(&roster).watch(move || watched.buffers().are_scarce()));
    let told = (ledger, told_duty);
    let reporting = reporting::start(&boot, keeper, control.clone(), drain.clone(), load, told, ways.clone());
    tokio::spawn(ways.follow(Arc::clone(&pipeline), reporting.applied.clone()));
    let serving = async {
        // Nothing is accepted before there is a catalog to serve.
        tokio::select! {
            () = reporting::first_catalog(reporting.applied.clone()) => {}
            _ = terminate.recv() => return Ok::<(), anyhow::Error>(()),
        }
        control.update(|status| status.ready = true);
        tracing::info!(slot = boot.slot, pid = std::process::id(), "worker is ready");
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                () = control.drain_asked() => {}
            }
            control.update(|status| status.ready = false);
            control.release();
            let _ = draining.send(true);
        };
        let sending = tokio::spawn(sender.run());
        let consuming = tokio::spawn(brokers.run(reporting.applied, drain.clone(), duty.clone()));
        let front = http::Front::new(pipeline, boot.development, drain, duty);
        listen::serve(doors, front, &roster, &boot.settings.http, stop).await?;
        // Attempts that outlast this are in doubt, and made again by others.
        let patience = Duration::from_millis(boot.settings.http.drain_ms);
        let _ = tokio::time::timeout(patience, async { tokio::join!(sending, consuming) }).await;
        Ok(())
    };
    tokio::select! {
        outcome = serving => outcome?,
        ended = reporting.task => ended.context("the task that follows the singleton ended badly")?,
    }
    access_log.flush();
    let _ = std::fs::remove_file(boot.layout.control_socket("worker", std::process::id()));
    Ok(())
}

/// What others see of its connections, and it of theirs.
fn share(boot: &Boot) -> Share {
    let words = boot.shares.then(|| sys::inherited_words(SHARE_FD, settings::WORKERS_MAX)).transpose();
    let words = words.unwrap_or_else(|error| {
        tracing::warn!(%error, "workers take connections as they come");
        None
    });
    Share::new(words.unwrap_or_default(), boot.slot)
}

/// Where calls come in.
fn doors(boot: &Boot) -> anyhow::Result<listen::Doors> {
    let tcp = sys::inherited_listener(LISTENER_FD).context("failed to take over the listening socket")?;
    Ok(listen::Doors { tcp, tls: acceptor(boot)?, local: local(&boot.settings.http)? })
}

/// The Unix socket, where there is to be one.
fn local(settings: &settings::Http) -> anyhow::Result<Option<Local>> {
    if settings.socket.is_none() {
        return Ok(None);
    }
    let listener = match sys::inherited_socket(SOCKET_FD) {
        Ok(listener) => listener,
        Err(error) => {
            // A parent of a version before knows of none.
            tracing::warn!(%error, "http.socket is not served until the server is started again");
            return Ok(None);
        }
    };
    Local::new(listener, settings.socket_user.as_deref()).map(Some)
}

/// Where the server is a member of a cluster that has an authority, it speaks TLS, and with members only.
fn acceptor(boot: &Boot) -> anyhow::Result<Option<Arc<Acceptor>>> {
    let membership = Membership::begin(&boot.layout).context("failed to read the certificate in tls")?;
    membership.map(|membership| membership.acceptor(Peers::required(Role::ALL))).transpose()
}

/// How busy this worker is, whenever someone asks.
fn busy(
    roster: &Arc<Roster>,
    pipeline: &Arc<Pipeline>,
    memory: Memory,
    (brokers, ways): (&Arc<brokers::Brokers>, ways::Ways),
    attempts: Arc<AtomicUsize>,
) -> Box<dyn Fn() -> Load + Send> {
    let (roster, pipeline, brokers) = (Arc::clone(roster), Arc::clone(pipeline), Arc::clone(brokers));
    let refused = AtomicU64::new(0);
    Box::new(move || {
        let before = refused.swap(memory.refused(), Ordering::Relaxed);
        if memory.refused() > before {
            let calls = memory.refused() - before;
            trouble::note(
                Trouble::Memory,
                format!("{calls} calls got none, {} bytes are taken", memory.bytes()),
            );
        }
        let crowd = roster.crowd();
        Load {
            connections: crowd.open,
            connections_idle: crowd.idle,
            body_bytes: pipeline.buffers().bytes(),
            under_way: crowd.open.saturating_sub(crowd.idle)
                + (attempts.load(Ordering::Relaxed) + brokers.ending()) as u64,
            memory_bytes: memory.bytes(),
            troubles: trouble::present(),
            consuming: brokers.consuming(),
            linked: brokers.linked(),
            outgoing: ways.report(),
        }
    })
}

/// What a plugin may reach when nobody has set its grants.
fn grants_default(development: bool) -> Grants {
    if development { Grants::everything() } else { Grants::default() }
}
