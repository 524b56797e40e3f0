//! Values that a document names but does not show: passwords, and values of secrets.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use super::{
    members::{Wrong, parsed, shown},
    node::{Content, Node},
    variables::{self, Unfit},
};
use crate::{digest::Digest, name::Name};

/// A value, or the variable that should have given it.
#[derive(Clone, PartialEq, Eq)]
pub enum Hidden {
    Given(String),
    Wanted { variable: String },
}

impl Hidden {
    /// Reads a value that fits `check`. What is refused is not repeated: it may be the value itself.
    pub(super) fn read(
        check: impl FnOnce(String) -> Result<String, String>,
    ) -> impl FnOnce(&Node) -> Result<Self, Wrong> {
        move |node| {
            let text = match &node.content {
                Content::Text(text) => text,
                Content::Number(_) => return Err("is a number, but must be a text; put it in quotes".into()),
                _ => return parsed(check)(node).map(Self::Given),
            };
            if let Some(variable) = variables::reference(text) {
                return Ok(Self::Wanted { variable: variable.to_owned() });
            }
            if let Err(Unfit::Name(_)) = variables::pieces(text) {
                let message =
                    "has \"${\" without a variable's name; write \"$${\" for the characters themselves";
                return Err(message.into());
            }
            parsed(check)(node).map(Self::Given)
        }
    }

    pub(super) fn write(&self) -> Value {
        match self {
            Self::Given(text) => shown(text),
            Self::Wanted { variable } => json!(format!("${{{variable}}}")),
        }
    }

    /// The variable that should have given it.
    pub fn wanted(&self) -> Option<&str> {
        match self {
            Self::Given(_) => None,
            Self::Wanted { variable } => Some(variable),
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(..)"),
            Self::Wanted { variable } => f.debug_struct("Wanted").field("variable", variable).finish(),
        }
    }
}

/// The prefix and each name as a variable can have it. Where two would be the same, each has the
/// begin of its name's digest behind it: neither may ever be taken for the other.
pub(super) fn named<'n>(
    prefix: &str,
    names: impl Iterator<Item = &'n Name> + Clone,
) -> BTreeMap<&'n Name, String> {
    let word = |name: &Name| {
        let upper = name.as_str().to_ascii_uppercase();
        format!("{prefix}{}", upper.replace(['.', '-'], "_"))
    };
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    names.clone().for_each(|name| *uses.entry(word(name)).or_default() += 1);
    names
        .map(|name| {
            let (word, digest) = (word(name), Digest::of(name.as_str().as_bytes()).hex());
            let alone = uses.get(&word) == Some(&1);
            (name, if alone { word } else { format!("{word}_{}", digest.get(..8).unwrap_or_default()) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Hidden, named};
    use crate::{configuration::yaml, name::Name};

    #[test]
    fn no_two_definitions_share_a_variable() {
        let names: Vec<Name> = ["a-b", "a.b", "c"].map(|name| name.parse().unwrap()).to_vec();
        let variables = named("PASSWORD_", names.iter());
        assert_eq!(variables[&names[2]], "PASSWORD_C");
        assert!(variables[&names[0]].starts_with("PASSWORD_A_B_"), "{variables:?}");
        assert_ne!(variables[&names[0]], variables[&names[1]]);
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for text in ["123454321", "{a: 123454321}", "[123454321]", "'x${no 123454321}'", "'${123454321'"] {
            let node = yaml::read(text).unwrap();
            let refused = Hidden::read(Ok)(&node).unwrap_err();
            assert!(!format!("{refused:?}").contains("123454321"), "{refused:?}");
        }
    }

    #[test]
    fn nothing_is_shown_by_accident() {
        let given = Hidden::Given("open sesame".to_owned());
        assert_eq!(format!("{given:?}"), "Given(..)");
    }
}
