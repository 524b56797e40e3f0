//! The entries of a dictionary as CSV (RFC 4180): a column for each system, and two for days.

use std::{fmt::Display, str::FromStr};

use busbar_model::{
    bounds::{DICTIONARY_ENTRIES_MAX, DICTIONARY_UNFIT_TOLD_MAX},
    dictionary::{Code, Named, Parts, System, Table, Unfit, VALID_FROM, VALID_UNTIL},
    fault::FieldError,
};
use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};

use crate::{check::shown, problem::Problem};

const BOM: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug, PartialEq, Eq)]
enum Column {
    System(System),
    ValidFrom,
    ValidUntil,
}

/// A text that was read, in the columns that it says it has.
#[derive(Debug)]
pub(super) struct Sheet {
    columns: Vec<Column>,
    entries: Vec<Named>,
    /// Where each entry stands.
    lines: Vec<u64>,
    mistakes: Mistakes,
}

/// What is wrong with rows, up to a bound.
#[derive(Debug, Default)]
struct Mistakes(Vec<FieldError>);

impl Mistakes {
    fn add(&mut self, place: impl Display, what: impl Display) {
        if self.0.len() < DICTIONARY_UNFIT_TOLD_MAX {
            self.0.push(FieldError { path: String::new(), message: format!("{place}: {what}") });
        }
    }
}

impl Sheet {
    /// Refuses what does not begin with a line of columns. What is wrong with rows is told by `table`: whether it is
    /// depends on the columns.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let separator = if header.contains(&b';') { b';' } else { b',' };
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes);
        let mut row = ByteRecord::new();
        let broken = |error: csv::Error| Problem::invalid_at("", error.to_string());
        let mut sheet = Self {
            columns: Vec::new(),
            entries: Vec::new(),
            lines: Vec::new(),
            mistakes: Mistakes::default(),
        };
        if reader.read_byte_record(&mut row).map_err(broken)? {
            sheet.columns = columns(&row)?;
        }
        if sheet.columns.len() < 2 {
            let message = "line 1: is not a line of columns as \"erp,shop,valid_from,valid_until\"";
            return Err(Problem::invalid_at("", message));
        }
        while reader.read_byte_record(&mut row).map_err(broken)? {
            sheet.row(&row, line_of(&row, bytes));
        }
        Ok(sheet)
    }

    fn row(&mut self, row: &ByteRecord, line: u64) {
        // A line of separators alone is what spreadsheets leave below a table.
        if row.iter().all(<[u8]>::is_empty) {
            return;
        }
        if row.len() != self.columns.len() {
            let message = format!("has {} cells; line 1 has {}", row.len(), self.columns.len());
            self.mistakes.add(format!("line {line}"), message);
            return;
        }
        let mut named = Named::default();
        for (at, (column, cell)) in self.columns.iter().zip(row).enumerate() {
            if cell.is_empty() {
                continue;
            }
            let place = |name: &str| format!("line {line}, column {} ({name})", at + 1);
            match column {
                Column::System(system) => {
                    let code = value::<Code>(cell, || place(system.as_str()), &mut self.mistakes);
                    named.codes.extend(code.map(|code| (system.clone(), code)));
                }
                Column::ValidFrom => {
                    named.valid_from = value(cell, || place(VALID_FROM), &mut self.mistakes);
                }
                Column::ValidUntil => {
                    named.valid_until = value(cell, || place(VALID_UNTIL), &mut self.mistakes);
                }
            }
        }
        // One more than allowed shows that there are too many.
        if self.entries.len() <= DICTIONARY_ENTRIES_MAX {
            self.entries.push(named);
            self.lines.push(line);
        }
    }

    /// The same table with these entries. Each system has one column.
    pub(super) fn table(&self, table: &Table) -> Result<Table, Problem> {
        let unfit = self.unfit_columns(table.systems());
        if !unfit.is_empty() {
            return Err(Problem::conflict("unfit", unfit));
        }
        if !self.mistakes.0.is_empty() {
            return Err(Problem::invalid(self.mistakes.0.clone()));
        }
        let parts = Parts { entries: Vec::new(), ..table.parts() };
        Table::new(Parts { entries: self.entries.clone(), ..parts }).map_err(|unfit| {
            let told = unfit.into_iter().map(|unfit| self.located(unfit)).collect();
            Problem::invalid(told)
        })
    }

    fn unfit_columns(&self, systems: &[System]) -> Vec<FieldError> {
        let mut unfit = Mistakes::default();
        for (at, column) in self.columns.iter().enumerate() {
            let place = || format!("line 1, column {}", at + 1);
            if self.columns.iter().take(at).any(|earlier| earlier == column) {
                unfit.add(place(), format!("{:?} has a column already", column.name()));
            }
            if let Column::System(system) = column
                && !systems.contains(system)
            {
                let allowed = systems.iter().map(System::as_str).collect::<Vec<_>>().join(", ");
                let allowed = format!("allowed is {allowed}, {VALID_FROM}, {VALID_UNTIL}");
                unfit.add(place(), format!("system {system:?} is not one of the dictionary's; {allowed}"));
            }
        }
        for system in systems {
            if !self.columns.iter().any(|column| matches!(column, Column::System(it) if it == system)) {
                let message = format!("system {system:?} has no column; it may be empty, but must be there");
                unfit.add("line 1", message);
            }
        }
        unfit.0
    }

    /// By its line, where it is about an entry.
    fn located(&self, unfit: Unfit) -> FieldError {
        let entry = unfit.path.strip_prefix("/entries/").and_then(|path| path.split('/').next());
        let line = entry.and_then(|at| self.lines.get(at.parse::<usize>().ok()?));
        let until =
            if unfit.path.ends_with(VALID_UNTIL) { format!(" ({VALID_UNTIL})") } else { String::new() };
        let message = match line {
            Some(line) => format!("line {line}{until}: {}", unfit.message),
            None => unfit.message,
        };
        FieldError { path: String::new(), message }
    }
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::System(system) => system.as_str(),
            Self::ValidFrom => VALID_FROM,
            Self::ValidUntil => VALID_UNTIL,
        }
    }
}

