//! Who a commit is by.

use serde::Serialize;

const CHARS_MAX: usize = 200;

/// A person, or what stands for one that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Author {
    pub name: String,
    /// Empty if there is none.
    pub email: String,
}

impl Author {
    /// Of `NAME` or `NAME <EMAIL>`.
    pub fn parse(text: &str) -> Self {
        let (name, email) = match text.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next().unwrap_or_default()),
            None => (text, ""),
        };
        let (name, email) = (clean(name), clean(email));
        match (name.is_empty(), email.is_empty()) {
            (false, _) => Self { name, email },
            (true, false) => Self { name: email.clone(), email },
            (true, true) => Self { name: "unknown".to_owned(), email },
        }
    }

    /// Somebody who wrote in the file: it can't be known who.
    pub fn manual_edit() -> Self {
        Self { name: "manual edit".to_owned(), email: String::new() }
    }
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.email.is_empty() {
            true => f.write_str(&self.name),
            false => write!(f, "{} <{}>", self.name, self.email),
        }
    }
}

/// As a line of a commit can hold it (git-commit-tree(1)).
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    kept.trim().chars().take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::Author;

    #[test]
    fn is_read_as_git_writes_it() {
        for (text, name, email) in [
            ("Jane Doe <jane@example.org>", "Jane Doe", "jane@example.org"),
            ("jane", "jane", ""),
            (" jane \n", "jane", ""),
            ("<jane@example.org>", "jane@example.org", "jane@example.org"),
            ("a<b<c>\nauthor evil <x> 0 +0000", "a", "bc"),
            ("a\nparent 1", "aparent 1", ""),
            ("", "unknown", ""),
            ("<>", "unknown", ""),
        ] {
            assert_eq!(Author::parse(text), Author { name: name.into(), email: email.into() }, "{text:?}");
        }
        let long = Author::parse(&"ä".repeat(1_000));
        assert_eq!(long.name.chars().count(), 200);
        assert_eq!(Author::parse("Jane <j@x>").to_string(), "Jane <j@x>");
        assert_eq!(Author::manual_edit().to_string(), "manual edit");
    }
}
