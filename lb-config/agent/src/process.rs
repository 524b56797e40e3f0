//! HAProxy's master process: started, found again, told to reload, stopped.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::folder::Folder;

/// What HAProxy says is cut when it grows beyond this.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A master that an agent started: this one, or one before it.
pub(crate) struct Process {
    pid: Pid,
    /// When it began, in the kernel's ticks: a process id is used again.
    started: u64,
    /// Ours to reap.
    child: Option<Child>,
    log: PathBuf,
}

impl Process {
    /// It outlives the agent, and no terminal's signal reaches it.
    pub(crate) fn start(haproxy: &Path, folder: &Folder) -> io::Result<Self> {
        let path = folder.log();
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        if log.metadata()?.len() > LOG_BYTES_MAX {
            log.set_len(0)?;
        }
        let child = Command::new(haproxy)
            .args(["-W", "-S"])
            .arg(folder.master_socket())
            .arg("-p")
            .arg(folder.pid_file())
            .arg("-f")
            .arg(folder.in_force())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let id = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .ok_or_else(|| io::Error::other("it ended at once"))?;
        let started = stat(id).map_or(0, |stat| stat.started);
        Ok(Self { pid: Pid::from_raw(id), started, child: Some(child), log: path })
    }

    /// The one that runs in this folder already: it wrote its id there, and its command line names the folder's socket.
    pub(crate) fn find(folder: &Folder) -> Option<Self> {
        let id: i32 = fs::read_to_string(folder.pid_file()).ok()?.trim().parse().ok()?;
        let words = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let socket = folder.master_socket();
        let named = words.split(|byte| *byte == 0).any(|word| word == socket.as_os_str().as_encoded_bytes());
        let stat = stat(id).filter(|stat| named && stat.state != 'Z')?;
        Some(Self { pid: Pid::from_raw(id), started: stat.started, child: None, log: folder.log() })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    pub(crate) fn lives(&mut self) -> bool {
        if let Some(child) = &mut self.child {
            return matches!(child.try_wait(), Ok(None));
        }
        stat(self.pid.as_raw()).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }

    /// Whether that process is a worker of this master.
    pub(crate) fn has_worker(&self, id: u32) -> bool {
        i32::try_from(id).ok().and_then(stat).is_some_and(|stat| stat.parent == self.pid.as_raw())
    }

    pub(crate) fn reload(&self) -> io::Result<()> {
        Ok(kill(self.pid, Signal::SIGUSR2)?)
    }

    /// At once for idle connections, within `patience` for those at work, then by force.
    pub(crate) async fn stop(mut self, patience: Duration) {
        let _ = kill(self.pid, Signal::SIGUSR1);
        let begun = Instant::now();
        while self.lives() {
            let waited = begun.elapsed();
            if waited > patience + Duration::from_secs(1) {
                let _ = kill(self.pid, Signal::SIGKILL);
            } else if waited > patience {
                let _ = kill(self.pid, Signal::SIGTERM);
            }
            if waited > patience + Duration::from_secs(5) {
                tracing::error!(pid = self.pid(), "HAProxy does not end");
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How much HAProxy has said so far.
    pub(crate) fn said(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }

    /// What HAProxy has said since.
    pub(crate) fn said_since(&self, offset: u64) -> String {
        said_since(&self.log, offset).unwrap_or_default()
    }
}

fn said_since(log: &Path, offset: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut said = Vec::new();
    file.take(65_536).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

struct Stat {
    state: char,
    parent: i32,
    started: u64,
}

/// `/proc/PID/stat`; its second field, a name, may hold spaces and brackets.
fn stat(id: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}
