//! Collects all that is wrong with an input, so that its author learns it at once.

use std::fmt;

use busbar_model::{Name, fault::FieldError};

use crate::{bounds, problem::Problem};

#[derive(Debug, Default)]
pub(crate) struct Check(Vec<FieldError>);

impl Check {
    pub(crate) fn refuse(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { path: path.into(), message: message.into() });
    }

    /// Whether something was refused at this place, or below it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.iter().any(|error| error.path.starts_with(path))
    }

    pub(crate) fn ok<T, E: fmt::Display>(&mut self, path: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(path, error.to_string());
                None
            }
        }
    }

    pub(crate) fn some<T>(&mut self, path: &str, value: Option<T>, message: &str) -> Option<T> {
        if value.is_none() {
            self.refuse(path, message);
        }
        value
    }

    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }

    /// The value, which is there unless something was refused.
    pub(crate) fn finish_with<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        if self.0.is_empty() && value.is_none() {
            self.refuse("", "is incomplete");
        }
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.0)),
        }
    }
}

pub(crate) const REQUIRED: &str = "is required";

pub(crate) fn name(text: String) -> Result<Name, busbar_model::name::InvalidName> {
    text.parse()
}

/// A caller's text as a message may repeat it.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(bounds::SHOWN_CHARS_MAX).collect()
}
