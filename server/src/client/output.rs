//! What a person or a program is shown. A reader that has gone away is no failure.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{ColumnConstraint, Table, Width, presets};
use serde_json::Value;

use super::failure::Failure;

/// Characters of a digest that lists show: `sha256:` and enough to tell versions apart.
const SHORT_DIGEST_CHARS: usize = 19;
/// Characters of a framed table's cell; longer text goes on in the next line.
const CELL_CHARS_MAX: u16 = 48;

#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// The bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// A line of the result.
    pub(crate) fn line(&self, text: &str) {
        let _ = writeln!(io::stdout().lock(), "{}", printable(text));
    }

    /// A line beside the result.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", printable(text));
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        let _ = writeln!(io::stderr().lock(), "{failure}");
    }

    pub(crate) fn json(&self, value: &Value) {
        let text = if self.stdout_is_terminal { format!("{value:#}") } else { value.to_string() };
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    pub(crate) fn table(&self, headers: &[&str], rows: Vec<Vec<String>>) {
        let text = table(self.stdout_is_terminal, headers, rows);
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// A list as the API gives it, or the named members of each of its items.
    pub(crate) fn list(&self, items: Vec<Value>, columns: &[(&str, &str)]) {
        if self.json {
            return self.json(&serde_json::json!({"items": items, "next": null}));
        }
        let headers: Vec<&str> = columns.iter().map(|(header, _)| *header).collect();
        let cells = |item: &Value| columns.iter().map(|(_, member)| short(&item[*member])).collect();
        self.table(&headers, items.iter().map(cells).collect());
    }

    /// An object as the API gives it, or the named members of it, one to a line.
    pub(crate) fn object(&self, object: &Value, members: &[(&str, &str)]) {
        if self.json {
            return self.json(object);
        }
        let width = members.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
        for (label, member) in members {
            self.line(&format!("{label:width$}  {}", whole(&object[*member])));
        }
    }

    /// How far something is: the same line again on a terminal, else a line of its own.
    pub(crate) fn progress(&self, text: &str) {
        if self.stderr_is_terminal {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[2K{}", printable(text)).and_then(|()| stderr.flush());
        } else {
            self.note(text);
        }
    }

    /// Whether progress is one line that may be written often.
    pub(crate) fn is_live(&self) -> bool {
        self.stderr_is_terminal
    }

    /// Ends the line that progress was shown on.
    pub(crate) fn progress_ends(&self) {
        if self.stderr_is_terminal {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[2K");
        }
    }
}

/// Without control characters: what a server says must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    text.replace("\r\n", " ").replace('\n', " ").chars().map(shown).collect()
}

/// A value in full.
pub(crate) fn whole(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(whole).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A value as lists show it: digests and times only as far as one reads them.
pub(crate) fn short(value: &Value) -> String {
    let text = whole(value);
    if text.starts_with("sha256:") {
        return text.chars().take(SHORT_DIGEST_CHARS).collect();
    }
    let bytes = text.as_bytes();
    let is_time = bytes.len() > 19 && bytes[10] == b'T' && bytes[13] == b':' && text.ends_with('Z');
    match text.get(..19) {
        Some(seconds) if is_time => format!("{}Z", seconds.replace('T', " ")),
        _ => text,
    }
}

fn table(terminal: bool, headers: &[&str], rows: Vec<Vec<String>>) -> String {
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>());
    if terminal {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(headers.to_vec()).add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(CELL_CHARS_MAX)));
        }
        return table.to_string();
    }
    let rows: Vec<Vec<String>> = rows.collect();
    let mut widths: Vec<usize> = headers.iter().map(|header| header.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut headers.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{printable, short, table, whole};

    #[test]
    fn a_pipe_gets_aligned_text_and_a_terminal_a_frame() {
        let rows =
            || vec![vec!["echo".to_owned(), "active".to_owned()], vec!["é".to_owned(), "-".to_owned()]];
        assert_eq!(table(false, &["NAME", "STATE"], rows()), "NAME  STATE\necho  active\né     -");
        let framed = table(true, &["NAME", "STATE"], rows());
        assert!(framed.contains("echo") && framed.contains('│'), "{framed}");
        let wide = table(true, &["A", "B"], vec![vec!["a ".repeat(100), "b".to_owned()]]);
        assert!(wide.lines().all(|line| line.chars().count() < 60), "{wide}");
    }

    #[test]
    fn values_are_shown_as_far_as_one_reads_them() {
        assert_eq!(short(&json!("sha256:0b6c361206f109b46c92")), "sha256:0b6c361206f1");
        assert_eq!(short(&json!("2026-11-21T02:34:52.576738Z")), "2026-11-21 02:34:52Z");
        assert_eq!(short(&json!("2026-11-21T02:34:52Z")), "2026-11-21 02:34:52Z");
        assert_eq!(whole(&json!(["a", "b"])), "a, b");
        for nothing in [json!(null), json!(""), json!([])] {
            assert_eq!(whole(&nothing), "-");
        }
        assert_eq!(whole(&json!(true)), "true");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb c");
    }
}
