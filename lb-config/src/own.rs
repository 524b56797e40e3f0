//! An administrator's own lines: four marked places in the generated file, whose contents survive its being generated
//! anew.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::SECTIONS;

/// Each line as it was written, its end not included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnLines {
    pub global: Vec<String>,
    pub frontend: Vec<String>,
    pub backend: Vec<String>,
    /// Whole sections, at the end of the file.
    pub sections: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Global,
    Frontend,
    Backend,
    Sections,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnLinesError {
    #[error("line {line}: own lines for {place} begin, but those before have not ended")]
    Nested { line: usize, place: Place },
    #[error("line {line}: own lines for {place} begin a second time: each place is there once")]
    Twice { line: usize, place: Place },
    #[error("line {line}: own lines for {place} begin and never end: \"# END own lines\" is missing")]
    Open { line: usize, place: Place },
    #[error("line {line}: own lines end where none began")]
    Stray { line: usize },
    #[error("line {line}: own lines for {0:?} are for no place: global, frontend, backend and sections are allowed", .place)]
    Unknown { line: usize, place: String },
    #[error(
        "line {line}: own lines for {place} begin a section: sections are allowed at the end of the file only"
    )]
    Section { line: usize, place: Place },
    #[error("line {line}: own lines for sections do not begin with a section")]
    NoSection { line: usize },
}

const BEGIN: &str = "# BEGIN own lines for ";
const END: &str = "# END own lines";
const KEPT: &str = " (kept by busbar lb-agent)";

impl Place {
    pub(crate) const ALL: [Self; 4] = [Self::Global, Self::Frontend, Self::Backend, Self::Sections];

    fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Sections => "sections",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl OwnLines {
    pub(crate) fn of(&self, place: Place) -> &[String] {
        match place {
            Place::Global => &self.global,
            Place::Frontend => &self.frontend,
            Place::Backend => &self.backend,
            Place::Sections => &self.sections,
        }
    }

    fn of_mut(&mut self, place: Place) -> &mut Vec<String> {
        match place {
            Place::Global => &mut self.global,
            Place::Frontend => &mut self.frontend,
            Place::Backend => &mut self.backend,
            Place::Sections => &mut self.sections,
        }
    }

    pub fn is_empty(&self) -> bool {
        Place::ALL.iter().all(|place| self.of(*place).is_empty())
    }

    /// Marked, each line ended.
    pub(crate) fn marked(&self, place: Place) -> String {
        let indent = if place == Place::Sections { "" } else { "    " };
        let lines: String = self.of(place).iter().map(|line| format!("{line}\n")).collect();
        format!("{indent}{BEGIN}{place}{KEPT}\n{lines}{indent}{END}\n")
    }
}

/// Those of a file. A place that is missing has none.
pub fn own_lines(text: &str) -> Result<OwnLines, OwnLinesError> {
    separate(text).map(|(own, _)| own)
}

/// Own lines, and the file without them; their lines are empty in it, so that the others keep their numbers.
pub(crate) fn separate(text: &str) -> Result<(OwnLines, String), OwnLinesError> {
    let mut own = OwnLines::default();
    let mut rest = String::with_capacity(text.len());
    let mut open: Option<(Place, usize)> = None;
    let mut seen: Vec<Place> = Vec::new();
    for (number, text) in text.lines().enumerate() {
        let line = number + 1;
        let trimmed = text.trim();
        if let Some(named) = trimmed.strip_prefix(BEGIN) {
            let place = place(named, line)?;
            if open.is_some() {
                return Err(OwnLinesError::Nested { line, place });
            }
            if seen.contains(&place) {
                return Err(OwnLinesError::Twice { line, place });
            }
            seen.push(place);
            open = Some((place, line));
        } else if trimmed == END {
            open.take().ok_or(OwnLinesError::Stray { line })?;
        } else if let Some((place, _)) = open {
            check(place, text, line, own.of(place))?;
            own.of_mut(place).push(text.trim_end().to_owned());
        } else {
            rest.push_str(text);
        }
        rest.push('\n');
    }
    match open {
        Some((place, line)) => Err(OwnLinesError::Open { line, place }),
        None => Ok((own, rest)),
    }
}

fn place(named: &str, line: usize) -> Result<Place, OwnLinesError> {
    let word = named.split_whitespace().next().unwrap_or_default();
    let found = Place::ALL.into_iter().find(|place| place.name() == word);
    found.ok_or_else(|| OwnLinesError::Unknown { line, place: word.to_owned() })
}

/// Lines that left their place would become others' lines.
fn check(place: Place, text: &str, line: usize, before: &[String]) -> Result<(), OwnLinesError> {
    let word = text.split_whitespace().next().unwrap_or_default();
    // A quoted keyword is a keyword too.
    let word: String = word.chars().filter(|char| !"\"'\\".contains(*char)).collect();
    if word.is_empty() || word.starts_with('#') {
        return Ok(());
    }
    let section = SECTIONS.contains(&word.as_str());
    let said = |text: &String| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    match place {
        Place::Sections if !section && !before.iter().any(said) => Err(OwnLinesError::NoSection { line }),
        Place::Global | Place::Frontend | Place::Backend if section => {
            Err(OwnLinesError::Section { line, place })
        }
        _ => Ok(()),
    }
}
