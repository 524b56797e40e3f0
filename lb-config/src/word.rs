//! Words of a configuration line, by HAProxy's rules for quotes, backslashes and variables (its manual, section 2.2).

use std::fmt;

/// What stands between two spaces, without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Word(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Text(String),
    /// Of the environment, such as `$HOME` or `${HOME-/root}`; only double quotes hold one.
    Variable(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("a {0} is not closed: a quote ends on the line it began on")]
    Quote(&'static str),
    #[error("\\x is not followed by two hexadecimal digits")]
    Hex,
    #[error("a variable is not closed: ${{NAME}} is allowed")]
    Variable,
    #[error("the line ends in a backslash: HAProxy has no lines that go on")]
    Backslash,
    #[error("there are {0} words: 64 at most are allowed")]
    Words(usize),
}

/// As many words as HAProxy takes in a line.
const WORDS_MAX: usize = 64;

impl Word {
    pub fn new(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// Variables as they were written.
    pub fn text(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Variable(text) => text.as_str(),
            })
            .collect()
    }

    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    fn push(&mut self, char: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(char),
            _ => self.0.push(Part::Text(char.to_string())),
        }
    }

    /// One of no length, where nothing but quotes stood.
    fn begun(self) -> Self {
        if self.0.is_empty() { Self::new("") } else { self }
    }
}

/// In double quotes where anything in it needs them.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            |char: char| !char.is_ascii_whitespace() && !char.is_control() && !"\"'\\#".contains(char);
        if let [Part::Text(text)] = self.0.as_slice()
            && !text.is_empty()
            && text.chars().all(plain)
        {
            return f.write_str(text);
        }
        f.write_str("\"")?;
        for part in &self.0 {
            match part {
                Part::Variable(variable) => f.write_str(variable)?,
                Part::Text(text) => {
                    for char in text.chars() {
                        match char {
                            '"' | '\\' | '$' => write!(f, "\\{char}")?,
                            '\n' => f.write_str("\\n")?,
                            '\r' => f.write_str("\\r")?,
                            '\t' => f.write_str("\\t")?,
                            char if char.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(char))?,
                            char => write!(f, "{char}")?,
                        }
                    }
                }
            }
        }
        f.write_str("\"")
    }
}

/// What a line says: its words, and its comment without `#`.
pub(crate) fn split(line: &str) -> Result<(Vec<Word>, Option<String>), Unreadable> {
    let mut reader = Reader { rest: line, words: Vec::new(), word: None };
    let comment = reader.read()?;
    if reader.words.len() > WORDS_MAX {
        return Err(Unreadable::Words(reader.words.len()));
    }
    Ok((reader.words, comment))
}

struct Reader<'a> {
    rest: &'a str,
    words: Vec<Word>,
    word: Option<Word>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take().map(Word::begun));
    }

    fn read(&mut self) -> Result<Option<String>, Unreadable> {
        while let Some(char) = self.next() {
            match char {
                ' ' | '\t' | '\r' => self.end_word(),
                '#' => {
                    self.end_word();
                    return Ok(Some(self.rest.trim_end().to_owned()));
                }
                '\'' => self.strong()?,
                '"' => self.weak()?,
                '\\' => self.escape()?,
                char => self.word().push(char),
            }
        }
        self.end_word();
        Ok(None)
    }

    fn strong(&mut self) -> Result<(), Unreadable> {
        self.word();
        loop {
            match self.next() {
                None => return Err(Unreadable::Quote("single quote")),
                Some('\'') => return Ok(()),
                Some(char) => self.word().push(char),
            }
        }
    }

    fn weak(&mut self) -> Result<(), Unreadable> {
        self.word();
        loop {
            match self.next() {
                None => return Err(Unreadable::Quote("double quote")),
                Some('"') => return Ok(()),
                Some('\\') => self.escape()?,
                Some('$') => self.variable()?,
                Some(char) => self.word().push(char),
            }
        }
    }

    /// What follows a backslash. One that has no meaning of its own stands for itself.
    fn escape(&mut self) -> Result<(), Unreadable> {
        let char = match self.next().ok_or(Unreadable::Backslash)? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => {
                let digits = self.rest.get(..2).ok_or(Unreadable::Hex)?;
                let byte = u8::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .ok_or(Unreadable::Hex)?;
                self.rest = &self.rest[2..];
                char::from(byte)
            }
            char @ (' ' | '\t' | '#' | '\\' | '\'' | '"' | '$') => char,
            char => {
                self.word().push('\\');
                char
            }
        };
        self.word().push(char);
        Ok(())
    }

    /// What follows a dollar within double quotes. One that no name follows stands for itself.
    fn variable(&mut self) -> Result<(), Unreadable> {
        let length = if self.rest.starts_with('{') {
            self.rest.find('}').ok_or(Unreadable::Variable)? + 1
        } else {
            let name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            self.rest.bytes().take_while(|byte| name(byte)).count()
        };
        if length == 0 {
            self.word().push('$');
            return Ok(());
        }
        let variable = format!("${}", &self.rest[..length]);
        self.rest = &self.rest[length..];
        self.word().0.push(Part::Variable(variable));
        Ok(())
    }
}
