//! A configuration file as a tree: sections with their directives. Written out, it reads as the same tree again.

use std::fmt;

use crate::word::{Unreadable, Word, split};

/// Comments and empty lines are directives without words, so that nothing of a file is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What stands before the first section; anything but comments is a mistake that HAProxy finds.
    pub preamble: Vec<Directive>,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The line it begins with: its keyword and what follows, such as its name.
    pub head: Directive,
    pub directives: Vec<Directive>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// From 1 on.
    pub line: usize,
    /// Whether it is indented, as all but the first lines of sections are by custom.
    pub indented: bool,
    pub words: Vec<Word>,
    /// Without `#`.
    pub comment: Option<String>,
}

/// A line that can't be cut into words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is unreadable")]
pub struct ParseError {
    pub line: usize,
    #[source]
    pub source: Unreadable,
}

/// What HAProxy 2.6 knows.
pub(crate) const SECTIONS: &[&str] = &[
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "resolvers",
    "mailers",
    "userlist",
    "cache",
    "program",
    "http-errors",
    "ring",
    "fcgi-app",
    "log-forward",
];

pub fn parse(text: &str) -> Result<Document, ParseError> {
    let mut document = Document::default();
    for (number, line) in text.lines().enumerate() {
        let line_number = number + 1;
        let (words, comment) = split(line).map_err(|source| ParseError { line: line_number, source })?;
        let said = !words.is_empty() || comment.is_some();
        let indented = said && line.starts_with([' ', '\t']);
        let directive = Directive { line: line_number, indented, words, comment };
        if directive.opens_section() {
            document.sections.push(Section { head: directive, directives: Vec::new() });
        } else if let Some(section) = document.sections.last_mut() {
            section.directives.push(directive);
        } else {
            document.preamble.push(directive);
        }
    }
    Ok(document)
}

impl Directive {
    /// As words of a text have it.
    pub fn texts(&self) -> Vec<String> {
        self.words.iter().map(Word::text).collect()
    }

    pub fn keyword(&self) -> String {
        self.words.first().map(Word::text).unwrap_or_default()
    }

    /// Whether its first words are these.
    pub fn begins(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len()
            && self.words.iter().zip(words).all(|(word, expected)| word.text() == *expected)
    }

    fn opens_section(&self) -> bool {
        SECTIONS.contains(&self.keyword().as_str())
    }

    /// The words, each as it must be written.
    pub fn statement(&self) -> String {
        self.words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl Section {
    pub fn keyword(&self) -> String {
        self.head.keyword()
    }

    /// `None` for `global` and nameless `defaults`.
    pub fn name(&self) -> Option<String> {
        self.head.words.get(1).map(Word::text)
    }

    /// Those that say something.
    pub fn statements(&self) -> impl Iterator<Item = &Directive> {
        self.directives.iter().filter(|directive| !directive.words.is_empty())
    }

    /// Whether any of its directives begins so.
    pub fn has(&self, words: &[&str]) -> bool {
        self.statements().any(|directive| directive.begins(words))
    }
}

impl Document {
    pub fn of_kind(&self, keyword: &str) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.keyword() == keyword)
    }

    /// Files that the configuration names and that HAProxy reads once, at a start or reload: certificates, authorities,
    /// lists. Whoever changes one must reload.
    pub fn files(&self) -> Vec<String> {
        const KEYWORDS: &[&str] = &[
            "crt",
            "ca-file",
            "ca-verify-file",
            "crl-file",
            "crt-list",
            "errorfile",
            "file",
            "lf-file",
            "-f",
        ];
        let mut files: Vec<String> = self
            .sections
            .iter()
            .flat_map(Section::statements)
            .flat_map(|directive| {
                let texts = directive.texts();
                let named = texts.windows(2).filter(|pair| KEYWORDS.contains(&pair[0].as_str()));
                named.map(|pair| pair[1].clone()).filter(|file| file.starts_with('/')).collect::<Vec<_>>()
            })
            .collect();
        files.sort();
        files.dedup();
        files
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statement = self.statement();
        match &self.comment {
            None => f.write_str(&statement),
            Some(comment) if statement.is_empty() => write!(f, "#{comment}"),
            Some(comment) => write!(f, "{statement} #{comment}"),
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections =
            self.sections.iter().flat_map(|section| [&section.head].into_iter().chain(&section.directives));
        for directive in self.preamble.iter().chain(sections) {
            let indent = if directive.indented { "    " } else { "" };
            writeln!(f, "{indent}{directive}")?;
        }
        Ok(())
    }
}
