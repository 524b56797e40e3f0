//! The admin process: REST API on a socket that it inherited, or binds itself.

use std::{net::TcpListener, sync::Arc, time::Duration};

use anyhow::Context as _;
use busbar_admin::{Asked, Handed, Heard, Tls, Whom};
use busbar_model::bounds::SERVERS_ANSWER_MS;
use busbar_pki::{Peers, Role};
use busbar_store::Odb;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use crate::{
    boot::{self, Boot, LISTENER_FD},
    control::Control,
    events::{self, Ask, Broker, Hints},
    logging, master_key,
    membership::{LOOK_EVERY, Membership, Own, hosts, keep},
    ping,
    settings::{Certificates, Settings},
    singleton::STATUS,
    sys, wsdl,
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
    let cluster = odb.cluster_id().context("failed to read what the cluster is")?;
    let broker = start_events(&boot, &cluster)?;
    let hints = hints(&boot, broker.as_ref())?;
    let key_path = master_key::path(&boot.layout, &boot.settings);
    let master_key = Arc::new(master_key::read(&key_path)?);
    let membership = Membership::begin(&boot.layout).context("failed to read the certificate in tls")?;
    let tls = membership.as_ref().map(|membership| tls(&boot.settings, membership)).transpose()?;
    if membership.is_some() {
        let own = Own::new(odb.clone(), Arc::clone(&master_key));
        tokio::spawn(keep(boot.layout.clone(), own, hosts(&boot.settings), LOOK_EVERY));
    }
    let handed = Handed {
        odb_url: boot.odb_url.clone(),
        amqp_url: boot.settings.amqp.url.clone(),
        master_key: Zeroizing::new(master_key::bytes(&key_path)?.to_vec()),
    };
    let settings = busbar_admin::Settings {
        odb,
        ping: ping::pinger(Arc::clone(&master_key), boot.own_files()),
        wsdl: wsdl::fetcher(),
        master_key,
        token,
        development: boot.development,
        hint: Arc::new(move || hints.changed()),
        ask: broker.as_ref().map(asker),
        urls: boot.settings.admin.url.iter().cloned().collect(),
        handed,
        tls,
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

/// Members of every role come here, and who is to become one.
fn tls(settings: &Settings, membership: &Membership) -> anyhow::Result<Tls> {
    let acceptor = membership.acceptor(Peers::optional(Role::ALL))?;
    Ok(Tls { acceptor, required: settings.admin.certificates == Certificates::Required })
}

/// This process's part in the events of the cluster, where there is a broker.
fn start_events(boot: &Boot, cluster: &str) -> anyhow::Result<Option<Arc<Broker>>> {
    let Some(url) = &boot.settings.amqp.url else { return Ok(None) };
    let from = format!("admin {}/{}", boot.server_id, std::process::id());
    let broker = Broker::start(url, cluster, &from)?;
    let listening = Arc::clone(&broker);
    tokio::spawn(async move {
        if let Err(error) = listening.listen(None, || {}, None).await {
            tracing::warn!(error = format!("{error:#}"), "servers can't be asked any more");
        }
    });
    Ok(Some(broker))
}

fn hints(boot: &Boot, broker: Option<&Arc<Broker>>) -> anyhow::Result<events::All> {
    let local: Arc<dyn Hints> = Arc::new(events::Local::open(&boot.layout)?);
    let broker = broker.map(|broker| Arc::clone(broker) as Arc<dyn Hints>);
    Ok(events::All([local].into_iter().chain(broker).collect()))
}

/// Asks servers how they are, past the ODB.
fn asker(broker: &Arc<Broker>) -> busbar_admin::AskServers {
    let broker = Arc::clone(broker);
    Arc::new(move |whom| {
        let broker = Arc::clone(&broker);
        Box::pin(async move {
            let whom = match whom {
                Whom::One(server) => Ask::One(server),
                Whom::Any => Ask::Any,
                Whom::All => Ask::All,
            };
            let patience = Duration::from_millis(SERVERS_ANSWER_MS);
            let answers = broker.ask(&whom, STATUS, patience).await;
            let broker = broker.state();
            let answers = answers.into_iter().map(|event| Heard {
                from: event.from,
                progress: event.progress.map(|progress| (progress.done, progress.of)),
                body: event.body,
            });
            Asked { broker, answers: answers.collect() }
        })
    })
}
