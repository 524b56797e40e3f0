//! `${NAME}` in a document's texts. `$${` stands for `${`.

use crate::bounds::NAME_CHARS_MAX;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    Text(&'t str),
    Variable(&'t str),
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    #[error("\"${{\" has no \"}}\"; write \"$${{\" for the characters themselves")]
    Endless,
    #[error(
        "{0:?} is no variable's name: letters, digits and '_', no digit first; write \"$${{\" for the characters \"${{\""
    )]
    Name(String),
    #[error("variable {0} is not given")]
    Missing(String),
}

/// Whether this is a name that a variable can have.
pub fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text.chars().all(word)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// The text in parts, with escapes resolved.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Unfit> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(before), Piece::Text("${")]);
            rest = reference.get(2..).unwrap_or_default();
            continue;
        }
        let (name, after) =
            reference.get(2..).and_then(|inner| inner.split_once('}')).ok_or(Unfit::Endless)?;
        if !is_name(name) {
            return Err(Unfit::Name(name.chars().take(NAME_CHARS_MAX).collect()));
        }
        pieces.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

/// A text that stands for these very characters.
pub fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// The text with the variables that are given in place of their names; the others stay, to be given
/// by someone else. What comes out is escaped, as what goes in was.
pub fn filled(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, Unfit> {
    let (mut filled, mut run) = (String::new(), String::new());
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => run.push_str(text),
            Piece::Variable(name) => match value(name) {
                Some(value) => run.push_str(&value),
                // Behind a dollar sign it would become an escape.
                None if run.ends_with('$') => return Err(Unfit::Missing(name.to_owned())),
                None => {
                    // Escaped as a whole: what is put in may end with the begin of a reference.
                    filled += &escaped(&std::mem::take(&mut run));
                    filled += &format!("${{{name}}}");
                }
            },
        }
    }
    Ok(filled + &escaped(&run))
}

/// The characters that a text stands for.
pub fn literal(text: &str) -> Result<String, Unfit> {
    let parts = pieces(text)?.into_iter().map(|piece| match piece {
        Piece::Text(text) => Ok(text),
        Piece::Variable(name) => Err(Unfit::Missing(name.to_owned())),
    });
    parts.collect()
}

/// The variable that the whole of a text is.
pub fn reference(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::{Unfit, escaped, filled, literal, reference};

    #[test]
    fn what_is_given_is_put_in_and_the_rest_stays() {
        let value = |name: &str| (name == "A").then(|| "x${B}".to_owned());
        assert_eq!(filled("1${A}2${C}3$${A}4", value).unwrap(), "1x$${B}2${C}3$${A}4");
        assert_eq!(literal("1x$${B}2").unwrap(), "1x${B}2");
        assert_eq!(literal("a${C}").unwrap_err(), Unfit::Missing("C".to_owned()));
    }

    #[test]
    fn what_is_put_in_makes_no_reference() {
        let value = |name: &str| Some(if name == "A" { "x$" } else { "{C}" }.to_owned());
        for text in ["${A}{C}", "${A}${B}"] {
            assert_eq!(literal(&filled(text, value).unwrap()).unwrap(), "x${C}", "{text}");
        }
        let half = |name: &str| (name == "A").then(|| "x$".to_owned());
        assert_eq!(filled("${A}${C}", half).unwrap_err(), Unfit::Missing("C".to_owned()));
    }

    #[test]
    fn every_text_can_be_escaped() {
        for text in ["", "$", "$$", "${", "$${", "$$${", "${A}", "$${A}", "a$${b}${c", "${${}}", "$$$${$"] {
            assert_eq!(literal(&escaped(text)).unwrap(), text, "{text:?}");
        }
    }

    #[test]
    fn a_typo_is_not_taken_for_text() {
        assert_eq!(literal("${A").unwrap_err(), Unfit::Endless);
        for bad in ["${}", "${A B}", "${1}", "${a-b}"] {
            assert!(matches!(literal(bad), Err(Unfit::Name(_))), "{bad:?}");
        }
        assert_eq!((reference("${A}"), reference("a${A}"), reference("$${A}")), (Some("A"), None, None));
    }
}
