//! This server as a member of its cluster: its certificate is renewed in time, and it goes along with a roll of the
//! authority.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    master_key,
    membership::{Held, LOOK_EVERY, Own, hosts, keep},
    singleton::Core,
};

/// For ever; where the folder is none of a member there is nothing to do.
pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let boot = &core.boot;
    let held = Held::read(&boot.layout).context("failed to read the certificate in tls")?;
    if held.is_none() {
        return std::future::pending().await;
    }
    let key = Arc::new(master_key::read(&master_key::path(&boot.layout, &boot.settings))?);
    let own = Own::new(core.odb.clone(), key);
    keep(boot.layout.clone(), own, hosts(&boot.settings), LOOK_EVERY).await;
    Ok(())
}
