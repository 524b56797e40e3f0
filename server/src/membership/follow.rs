//! A running process uses what stands in its folder, whoever renews it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use busbar_pki::{Acceptor, Connector, Credentials, Expected, Identity, Peers, Ticketer};

use super::files::{self, Held};
use crate::{causes::chain, layout::Layout};

/// How often a process looks whether there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A process as a member of the cluster.
#[derive(Clone)]
pub(crate) struct Membership {
    pub(crate) credentials: Arc<Credentials>,
    ticketer: Arc<Ticketer>,
}

impl Membership {
    /// `None`: the folder is none of a member. What it has is followed from now on.
    pub(crate) fn begin(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let Some(held) = Held::read(layout)? else { return Ok(None) };
        let seen = files::version(layout)?;
        let new = Self { credentials: held.credentials()?, ticketer: Ticketer::new(&held.tickets, None)? };
        tokio::spawn(new.clone().follow(layout.clone(), seen));
        Ok(Some(new))
    }

    pub(crate) fn identity(&self) -> Identity {
        self.credentials.identity()
    }

    pub(crate) fn acceptor(&self, peers: Peers) -> anyhow::Result<Arc<Acceptor>> {
        Ok(Arc::new(Acceptor::new(&self.credentials, peers, Some(&self.ticketer))?))
    }

    pub(crate) fn connector(&self, expected: Expected) -> anyhow::Result<Arc<Connector>> {
        Ok(Arc::new(Connector::new(&self.credentials, expected)?))
    }

    async fn follow(self, layout: Layout, mut seen: Option<PathBuf>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let found = files::version(&layout).ok().flatten();
            if found.is_none() || found == seen {
                continue;
            }
            match self.replace(&layout) {
                Ok(()) => {
                    tracing::info!(trust = ?self.credentials.confirmed().trusts, "a new certificate is used")
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the certificate before stays in use");
                }
            }
            seen = found;
        }
    }

    fn replace(&self, layout: &Layout) -> anyhow::Result<()> {
        let Some(held) = Held::read(layout)? else { return Ok(()) };
        self.credentials.replace(&held.key, held.certificate, held.trust)?;
        if let Err(error) = self.ticketer.rotate(&held.tickets) {
            tracing::warn!(error = %chain(&error), "sessions are resumed under the key before");
        }
        Ok(())
    }
}
