//! The value of a secret: from a file, from standard input or typed; never from the command line, which
//! others can see.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use busbar_model::bounds::SECRET_VALUE_BYTES_MAX;

use crate::client::{failure::Usage, password::asked_twice};

#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// Reads the value from this file; - is standard input, which is read anyway where it is no terminal.
    /// One line end at its end is not part of the value.
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
}

impl Source {
    /// Whether a file was named.
    pub(crate) fn is_named(&self) -> bool {
        self.value_file.is_some()
    }

    pub(crate) fn read(&self) -> anyhow::Result<String> {
        match &self.value_file {
            Some(path) if path != Path::new("-") => {
                let failed = |error| Usage::error(format!("{} can't be read: {error}", path.display()));
                text(File::open(path).map_err(failed)?, &path.display().to_string())
            }
            None if io::stdin().is_terminal() => asked_twice("value", "--value-file"),
            _ => text(io::stdin(), "standard input"),
        }
    }
}

fn text(source: impl Read, name: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    // One byte more tells what is too large, and two are a line end.
    let most = SECRET_VALUE_BYTES_MAX as u64 + 3;
    let read = source.take(most).read_to_string(&mut text);
    read.map_err(|error| Usage::error(format!("{name} can't be read: {error}")))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    match value.len() {
        0 => Err(Usage::error(format!("there is no value in {name}"))),
        bytes if bytes > SECRET_VALUE_BYTES_MAX => {
            Err(Usage::error(format!("{name} is larger than {SECRET_VALUE_BYTES_MAX} bytes")))
        }
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::bounds::SECRET_VALUE_BYTES_MAX;

    use super::text;

    #[test]
    fn a_value_is_all_but_one_line_end() {
        let read = |given: &str| text(given.as_bytes(), "it").unwrap();
        assert_eq!(read("open sesame"), "open sesame");
        assert_eq!(read("open sesame\n"), "open sesame");
        assert_eq!(read("-----\r\n  x\r\n"), "-----\r\n  x");
        assert_eq!(read("two\n\n"), "two\n");
        let most = "x".repeat(SECRET_VALUE_BYTES_MAX);
        assert_eq!(read(&format!("{most}\r\n")), most);
        for bad in ["", "\n", &format!("{most}x"), &format!("{most}{most}")] {
            assert!(text(bad.as_bytes(), "it").is_err());
        }
        assert!(text(&b"\xff"[..], "it").is_err());
    }
}
