//! What the parts of the singleton share.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use busbar_model::{Definitions, Digest, bounds::WORKER_MEMORY_BYTES_MAX, server::Standing};
use busbar_store::{By, Error, Fence, Odb};
use busbar_wasm::{ArtifactCache, Engine, Use};
use tokio::sync::{Notify, watch};

use crate::{
    boot::Boot,
    clock,
    control::Control,
    events::Hints,
    feed::Duty,
    singleton::{
        breakers::Breakers, deployer::Waits, odb_counts::OdbCounts, scheduler::Lateness,
        standing::Circumstances, workers::Workers,
    },
};

/// ODB connections of a singleton.
const CONNECTIONS_MAX: u32 = 4;

/// What all workers are to know.
#[derive(Clone, Default)]
pub(crate) struct Feed {
    pub(crate) catalog: Option<Arc<Definitions>>,
    /// Versions to be loaded and kept, behind the number of this list.
    pub(crate) prepare: (u64, Vec<Digest>),
    /// `None` until it is known: workers go on as they are.
    pub(crate) duty: Option<Duty>,
    /// Grows when artifacts came that the same catalog lacked.
    pub(crate) round: u64,
}

pub(crate) struct Core {
    pub(crate) boot: Boot,
    pub(crate) odb: Odb,
    pub(crate) artifacts: ArtifactCache,
    pub(crate) feed: watch::Sender<Feed>,
    pub(crate) workers: Workers,
    pub(crate) odb_counts: OdbCounts,
    pub(crate) lateness: Lateness,
    pub(crate) waits: Waits,
    pub(crate) breakers: Breakers,
    /// While this server leads the cluster.
    pub(crate) fence: watch::Sender<Option<Fence>>,
    /// What this server says of itself.
    pub(crate) standing: watch::Sender<Standing>,
    /// Tells the other servers that the ODB changed.
    pub(crate) hints: OnceLock<Arc<dyn Hints>>,
    /// Something that this server's standing depends on may have changed: look now.
    pub(crate) stand: Notify,
    /// What is wanted of this server may have changed: tell of it, and hear, now.
    pub(crate) beat: Notify,
    /// The ODB may have changed: look now.
    pub(crate) follow: Notify,
    /// A deployment may go on: look now.
    pub(crate) deploy: Notify,
    /// A worker died: look now.
    pub(crate) deaths: Notify,
    /// A deployment came to its end: its file can be put away.
    pub(crate) put_away: Notify,
    control: Control,
    picked_up: AtomicBool,
    deployed: AtomicBool,
    /// The ODB's version when deployments were last looked at.
    seen_version: AtomicI64,
    /// The last change of what workers run that the ODB was told.
    written: AtomicU64,
    circumstances: Mutex<Circumstances>,
    /// When the ODB last answered, in milliseconds of the boot-time clock.
    answered_ms: AtomicU64,
}

fn boot_ms() -> u64 {
    u64::try_from(clock::boot_time().as_millis()).unwrap_or(u64::MAX)
}

