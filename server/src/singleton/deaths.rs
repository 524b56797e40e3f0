//! Takes up what the parent reports of workers that died, and quarantines plugins that they died with.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use busbar_model::quarantine::Death;
use tokio::time::timeout;

use crate::{causes::chain, singleton::Core};

/// The reports are looked for so often, whether someone says that there are any or not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a report.
const REPORT_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    loop {
        match reports(&core.boot.layout.deaths()) {
            Ok(reports) => {
                for report in reports {
                    take_up(&core, report).await;
                }
            }
            Err(error) => tracing::warn!(%error, "reports of deaths can't be read at present"),
        }
        let _ = timeout(LOOK_EVERY, core.deaths.notified()).await;
    }
}

/// Oldest first.
fn reports(folder: &std::path::Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What could not be recorded stays, and is tried again.
async fn take_up(core: &Arc<Core>, report: PathBuf) {
    let death = match read(&report) {
        Ok(death) => death,
        Err(error) => {
            tracing::error!(report = %report.display(), %error, "report of a death can't be read; it is dropped");
            let _ = fs::remove_file(report);
            return;
        }
    };
    let by = core.by("parent");
    match core.odb(move |odb| odb.record_death(&by, &death)).await {
        Ok(quarantined) => {
            let _ = fs::remove_file(report);
            for plugin in &quarantined {
                let reason = plugin.active.as_ref().and_then(|active| active.quarantine.as_ref());
                let reason = reason.map(|quarantine| quarantine.reason.as_str());
                tracing::error!(plugin = %plugin.name, reason, "plugin is quarantined; its services answer 503");
            }
            if !quarantined.is_empty() {
                core.changed();
            }
        }
        Err(error) => tracing::warn!(error = %chain(&error), "death can't be recorded at present"),
    }
}

fn read(report: &std::path::Path) -> io::Result<Death> {
    if fs::metadata(report)?.len() > REPORT_BYTES_MAX {
        return Err(io::Error::other("it is too large"));
    }
    serde_json::from_slice(&fs::read(report)?).map_err(io::Error::other)
}
