//! Passwords and the like, from a terminal without showing them or from standard input; never from the
//! command line, which others can see.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write as _},
};

use anyhow::Context as _;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::{bounds::PASSWORD_BYTES_MAX, failure::Usage};

#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// Reads the password from standard input: its first line.
    #[arg(long)]
    password_stdin: bool,
}

impl Source {
    pub(crate) fn is_given(&self) -> bool {
        self.password_stdin
    }

    pub(crate) fn read(&self) -> anyhow::Result<String> {
        self.read_as("password")
    }

    /// The same for what is called otherwise.
    pub(crate) fn read_as(&self, noun: &str) -> anyhow::Result<String> {
        if self.password_stdin {
            return line(io::stdin(), noun);
        }
        asked_twice(noun, "--password-stdin")
    }

    /// A password, and another secret on a line of its own.
    pub(crate) fn read_both(&self, noun: &str) -> anyhow::Result<(String, String)> {
        if self.password_stdin {
            let mut lines = BufReader::new(io::stdin().take(2 * PASSWORD_BYTES_MAX));
            return Ok((next_line(&mut lines, "password")?, next_line(&mut lines, noun)?));
        }
        Ok((self.read()?, self.read_as(noun)?))
    }
}

/// One line from the terminal, typed twice and not shown. `instead` is what to use where there is none.
pub(crate) fn asked_twice(noun: &str, instead: &str) -> anyhow::Result<String> {
    let terminal = || File::options().read(true).write(true).open("/dev/tty");
    let Ok(terminal) = terminal() else {
        return Err(Usage::error(format!("there is no terminal to ask for the {noun}; use {instead}")));
    };
    let failed = || format!("failed to read the {noun}");
    let first = ask(&terminal, &format!("The {noun}: "), noun).with_context(failed)?;
    let again = ask(&terminal, "The same again: ", noun).with_context(failed)?;
    if first != again {
        return Err(Usage::error(format!("the two {noun}s differ")));
    }
    Ok(first)
}

/// A terminal that shows what is typed again once this is dropped.
struct Silent<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn new(terminal: &'t File) -> nix::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nothing better can be done where the terminal is gone.
        let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

fn ask(terminal: &File, prompt: &str, noun: &str) -> anyhow::Result<String> {
    let _silent = Silent::new(terminal)?;
    let mut writer = terminal;
    writer.write_all(prompt.as_bytes())?;
    line(terminal, noun)
}

/// The first line without its end.
fn line(source: impl Read, noun: &str) -> anyhow::Result<String> {
    next_line(&mut BufReader::new(source.take(PASSWORD_BYTES_MAX)), noun)
}

fn next_line(source: &mut impl BufRead, noun: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    source
        .read_line(&mut text)
        .map_err(|error| Usage::error(format!("the {noun} can't be read: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() { Err(Usage::error(format!("the {noun} is empty"))) } else { Ok(line.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_password_is_one_line() {
        for text in ["open sesame", "open sesame\n", "open sesame\r\nmore"] {
            assert_eq!(line(text.as_bytes(), "password").unwrap(), "open sesame");
        }
        assert_eq!(line(" spaces stay ".as_bytes(), "password").unwrap(), " spaces stay ");
        for bad in [&b""[..], b"\n", b"\xff\n"] {
            assert!(line(bad, "password").is_err());
        }
    }
}
