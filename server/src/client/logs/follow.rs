//! New lines as they come, also in files that are new or were set aside meanwhile.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    sync::Arc,
};

use super::{
    backwards::Backwards,
    filter::Filter,
    folder::LogFile,
    line::{self, Line},
};
use crate::client::bounds::{LOG_BYTES_AT_ONCE, LOG_LINE_BYTES_MAX};

/// A file, whatever it is called by now: device and inode.
type Identity = (u64, u64);

struct Followed {
    file: File,
    process: Arc<str>,
    /// Up to where it was read.
    at: u64,
    /// The beginning of a line that has no end yet.
    partial: Vec<u8>,
    /// That line is longer than a line may be.
    too_long: bool,
}

pub(super) struct Following {
    filter: Filter,
    files: HashMap<Identity, Followed>,
}

impl Following {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, files: HashMap::new() }
    }

    /// What was read of the file is not new.
    pub(super) fn go_on_after(&mut self, file: &LogFile, reader: Backwards) {
        let (open, at) = reader.into_file();
        if let Ok(identity) = identity(&open) {
            self.files.insert(identity, Followed::new(open, file, at));
        }
    }

    /// What was written since the last time, in the order of time. `listed` is what the folder holds.
    pub(super) fn new_lines(&mut self, listed: impl Iterator<Item = LogFile>) -> Vec<Line> {
        let mut present = Vec::new();
        for file in listed {
            // One that is renamed right now is found under its other name the next time.
            let Ok(open) = File::open(&file.path) else { continue };
            let Ok(identity) = identity(&open) else { continue };
            present.push(identity);
            self.files.entry(identity).or_insert_with(|| Followed::new(open, &file, 0));
        }
        let mut lines = Vec::new();
        for followed in self.files.values_mut() {
            followed.read(&self.filter, &mut lines);
        }
        // One that is gone was read a last time.
        self.files.retain(|identity, _| present.contains(identity));
        line::sort(&mut lines);
        lines
    }
}

fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Followed {
    fn new(file: File, of: &LogFile, at: u64) -> Self {
        Self { file, process: Arc::clone(&of.process), at, partial: Vec::new(), too_long: false }
    }

    fn read(&mut self, filter: &Filter, lines: &mut Vec<Line>) {
        let length = self.file.metadata().map_or(self.at, |metadata| metadata.len());
        if length < self.at {
            // Someone emptied it.
            (self.at, self.too_long) = (0, false);
            self.partial.clear();
        }
        let bytes = usize::try_from(length - self.at).unwrap_or(usize::MAX).min(LOG_BYTES_AT_ONCE);
        let mut block = vec![0; bytes];
        // What can't be read now is tried again.
        let read = self.file.read_at(&mut block, self.at).unwrap_or_default();
        self.at += read as u64;
        for piece in block[..read].split_inclusive(|byte| *byte == b'\n') {
            self.take(piece, filter, lines);
        }
    }

    fn take(&mut self, piece: &[u8], filter: &Filter, lines: &mut Vec<Line>) {
        let Some(rest) = piece.strip_suffix(b"\n") else {
            self.too_long |= self.partial.len() + piece.len() > LOG_LINE_BYTES_MAX;
            if self.too_long {
                self.partial.clear();
            } else {
                self.partial.extend_from_slice(piece);
            }
            return;
        };
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(rest);
        if std::mem::take(&mut self.too_long) {
            return;
        }
        let line = filter.candidate(&whole).and_then(|text| Line::parse(text, &self.process));
        lines.extend(line.filter(|line| filter.takes(line)));
    }
}
