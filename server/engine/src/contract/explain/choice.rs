//! Choices: which of several schemas a value was probably meant for.

use serde_json::Value;

use super::{Explanation, message};

/// Values that are listed where a choice has nothing else.
const LISTED_MAX: usize = 20;

impl<'s> Explanation<'s> {
    /// Explains by the only option that the value could be meant for, if there is one.
    pub(super) fn choose(&mut self, options: &'s [Value], value: &Value) {
        if let Some(constants) = constants(options) {
            if constants.iter().all(|constant| self.schema.breaks("const", constant, value)) {
                self.error(message::one_of(&constants));
            }
            return;
        }
        let options: Vec<&'s Value> = options.iter().map(|option| self.resolved(option)).collect();
        let typed =
            kept(&options, |option| option.get("type").is_none_or(|types| message::is_of(types, value)));
        if typed.is_empty() {
            return self.error(message::of_types(&options, value));
        }
        let tagged = kept(&typed, |option| self.tags_fit(option, value));
        let complete = kept(&tagged, |option| is_complete(option, value));
        let first = [&complete, &tagged, &typed].into_iter().find(|options| !options.is_empty());
        match first.map(Vec::as_slice) {
            Some([only]) => self.look(only, value),
            Some(several) if self.is_any(several, value) => {}
            _ => self.error("matches none of the forms that are allowed here".to_owned()),
        }
    }

    /// Whether nothing is found to be wrong with the value as one of the options.
    fn is_any(&mut self, options: &[&'s Value], value: &Value) -> bool {
        let errors = std::mem::take(&mut self.errors);
        let fits = options.iter().any(|option| {
            self.errors.clear();
            self.look(option, value);
            self.errors.is_empty()
        });
        self.errors = errors;
        fits
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let mut at = schema;
        // A longer chain is a circle. What stands beside a reference stays unseen here.
        for _ in 0..16 {
            match at.get("$ref").and_then(Value::as_str).and_then(|to| self.schema.referred(to)) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// Whether the members that tell variants apart have the values that this one asks for.
    fn tags_fit(&self, option: &Value, value: &Value) -> bool {
        let properties = option.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().all(|(name, member)| match (member.get("const"), value.get(name)) {
            (Some(constant), Some(value)) => !self.schema.breaks("const", constant, value),
            _ => true,
        })
    }
}

fn kept<'s>(options: &[&'s Value], keep: impl Fn(&Value) -> bool) -> Vec<&'s Value> {
    options.iter().copied().filter(|option| keep(option)).collect()
}

/// Whether the value has the members that the option requires.
fn is_complete(option: &Value, value: &Value) -> bool {
    let required = option.get("required").and_then(Value::as_array).into_iter().flatten();
    !value.is_object() || required.filter_map(Value::as_str).all(|name| value.get(name).is_some())
}

/// The values of a choice between single values.
fn constants(options: &[Value]) -> Option<Vec<&Value>> {
    (options.len() <= LISTED_MAX).then_some(())?;
    options.iter().map(|option| option.get("const")).collect()
}
