//! What the singleton and its workers say to each other over a local socket.
//!
//! Each message is JSON behind its length (four bytes, big-endian).

use std::{collections::BTreeMap, time::Duration};

use busbar_egress::BreakerState;
use busbar_engine::metrics::Difference;
use busbar_model::{Definitions, Digest, Name, bounds::FEED_SILENT_MS, server::Load};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{net::UnixStream, time::timeout};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// Bytes of one message.
const MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// From the singleton.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum ToWorker {
    /// All definitions at a version; to be served from now on.
    Catalog { definitions: Box<Definitions> },
    /// To be loaded and kept, in the hope that it becomes active. Each list has its number.
    Prepare { list: u64, digests: Vec<Digest> },
    /// To be answered with `Counted`; said often enough to show that the singleton lives.
    Count { id: u64 },
    /// There may be something to deliver.
    Deliver,
    /// What the server is there for from now on.
    Duty(Duty),
    /// What the worker before this one knew of its breakers; said before the first catalog.
    Breakers { left: BTreeMap<Name, Remembered> },
}

/// A breaker that is not closed, of a connection at that revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) revision: i64,
    pub(crate) state: BreakerState,
}

/// What a server's workers do beside answering the calls that come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Duty {
    /// Balancers are to send calls here.
    pub(crate) ready: bool,
    /// Why they are not, in a word that is the problem's code, and for a person.
    pub(crate) reason: Option<(String, String)>,
    /// It claims deliveries and consumes queues.
    pub(crate) works: bool,
}

impl Duty {
    /// Of a worker that nobody told anything.
    pub(crate) fn at_first() -> Self {
        let reason = ("starting".to_owned(), "it is not known yet how the server stands".to_owned());
        Self { ready: false, reason: Some(reason), works: false }
    }

    /// Of one that has to find its way without a singleton.
    pub(crate) fn alone() -> Self {
        Self { ready: true, reason: None, works: true }
    }
}

/// From a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum ToSingleton {
    Hello {
        slot: u32,
        pid: u32,
    },
    /// New calls meet this catalog.
    Applied {
        version: i64,
        plugins: BTreeMap<Name, Digest>,
    },
    /// For the list of that number. `problem`: why it can't be loaded.
    Prepared {
        list: u64,
        digest: Digest,
        problem: Option<String>,
    },
    Counted {
        id: u64,
        difference: Difference,
        load: Load,
    },
    Draining,
    /// All its breakers that are not closed.
    Breakers {
        present: BTreeMap<Name, Remembered>,
    },
}

pub(crate) type Link = Framed<UnixStream, LengthDelimitedCodec>;

pub(crate) fn link(stream: UnixStream) -> Link {
    Framed::new(stream, LengthDelimitedCodec::builder().max_frame_length(MESSAGE_BYTES_MAX).new_codec())
}

pub(crate) fn encode<T: Serialize>(message: &T) -> std::io::Result<Bytes> {
    serde_json::to_vec(message).map(Bytes::from).map_err(std::io::Error::other)
}

/// Fails where the other side does not read: both might wait for each other.
pub(crate) async fn send<T: Serialize>(link: &mut Link, message: &T) -> std::io::Result<()> {
    timeout(Duration::from_millis(FEED_SILENT_MS), link.send(encode(message)?)).await?
}

/// The next message; `None` when the other side is gone.
pub(crate) async fn receive<T: DeserializeOwned>(link: &mut Link) -> std::io::Result<Option<T>> {
    match link.next().await {
        None => Ok(None),
        Some(Err(error)) => Err(error),
        Some(Ok(bytes)) => serde_json::from_slice(&bytes).map(Some).map_err(std::io::Error::other),
    }
}
