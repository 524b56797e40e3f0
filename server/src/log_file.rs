//! A log file that is set aside when it has grown large. Where it can't be written, lines are lost whole, and it says
//! so as soon as it can.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::{
    clock,
    trouble::{self, Trouble},
};

/// A file larger than this is renamed to `NAME.1`, whose predecessor goes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// Lines that could not be written since the last one that could.
    lost: u64,
}

/// Shared by all who write to one log.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    path: Arc<PathBuf>,
    open: Arc<Mutex<Open>>,
}

impl LogFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let open = Mutex::new(append(path)?);
        Ok(Self { path: Arc::new(path.to_owned()), open: Arc::new(open) })
    }

    /// Writes whole lines, in one piece.
    pub(crate) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.write(&mut open, lines);
        if outcome.is_err() {
            open.lost += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            trouble::mark(Trouble::Logs);
        }
        outcome
    }

    fn write(&self, open: &mut Open, lines: &[u8]) -> io::Result<()> {
        if open.bytes >= BYTES_MAX {
            let mut aside = self.path.as_os_str().to_owned();
            aside.push(".1");
            std::fs::rename(&*self.path, aside)?;
            *open = Open { lost: open.lost, ..append(&self.path)? };
        }
        if open.lost > 0 {
            let now = clock::now();
            let lost = open.lost;
            let text = format!(
                "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"target\":\"log\",\"message\":\"lines were lost: they could not \
                 be written\",\"lost\":{lost}}}\n"
            );
            open.write_whole(text.as_bytes())?;
            open.lost = 0;
        }
        open.write_whole(lines)
    }
}

impl Open {
    /// All of it or nothing: half a line would spoil the next one, too.
    fn write_whole(&mut self, bytes: &[u8]) -> io::Result<()> {
        let outcome = self.file.write_all(bytes);
        match outcome {
            Ok(()) => self.bytes += bytes.len() as u64,
            Err(_) => {
                let _ = self.file.set_len(self.bytes);
            }
        }
        outcome
    }
}

fn append(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes, lost: 0 })
}

impl Write for &LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = &'a LogFile;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::LogFile;

    #[test]
    fn what_could_not_be_written_is_told_and_spoils_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let log = LogFile::open(&path).unwrap();
        log.append(b"{\"a\":1}\n").unwrap();
        let good = {
            let mut open = log.open.lock().unwrap();
            // A full disk, as far as a test can have one without being root.
            std::mem::replace(&mut open.file, fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        };
        assert!(log.append(b"{\"a\":2}\n{\"a\":3}\n").is_err());
        log.open.lock().unwrap().file = good;
        log.append(b"{\"a\":4}\n").unwrap();
        let lines = read(&path);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!((&lines[0]["a"], &lines[1]["lost"], &lines[2]["a"]), (&1.into(), &2.into(), &4.into()));
    }

    fn read(path: &Path) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
