//! Members of objects, in both schemas.

use serde_json::Value;

use super::{
    compare::{Comparison, Gap},
    form::Form,
    same::Pair,
};

/// What a schema says of members that it does not name.
enum Others<'s> {
    /// Nothing: they are let in, and nobody counts on them.
    Unsaid,
    None,
    Of(&'s Value),
}

fn others<'s>(form: &Form<'s>) -> Others<'s> {
    match form.rest.get("additionalProperties").copied() {
        None => Others::Unsaid,
        Some(Value::Bool(false)) => Others::None,
        Some(schema) => Others::Of(schema),
    }
}

impl<'s> Comparison<'s> {
    pub(super) fn objects(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        let mut gaps = self.required(wide, narrow);
        for (name, member) in &wide.properties {
            let pair = match (narrow.properties.get(name), others(narrow)) {
                (Some(other), _) => Some(Pair { wide: member, narrow: other }),
                (None, Others::Of(other)) => Some(Pair { wide: member, narrow: other }),
                // A member that was always there and is gone is said to be already.
                (None, _) if !self.is_input() && !wide.required.contains(name) => {
                    gaps.extend(self.at(name, |this| this.say("", "is not given any more")));
                    None
                }
                (None, _) => None,
            };
            if let Some(pair) = pair {
                gaps.extend(self.at(name, |this| this.schemas(pair)));
            }
        }
        let unnamed = narrow.properties.iter().filter(|(name, _)| !wide.properties.contains_key(*name));
        for (name, member) in unnamed {
            let found = self.at(name, |this| match others(wide) {
                Others::Unsaid => Vec::new(),
                Others::None => this.say(
                    "is not taken any more",
                    "is new, and other members than the named ones were not to be expected",
                ),
                Others::Of(other) => this.schemas(Pair { wide: other, narrow: member }),
            });
            gaps.extend(found);
        }
        gaps.extend(self.unnamed(wide, narrow));
        gaps
    }

    fn required(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for name in wide.required.difference(&narrow.required) {
            let gone = !narrow.properties.contains_key(name)
                && matches!(others(narrow), Others::Unsaid | Others::None);
            let output = if gone { "is not given any more" } else { "is not always given any more" };
            gaps.extend(self.at(name, |this| this.say("is required now", output)));
        }
        gaps
    }

    /// Members that neither names.
    fn unnamed(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        match (others(wide), others(narrow)) {
            (Others::Unsaid, _) | (_, Others::None) => Vec::new(),
            (Others::None, _) => self.say(
                "must not have other members than the named ones now",
                "may have other members than the named ones now",
            ),
            (Others::Of(Value::Bool(true)), _) => Vec::new(),
            (Others::Of(wide), Others::Of(narrow)) => {
                self.at("*", |this| this.schemas(Pair { wide, narrow }))
            }
            (Others::Of(_), Others::Unsaid) => {
                self.at("*", |this| this.say("must be of a declared form now", "may be of any form now"))
            }
        }
    }
}
