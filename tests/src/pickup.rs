//! Dropping files into the pickup folder, whole or little by little.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use crate::{poll, quickstart::Quickstart};

/// What became of a dropped file that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// In `pickup/failed`.
    pub file: PathBuf,
    /// The text of `NAME.error.txt`.
    pub reason: String,
}

impl Quickstart {
    /// Writes a file beside the pickup folder and renames it in: it is whole from the start.
    pub fn pickup(&self, name: &str, bytes: &[u8]) {
        let beside = self.folder().root().join(format!("dropping-{name}"));
        fs::write(&beside, bytes).expect("a file can be written");
        fs::rename(beside, self.path("pickup").join(name)).expect("a file can be moved into pickup");
    }

    /// Opens a file in the pickup folder, to be written little by little.
    pub fn pickup_slowly(&self, name: &str) -> SlowFile {
        let path = self.path("pickup").join(name);
        SlowFile { file: File::create(&path).expect("a file can be made in pickup"), path }
    }

    /// Waits until a dropped file is refused.
    pub async fn wait_refused(&self, name: &str) -> Refusal {
        let failed = self.path("pickup/failed");
        let (file, text) = (failed.join(name), failed.join(format!("{name}.error.txt")));
        let reason = poll::until(&format!("{name} is in failed/"), poll::DEPLOY_BOUND, async || {
            match fs::read_to_string(&text) {
                Ok(reason) if !reason.is_empty() && file.is_file() => Ok(reason),
                Ok(reason) => Err(format!("{reason:?}, file there: {}", file.is_file())),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        Refusal { file, reason }
    }

    /// Waits until a dropped file has been moved to `deployed/`.
    pub async fn wait_moved(&self, name: &str) -> PathBuf {
        let file = self.path("pickup/deployed").join(name);
        poll::until_true(&format!("{name} is in deployed/"), poll::DEPLOY_BOUND, async || {
            file.is_file() && !self.path("pickup").join(name).exists()
        })
        .await;
        file
    }
}

/// A file in the pickup folder that its writer has open.
#[derive(Debug)]
pub struct SlowFile {
    file: File,
    path: PathBuf,
}

impl SlowFile {
    pub fn write(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).expect("a file in pickup can be written");
        self.file.sync_data().expect("a file in pickup can be synced");
    }

    /// Whether nobody has taken it away.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }
}
