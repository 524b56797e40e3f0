//! Where answers go: results to standard output, what is said about them to standard error.

use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

use super::{
    table::{Fields, Table},
    text::{excerpt, one_line, printable},
};

/// A reader who is gone is no failure: what remains is not said.
struct Stream {
    sink: Box<dyn Write + Send>,
    /// Columns, where it is a terminal.
    terminal: Option<u16>,
    gone: bool,
}

impl Stream {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        match self.sink.write_all(bytes).and_then(|()| self.sink.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("the answer can't be written: {error}"))),
            Ok(()) => Ok(()),
        }
    }
}

pub(crate) struct Output {
    json: bool,
    out: Stream,
    err: Stream,
    /// Lines of progress on the terminal, to be drawn over.
    drawn: usize,
}

const WIDTH_DEFAULT: u16 = 80;

impl Output {
    /// Of this process.
    pub(crate) fn standard(json: bool) -> Self {
        let out_width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
        let err_width = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0);
        let width = |is_terminal: bool, width: Option<u16>| {
            is_terminal.then(|| width.filter(|width| *width > 0).unwrap_or(WIDTH_DEFAULT))
        };
        Self {
            json,
            out: Stream {
                terminal: width(io::stdout().is_terminal(), out_width),
                sink: Box::new(io::stdout()),
                gone: false,
            },
            err: Stream {
                terminal: width(io::stderr().is_terminal(), err_width),
                sink: Box::new(io::stderr()),
                gone: false,
            },
            drawn: 0,
        }
    }

    /// Whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether the reader of standard output went away.
    pub(crate) fn is_gone(&self) -> bool {
        self.out.gone
    }

    pub(crate) fn to_terminal(&self) -> bool {
        self.out.terminal.is_some()
    }

    /// To standard output. Progress goes first: both may be the same terminal.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wipe()?;
        self.out.put(bytes)
    }

    /// Text to standard output, as it is but for control characters.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(format!("{}\n", printable(text)).as_bytes())
    }

    pub(crate) fn value(&mut self, value: &Value) -> io::Result<()> {
        self.text(&format!("{value:#}"))
    }

    /// A table; on a terminal a word that there is nothing to show.
    pub(crate) fn table(&mut self, table: &Table) -> io::Result<()> {
        if table.is_empty() && self.to_terminal() {
            return self.text("There are none.");
        }
        self.bytes(table.render(self.out.terminal).as_bytes())
    }

    pub(crate) fn fields(&mut self, fields: &Fields) -> io::Result<()> {
        self.bytes(fields.render(self.out.terminal).as_bytes())
    }

    /// An empty line between two things on a terminal.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        self.bytes(b"\n")
    }

    /// Said to a person, not part of the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.wipe()?;
        self.err.put(format!("{}\n", printable(text)).as_bytes())
    }

    /// Whether progress is drawn over rather than listed.
    pub(crate) fn draws(&self) -> bool {
        self.err.terminal.is_some()
    }

    /// Draws lines of progress over those before.
    pub(crate) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let width = usize::from(self.err.terminal.unwrap_or(WIDTH_DEFAULT)).saturating_sub(2);
        let shown = lines.iter().map(|line| excerpt(&printable(line), width) + "\n");
        let text = over(self.drawn) + &shown.collect::<String>();
        self.drawn = lines.len();
        self.err.put(text.as_bytes())
    }

    /// Takes the progress away.
    fn wipe(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.drawn) {
            0 => Ok(()),
            lines => self.err.put(over(lines).as_bytes()),
        }
    }

    /// One line to standard error, beginning with `label`.
    pub(crate) fn detail(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.note(&format!("{label}{}", one_line(text)))
    }
}

/// Moves to the first of that many lines and clears from there on (ECMA-48: CUU and ED).
fn over(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\u{1b}[{lines}A\u{1b}[J") }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::{Output, Stream};

    /// What was said.
    #[derive(Clone, Default)]
    pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

    impl Said {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output, with what goes to its standard output and standard error.
    pub(crate) fn recorded(json: bool, terminal: Option<u16>) -> (Output, Said, Said) {
        let (out, err) = (Said::default(), Said::default());
        let stream = |said: &Said| Stream { sink: Box::new(said.clone()), terminal, gone: false };
        (Output { json, out: stream(&out), err: stream(&err), drawn: 0 }, out, err)
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_no_failure() {
        let (mut output, ..) = recorded(false, None);
        output.out.sink = Box::new(Closed);
        output.text("one").unwrap();
        output.text("two").unwrap();
        assert!(output.out.gone);
    }

    #[test]
    fn an_answer_does_not_stand_where_progress_is_wiped() {
        let (mut output, out, _) = recorded(false, Some(80));
        // One terminal for both, as a person has it.
        output.err.sink = Box::new(out.clone());
        output.draw(&["a".to_owned()]).unwrap();
        output.text("answer").unwrap();
        output.note("done").unwrap();
        assert_eq!(out.text(), "a\n\u{1b}[1A\u{1b}[Janswer\ndone\n");
    }

    #[test]
    fn progress_is_drawn_over_and_taken_away() {
        let (mut output, _, err) = recorded(false, Some(10));
        output.draw(&["a long line of text".to_owned(), "b".to_owned()]).unwrap();
        output.draw(&["c".to_owned()]).unwrap();
        output.note("done").unwrap();
        let expected = "a long l…\nb\n\u{1b}[2A\u{1b}[Jc\n\u{1b}[1A\u{1b}[Jdone\n";
        assert_eq!(err.text(), expected);
    }
}