impl Core {
    pub(crate) async fn open(boot: Boot, control: Control) -> anyhow::Result<Arc<Self>> {
        let (url, id) = (boot.odb_url.clone(), boot.server_id.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let odb = Odb::open(&url, CONNECTIONS_MAX)?;
            let own = odb.servers()?.into_iter().find(|server| server.id == id);
            Ok::<_, Error>((odb, own.map(|own| own.standing.wanted).unwrap_or_default()))
        });
        // What is wanted of the server is known before its workers hear of anything.
        let (odb, wanted) = opened.await?.context("failed to open the ODB")?;
        // Only its name is needed here; compiling has a process of its own.
        let engine = Engine::new(Use::Compiling, WORKER_MEMORY_BYTES_MAX)?;
        let artifacts = ArtifactCache::open(&boot.layout.artifacts(), &engine)?;
        let address = boot.address();
        let breakers = Breakers::open(boot.layout.run().join("breakers.json"));
        Ok(Arc::new(Self {
            boot,
            odb,
            artifacts,
            feed: watch::Sender::new(Feed::default()),
            workers: Workers::default(),
            odb_counts: OdbCounts::default(),
            lateness: Lateness::default(),
            waits: Waits::default(),
            breakers,
            fence: watch::Sender::new(None),
            standing: watch::Sender::new(Standing { address, ..Standing::default() }),
            hints: OnceLock::new(),
            stand: Notify::new(),
            beat: Notify::new(),
            follow: Notify::new(),
            deploy: Notify::new(),
            deaths: Notify::new(),
            put_away: Notify::new(),
            control,
            picked_up: AtomicBool::new(false),
            deployed: AtomicBool::new(false),
            seen_version: AtomicI64::new(i64::MAX),
            written: AtomicU64::new(0),
            circumstances: Mutex::new(Circumstances::of(wanted)),
            answered_ms: AtomicU64::new(boot_ms()),
        }))
    }

    /// No other singleton leads any more: what it left half-done is nobody's.
    pub(crate) fn begin_to_lead(&self) -> anyhow::Result<()> {
        self.artifacts.sweep().context("failed to tidy the artifact folder")?;
        self.control.update(|status| status.leads = true);
        Ok(())
    }

    /// Runs a piece of ODB work where it may block.
    pub(crate) async fn odb<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Odb) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let odb = self.odb.clone();
        match tokio::task::spawn_blocking(move || work(&odb)).await {
            Ok(outcome) => {
                if !matches!(outcome, Err(Error::Connections(_) | Error::Lost(_) | Error::Open(_))) {
                    self.answered_ms.store(boot_ms(), Ordering::Relaxed);
                }
                outcome
            }
            // The pool's threads end with the process only.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// For how long the ODB was not to be had.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(boot_ms().saturating_sub(self.answered_ms.load(Ordering::Relaxed)))
    }

    /// Looks at, or changes, what this server's standing depends on.
    pub(crate) fn circumstances<T>(&self, look: impl FnOnce(&mut Circumstances) -> T) -> T {
        look(&mut self.circumstances.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This process changed the ODB.
    pub(crate) fn changed(&self) {
        self.look();
        self.tell_others();
    }

    /// What this process knows already is news for other servers.
    pub(crate) fn tell_others(&self) {
        if let Some(hints) = self.hints.get() {
            hints.changed();
        }
    }

    /// The ODB may have changed.
    pub(crate) fn look(&self) {
        self.follow.notify_one();
        self.deploy.notify_one();
        self.put_away.notify_one();
    }

    /// The singleton as the author of a change.
    pub(crate) fn by(&self, actor: &str) -> By {
        By { actor: actor.to_owned(), correlation_id: None, now: clock::now() }
    }

    /// Whether files wait in the pickup folder.
    pub(crate) fn set_picked_up(&self, nothing_waits: bool) {
        self.picked_up.store(nothing_waits, Ordering::Relaxed);
        self.show();
    }

    /// Whether deployments are under way, in the ODB at a version.
    pub(crate) fn set_deployed(&self, nothing_pending: bool, version: i64) {
        self.seen_version.store(version, Ordering::Relaxed);
        self.deployed.store(nothing_pending, Ordering::Relaxed);
        self.show();
    }

    /// The ODB was told what workers run, with this change.
    pub(crate) fn set_written(&self, change: u64) {
        self.written.store(change, Ordering::Relaxed);
        self.show();
    }

    /// Shows others whether all that was asked for is done, served, and told to who asks the ODB.
    pub(crate) fn show(&self) {
        let version = self.feed.borrow().catalog.as_ref().map(|catalog| catalog.version);
        let seen = self.seen_version.load(Ordering::Relaxed);
        let served = version
            .filter(|version| *version >= seen)
            .is_some_and(|version| self.workers.all_at(version, self.boot.settings.workers.effective()));
        let written = self.written.load(Ordering::Relaxed) >= self.workers.change();
        let settled = served
            && written
            && self.picked_up.load(Ordering::Relaxed)
            && self.deployed.load(Ordering::Relaxed);
        self.control.update(|status| {
            status.settled = settled;
            status.ready = version.is_some();
            status.catalog_version = version.unwrap_or_default();
        });
    }
}