/// The reader counts from where it began to look for the row: empty lines may stand there.
fn line_of(row: &ByteRecord, text: &[u8]) -> u64 {
    let Some(at) = row.position() else { return 0 };
    let here = usize::try_from(at.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let empty = here.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    empty.fold(at.line(), |line, _| line + 1)
}

fn columns(row: &ByteRecord) -> Result<Vec<Column>, Problem> {
    let mut mistakes = Mistakes::default();
    let mut columns = Vec::new();
    for (at, cell) in row.iter().enumerate() {
        let name = String::from_utf8_lossy(cell);
        columns.push(match &*name {
            VALID_FROM => Column::ValidFrom,
            VALID_UNTIL => Column::ValidUntil,
            name => match name.parse() {
                Ok(system) => Column::System(system),
                Err(error) => {
                    mistakes.add(format!("line 1, column {}", at + 1), error);
                    continue;
                }
            },
        });
    }
    if mistakes.0.is_empty() { Ok(columns) } else { Err(Problem::invalid(mistakes.0)) }
}

fn value<T: FromStr<Err: Display>>(
    cell: &[u8],
    place: impl Fn() -> String,
    mistakes: &mut Mistakes,
) -> Option<T> {
    let Ok(text) = std::str::from_utf8(cell) else {
        let text = String::from_utf8_lossy(cell);
        mistakes.add(place(), format!("{:?} is not UTF-8", shown(&text)));
        return None;
    };
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            mistakes.add(place(), error);
            None
        }
    }
}

/// With commas, and what has one in quotes. Values stay as they are, also those that a spreadsheet would take for
/// formulas.
pub(super) fn written(table: &Table) -> Result<Vec<u8>, Problem> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let broken = |error: csv::Error| Problem::internal(error);
    let days = [VALID_FROM, VALID_UNTIL];
    writer.write_record(table.systems().iter().map(System::as_str).chain(days)).map_err(broken)?;
    for entry in table.entries() {
        let code = |code: &Option<Code>| code.as_ref().map(ToString::to_string).unwrap_or_default();
        let days = [entry.valid_from, entry.valid_until].map(|day| day.map(String::from).unwrap_or_default());
        writer.write_record(entry.codes.iter().map(code).chain(days)).map_err(broken)?;
    }
    writer.into_inner().map_err(|error| Problem::internal(error.into_error()))
}
