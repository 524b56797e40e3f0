//! Tables: drawn for a terminal, tab-separated for a program.

use busbar_model::Digest;
use comfy_table::{ContentArrangement, LineStyle, TableStyle};

use super::text::{one_line, printable};

/// What stands for nothing.
const NOTHING: &str = "-";
/// Hexadecimal digits of a digest that are enough for a person.
const DIGEST_DIGITS: usize = 12;

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Rows below a head.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&'static str; N]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(|cell| filled(one_line(&cell))).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// With lines, and digests cut short, where there is a terminal of that width.
    pub(crate) fn render(&self, terminal: Option<u16>) -> String {
        match terminal {
            Some(width) => self.drawn(width),
            None => self.separated(),
        }
    }

    fn drawn(&self, width: u16) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        table.set_header(self.head.clone());
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| short_digest(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn separated(&self) -> String {
        let rows = self.rows.iter().map(|row| row.join("\t"));
        std::iter::once(self.head.join("\t")).chain(rows).map(|line| line + "\n").collect()
    }
}

/// Named values of one object.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    pub(crate) fn render(&self, terminal: Option<u16>) -> String {
        let Some(_) = terminal else {
            return self
                .0
                .iter()
                .map(|(name, value)| format!("{name}\t{}\n", filled(one_line(value))))
                .collect();
        };
        let widest = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let indent = format!("\n{:widest$}   ", "");
        let line = |(name, value): &(&str, String)| {
            let value = filled(printable(value.trim_end())).replace('\n', &indent);
            format!(" {:1$}{value}\n", format!("{name}:"), widest + 2)
        };
        self.0.iter().map(line).collect()
    }
}

fn filled(cell: String) -> String {
    if cell.is_empty() { NOTHING.to_owned() } else { cell }
}

/// A digest by its first digits; anything else as it is.
pub(crate) fn short_digest(cell: &str) -> String {
    match cell.parse::<Digest>() {
        Ok(digest) => format!("sha256:{}", &digest.hex()[..DIGEST_DIGITS]),
        Err(_) => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Table};

    fn table() -> Table {
        let mut table = Table::new(["NAME", "DIGEST"]);
        table.row(["echo".to_owned(), format!("sha256:{}", "ab".repeat(32))]);
        table.row(["a\tb\u{1b}".to_owned(), String::new()]);
        table
    }

    #[test]
    fn a_program_gets_whole_cells() {
        let lines = table().render(None);
        let expected = format!("NAME\tDIGEST\necho\tsha256:{}\na b\u{fffd}\t-\n", "ab".repeat(32));
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_person_gets_lines_that_fit() {
        let text = table().render(Some(80));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("NAME") && lines[0].contains("DIGEST"), "{text}");
        assert!(lines[1].chars().all(|c| c == '─'), "{text}");
        assert!(lines[2].ends_with("sha256:abababababab"), "{text}");
        for line in table().render(Some(20)).lines() {
            assert!(line.chars().count() <= 20, "{line}");
        }
    }

    #[test]
    fn fields_stand_below_each_other() {
        let fields = Fields::default().with("name", "echo").with("summary", "one\ntwo").with("security", "");
        assert_eq!(fields.render(None), "name\techo\nsummary\tone two\nsecurity\t-\n");
        let person = " name:     echo\n summary:  one\n           two\n security: -\n";
        assert_eq!(fields.render(Some(80)), person);
    }
}
