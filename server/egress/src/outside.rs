//! What a connection asks of its surroundings: names, the time, chance, and whom the machine trusts. Tests give their
//! own.

use std::{
    fmt, io,
    net::{IpAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use tokio::sync::Semaphore;
use tokio_rustls::rustls::RootCertStore;

pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks up the addresses of a host.
pub trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a>;
}

/// The machine's own way to look up names. It can't be told to stop, so few at once take a thread of the process.
struct System(Arc<Semaphore>);

/// Names that are looked up at once.
const LOOK_UPS_MAX: usize = 4;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let place = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
            let host = host.to_owned();
            let looking = move || {
                let found = (host.as_str(), 0).to_socket_addrs();
                drop(place);
                found
            };
            let found = tokio::task::spawn_blocking(looking).await.map_err(io::Error::other)??;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A process clones one for all its connections.
#[derive(Clone)]
pub struct Outside {
    pub resolver: Arc<dyn Resolve>,
    pub time: fn() -> SystemTime,
    pub random: fn() -> u32,
    pub authorities: Authorities,
}

/// Whom the machine trusts, read when first asked for. Clones are the same.
#[derive(Clone, Default)]
pub struct Authorities(Arc<OnceLock<Arc<RootCertStore>>>);

impl Outside {
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the seam by which the crate asks for the time"
        )]
        let time = SystemTime::now;
        // Without the system's chance, which is never seen, half the longest pause.
        let random = || getrandom::u32().unwrap_or(u32::MAX / 2);
        let resolver = Arc::new(System(Arc::new(Semaphore::new(LOOK_UPS_MAX))));
        Self { resolver, time, random, authorities: Authorities::default() }
    }

    /// In milliseconds since 1970.
    pub(crate) fn unix_ms(&self) -> u64 {
        let since = (self.time)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Authorities {
    pub(crate) fn store(&self) -> Arc<RootCertStore> {
        let read = || {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "an authority that the machine trusts can't be read");
            }
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(found.certs);
            Arc::new(store)
        };
        Arc::clone(self.0.get_or_init(read))
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}
