//! The file of a backup: a tar archive (POSIX.1-1988 ustar) of regular files, which any `tar` lists.
//!
//! Read strictly: each block is what this module would have written, so that no bit of the file can
//! change unnoticed.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
const NAME_BYTES_MAX: usize = 100;
/// Octal digits of a size, less what ends it.
const SIZE_DIGITS: usize = 11;

pub(crate) struct Writer<W> {
    sink: W,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { sink }
    }

    /// Puts a file in, which has to have so many bytes.
    pub(crate) fn put(&mut self, name: &str, bytes: u64, content: &mut impl Read) -> io::Result<()> {
        self.sink.write_all(&header(name, bytes)?)?;
        let copied = io::copy(&mut content.take(bytes), &mut self.sink)?;
        if copied != bytes {
            return Err(io::Error::other("it became shorter meanwhile"));
        }
        self.sink.write_all(&[0; BLOCK][..padding(bytes)])
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.sink.write_all(&[0; 2 * BLOCK])?;
        self.sink.flush()
    }
}

pub(crate) struct Reader<R> {
    source: R,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source }
    }

    /// How many bytes the next file has, which must have this name.
    pub(crate) fn next(&mut self, name: &str) -> io::Result<u64> {
        let mut block = [0; BLOCK];
        self.source.read_exact(&mut block)?;
        let digits = std::str::from_utf8(&block[124..124 + SIZE_DIGITS]).ok();
        let bytes = digits.and_then(|digits| u64::from_str_radix(digits, 8).ok());
        match bytes {
            Some(bytes) if header(name, bytes)? == block => Ok(bytes),
            _ => Err(altered(&format!("{name} is not where it should be"))),
        }
    }

    /// Copies the content of the file that `next` found.
    pub(crate) fn copy(&mut self, bytes: u64, sink: &mut impl Write) -> io::Result<()> {
        if io::copy(&mut (&mut self.source).take(bytes), sink)? != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.zeros(padding(bytes))
    }

    /// Nothing may follow.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.zeros(2 * BLOCK)?;
        match self.source.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(altered("something follows its end")),
        }
    }

    fn zeros(&mut self, count: usize) -> io::Result<()> {
        let mut bytes = [0; 2 * BLOCK];
        self.source.read_exact(&mut bytes[..count])?;
        if bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(altered("its padding is not empty")) }
    }
}

fn altered(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

fn padding(bytes: u64) -> usize {
    let rest = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    (BLOCK - rest) % BLOCK
}

fn header(name: &str, bytes: u64) -> io::Result<[u8; BLOCK]> {
    let size = format!("{bytes:0SIZE_DIGITS$o}\0");
    if size.len() > SIZE_DIGITS + 1 || name.len() > NAME_BYTES_MAX {
        return Err(io::Error::other(format!("{name} is too large for the archive")));
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, size.as_bytes());
    put(136, b"00000000000\0");
    // The checksum is made with spaces in its place.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        for (name, text) in
            [("one", "1"), ("none", ""), ("block", &"b".repeat(512)), ("more", &"m".repeat(513))]
        {
            writer.put(name, text.len() as u64, &mut text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> std::io::Result<Vec<String>> {
        let mut reader = Reader::new(bytes);
        let mut texts = Vec::new();
        for name in ["one", "none", "block", "more"] {
            let (size, mut text) = (reader.next(name)?, Vec::new());
            reader.copy(size, &mut text)?;
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
        reader.finish()?;
        Ok(texts)
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let bytes = archive();
        assert_eq!(bytes.len() % 512, 0);
        assert_eq!(read(&bytes).unwrap(), ["1", "", &"b".repeat(512), &"m".repeat(513)]);
        let mut writer = Writer::new(Vec::new());
        assert!(writer.put("short", 2, &mut &b"1"[..]).is_err());
    }

    #[test]
    fn tar_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tar"), archive()).unwrap();
        let listed = std::process::Command::new("tar").arg("tf").arg(folder.path().join("a.tar")).output();
        // Not every machine has one.
        if let Ok(listed) = listed {
            assert_eq!(String::from_utf8_lossy(&listed.stdout), "one\nnone\nblock\nmore\n");
        }
    }

    #[test]
    fn no_bit_changes_unnoticed_but_those_of_the_contents() {
        let bytes = archive();
        let contents = [512..513, 2048..2560, 3072..3585];
        for at in 0..bytes.len() {
            if contents.iter().any(|content| content.contains(&at)) {
                continue;
            }
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(read(&altered).is_err(), "byte {at}");
        }
        for end in [0, 1, 511, 512, 600, bytes.len() - 1] {
            assert!(read(&bytes[..end]).is_err(), "{end} bytes");
        }
        assert!(read(&[&bytes[..], b"x"].concat()).is_err());
    }
}
