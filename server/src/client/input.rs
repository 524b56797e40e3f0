//! What is read from files and standard input.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use super::failure::Cause;

/// A password on standard input, in bytes.
const PASSWORD_BYTES_MAX: u64 = 64 * 1024;

/// A file's bytes, or standard input's for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Cause> {
    let read = if path.as_os_str() == "-" { read_all(io::stdin().lock()) } else { fs::read(path) };
    read.map_err(|error| Cause::Other(format!("{} can't be read: {error}", path.display())))
}

fn read_all(mut from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file's bytes, unless it has more than `bytes_max`.
pub(crate) fn read_within(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Cause> {
    let read = File::open(path).and_then(|file| read_all(file.take(bytes_max.saturating_add(1))));
    let bytes = read.map_err(|error| Cause::Other(format!("the file can't be read: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > bytes_max {
        return Err(Cause::Other(format!("the file is too large; allowed is {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// The password on standard input, without the end of its line.
pub(crate) fn password() -> Result<String, Cause> {
    let bytes = read_all(io::stdin().lock().take(PASSWORD_BYTES_MAX));
    let bytes = bytes.map_err(|error| Cause::Other(format!("standard input can't be read: {error}")))?;
    password_of(bytes)
}

fn password_of(bytes: Vec<u8>) -> Result<String, Cause> {
    let text = String::from_utf8(bytes).map_err(|_| Cause::Usage("the password is not UTF-8".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Cause::Usage("standard input has no password".to_owned()));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{password_of, read, read_within};

    #[test]
    fn a_password_ends_with_its_line() {
        for text in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(password_of(text.into()).unwrap(), "secret");
        }
        assert_eq!(password_of(" a\n\n".into()).unwrap(), " a\n", "spaces and lines may be part of it");
        assert!(password_of(b"\n".to_vec()).is_err());
    }

    #[test]
    fn a_file_is_read_as_far_as_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(read_within(&file, 3).unwrap(), b"abc");
        assert!(read_within(&file, 2).unwrap_err().to_string().contains("2 bytes"));
        assert!(read(Path::new("/no/such/file")).is_err());
    }
}
