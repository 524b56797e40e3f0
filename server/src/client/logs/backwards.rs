//! Lines of a file from its end on.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use crate::client::bounds::LOG_LINE_BYTES_MAX;

const BLOCK_BYTES: u64 = 64 * 1024;

pub(super) struct Backwards {
    file: File,
    /// How much of the file stands before the buffer.
    before: u64,
    /// What was read and not yet given out; it ends with a line's end.
    buffer: Vec<u8>,
    /// Where the last whole line ends.
    end: u64,
    /// The line that is looked for is longer than a line may be.
    too_long: bool,
    /// The line given out.
    line: Vec<u8>,
}

impl Backwards {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut reader =
            Self { file, before: length, buffer: Vec::new(), end: 0, too_long: false, line: Vec::new() };
        // The last line may be half written.
        while reader.before > 0 {
            reader.read_block()?;
            if let Some(at) = reader.buffer.iter().rposition(|byte| *byte == b'\n') {
                reader.buffer.truncate(at + 1);
                break;
            }
            reader.buffer.clear();
        }
        reader.end = reader.before + reader.buffer.len() as u64;
        Ok(reader)
    }

    /// The file, and where its last whole line ended when it was opened.
    pub(super) fn into_file(self) -> (File, u64) {
        (self.file, self.end)
    }

    /// The line before the one given out last, without its end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let Some(last) = self.buffer.len().checked_sub(1) else { return Ok(None) };
            let begin = match self.buffer[..last].iter().rposition(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                None if self.before == 0 => 0,
                None => {
                    if last > LOG_LINE_BYTES_MAX {
                        // Its end is enough to find its beginning by.
                        self.buffer.drain(..last);
                        self.too_long = true;
                    }
                    self.read_block()?;
                    continue;
                }
            };
            self.line.clear();
            self.line.extend_from_slice(&self.buffer[begin..last]);
            self.buffer.truncate(begin);
            if !std::mem::take(&mut self.too_long) {
                return Ok(Some(&self.line));
            }
        }
    }

    /// Puts the block before the buffer into it.
    fn read_block(&mut self) -> io::Result<()> {
        let bytes = BLOCK_BYTES.min(self.before);
        let mut block = vec![0; usize::try_from(bytes).unwrap_or_default()];
        self.file.read_exact_at(&mut block, self.before - bytes)?;
        block.append(&mut self.buffer);
        self.buffer = block;
        self.before -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Backwards;

    fn lines(content: &[u8]) -> (Vec<String>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs::write(&path, content).unwrap();
        let mut reader = Backwards::open(&path).unwrap();
        let mut found = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            found.push(String::from_utf8(line.to_vec()).unwrap());
        }
        (found, reader.into_file().1)
    }

    #[test]
    fn whole_lines_come_from_the_end() {
        assert_eq!(lines(b""), (vec![], 0));
        assert_eq!(lines(b"half"), (vec![], 0));
        assert_eq!(lines(b"a\n\nbc\nhalf"), (vec!["bc".to_owned(), String::new(), "a".to_owned()], 6));
        let many: Vec<String> = (0..50_000).map(|n| format!("line {n}")).collect();
        let (found, end) = lines((many.join("\n") + "\n").as_bytes());
        assert!(found.iter().eq(many.iter().rev()));
        assert_eq!(end as usize, many.join("\n").len() + 1);
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out() {
        let long = "x".repeat(3 * 1024 * 1024);
        assert_eq!(lines(format!("a\n{long}\nb\n").as_bytes()).0, ["b", "a"]);
        assert_eq!(lines(format!("{long}\nb\n").as_bytes()).0, ["b"]);
        assert_eq!(lines(format!("a\n{long}").as_bytes()), (vec!["a".to_owned()], 2));
    }
}
