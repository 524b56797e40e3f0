//! The words that a statement begins with, as its database reads them: each has comments and space of its own, and what
//! one skips another would execute.

use busbar_model::connection::sql::Engine;

/// In capitals, each behind the one before. Where something else stands, or a comment that is not closed or that is
/// executed, there is an empty one.
pub(super) struct Words<'a> {
    engine: Engine,
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(engine: Engine, sql: &'a str) -> Self {
        Self { engine, rest: sql }
    }

    /// Past opening parentheses and empty statements, too.
    pub(super) fn first(&mut self) -> String {
        while self.skip() && self.rest.starts_with(['(', ';']) {
            self.rest = &self.rest[1..];
        }
        self.next()
    }

    pub(super) fn next(&mut self) -> String {
        if !self.skip() {
            return String::new();
        }
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii());
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_ascii() { word.to_ascii_uppercase() } else { String::new() }
    }

    /// Past space and comments, unless it can't be told where they end.
    fn skip(&mut self) -> bool {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| self.is_space(c));
            let after = if self.begins_line_comment() {
                let is_end = |c| c == '\n' || (c == '\r' && self.engine == Engine::Postgres);
                self.rest.find(is_end)
            } else if self.rest.starts_with("/*") {
                self.comment_end()
            } else {
                return true;
            };
            match after {
                Some(after) => self.rest = &self.rest[after..],
                None => return false,
            }
        }
    }

    fn is_space(&self, c: char) -> bool {
        c.is_ascii_whitespace() || c == '\u{b}' || (c == '\u{feff}' && self.engine == Engine::Sqlite)
    }

    fn begins_line_comment(&self) -> bool {
        match self.rest.strip_prefix("--") {
            // Else they are two signs.
            Some(after) if self.engine == Engine::Mysql => {
                after.starts_with(|c: char| c.is_ascii_whitespace() || c.is_ascii_control())
            }
            Some(_) => true,
            None => self.engine == Engine::Mysql && self.rest.starts_with('#'),
        }
    }

    /// Of one that begins here. PostgreSQL's nest.
    fn comment_end(&self) -> Option<usize> {
        match self.engine {
            Engine::Sqlite => self.plain_end(),
            Engine::Mysql if self.rest.starts_with("/*!") || self.rest.starts_with("/*M!") => None,
            Engine::Mysql => self.plain_end(),
            Engine::Postgres => {
                let (mut depth, mut at) = (0_usize, 0);
                let bytes = self.rest.as_bytes();
                while let Some(pair) = bytes.get(at..at + 2) {
                    match pair {
                        b"/*" => depth += 1,
                        b"*/" => depth -= 1,
                        _ => {
                            at += 1;
                            continue;
                        }
                    }
                    at += 2;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                None
            }
        }
    }

    fn plain_end(&self) -> Option<usize> {
        self.rest.get(2..)?.find("*/").map(|end| end + 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(engine: Engine, sql: &str) -> String {
        Words::new(engine, sql).first()
    }

    #[test]
    fn the_first_word_is_found_behind_space_and_comments() {
        for (sql, word) in [
            ("select 1", "SELECT"),
            ("  -- x\n /* a */ ((SELECT 1)", "SELECT"),
            (";\u{b}; /**/ commit", "COMMIT"),
            ("/*/ begin */ end", "END"),
            ("commit\u{e9}", ""),
            ("\u{a0}commit", ""),
            ("/* open", ""),
            ("/*/", ""),
            ("-- only", ""),
            ("'begin'", ""),
            ("", ""),
        ] {
            for engine in Engine::ALL {
                assert_eq!(first(engine, sql), word, "{engine:?} {sql:?}");
            }
        }
    }

    #[test]
    fn comments_end_where_the_database_ends_them() {
        use Engine::{Mysql, Postgres, Sqlite};
        for (sql, words) in [
            ("/* a /* b */ BEGIN", [(Postgres, ""), (Mysql, "BEGIN"), (Sqlite, "BEGIN")]),
            ("/* /* */ a */ BEGIN", [(Postgres, "BEGIN"), (Mysql, "A"), (Sqlite, "A")]),
            ("/* a **/ BEGIN", [(Postgres, "BEGIN"), (Mysql, "BEGIN"), (Sqlite, "BEGIN")]),
            ("/*! BEGIN */", [(Postgres, ""), (Mysql, ""), (Sqlite, "")]),
            ("/*M!100000 BEGIN */ SELECT", [(Postgres, "SELECT"), (Mysql, ""), (Sqlite, "SELECT")]),
            ("# x\nBEGIN", [(Postgres, ""), (Mysql, "BEGIN"), (Sqlite, "")]),
            ("--x\nBEGIN", [(Postgres, "BEGIN"), (Mysql, ""), (Sqlite, "BEGIN")]),
            ("-- x\rBEGIN\nSELECT", [(Postgres, "BEGIN"), (Mysql, "SELECT"), (Sqlite, "SELECT")]),
            ("\u{feff}BEGIN", [(Postgres, ""), (Mysql, ""), (Sqlite, "BEGIN")]),
        ] {
            for (engine, word) in words {
                assert_eq!(first(engine, sql), word, "{engine:?} {sql:?}");
            }
        }
    }

    #[test]
    fn words_follow_each_other() {
        let mut words = Words::new(Engine::Mysql, "set /* x */session\ttransaction = 1");
        assert_eq!(words.first(), "SET");
        assert_eq!([words.next(), words.next(), words.next()], ["SESSION", "TRANSACTION", ""]);
    }
}
