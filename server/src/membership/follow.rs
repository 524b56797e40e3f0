//! A running process uses what stands in its folder, whoever renews it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use busbar_pki::{Acceptor, Connector, Credentials, Expected, Peers, Ticketer};

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
        let Some(version) = files::version(layout)? else { return Ok(None) };
        let held = Held::of(&version)?;
        let new = Self { credentials: held.credentials()?, ticketer: Ticketer::new(&held.tickets, None)? };
        tokio::spawn(new.clone().follow(layout.clone(), version));
        Ok(Some(new))
    }

    pub(crate) fn acceptor(&self, peers: Peers) -> anyhow::Result<Arc<Acceptor>> {
        Ok(Arc::new(Acceptor::new(&self.credentials, peers, Some(&self.ticketer))?))
    }

    pub(crate) fn connector(&self, expected: Expected) -> anyhow::Result<Arc<Connector>> {
        Ok(Arc::new(Connector::new(&self.credentials, expected)?))
    }

    /// What can't be used now may be the next time: there may be no descriptor left to read it by.
    async fn follow(self, layout: Layout, mut used: PathBuf) {
        let mut trouble = String::new();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let found = match files::version(&layout) {
                Ok(Some(found)) if found != used => found,
                _ => continue,
            };
            match self.replace(&found) {
                Ok(()) => {
                    tracing::info!(trust = ?self.credentials.confirmed().trusts, "a new certificate is used");
                    used = found;
                }
                Err(error) => {
                    let text = format!("{error:#}");
                    if text != trouble {
                        tracing::error!(error = text, "the certificate before stays in use");
                        trouble = text;
                    }
                }
            }
        }
    }

    fn replace(&self, version: &Path) -> anyhow::Result<()> {
        let held = Held::of(version)?;
        self.credentials.replace(&held.key, held.certificate, held.trust)?;
        if let Err(error) = self.ticketer.rotate(&held.tickets) {
            tracing::warn!(error = %chain(&error), "sessions are resumed under the key before");
        }
        Ok(())
    }
}
