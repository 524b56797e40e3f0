//! A log file that is set aside when it has grown large.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// A file larger than this is renamed to `NAME.1`, whose predecessor goes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
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
        if open.bytes >= BYTES_MAX {
            let mut aside = self.path.as_os_str().to_owned();
            aside.push(".1");
            std::fs::rename(&*self.path, aside)?;
            *open = append(&self.path)?;
        }
        open.bytes += lines.len() as u64;
        open.file.write_all(lines)
    }
}

fn append(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes })
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
