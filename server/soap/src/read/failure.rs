//! Where reading stopped, and why.

use busbar_model::{bounds::FIELD_MESSAGE_CHARS_MAX, fault::FieldError};

use super::Unreadable;
use crate::xml::Malformed;

pub(super) type Step<T = ()> = Result<T, Box<Failure>>;

/// The path is gathered on the way out, so that it costs nothing where all is well.
#[derive(Debug)]
pub(super) enum Failure {
    Malformed(Malformed),
    Invalid {
        message: String,
        /// Members and indexes, the innermost first.
        path: Vec<String>,
    },
}

/// The value that is being read is wrong.
pub(super) fn invalid(message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure::Invalid { message: message.into(), path: Vec::new() })
}

impl Failure {
    /// The value is this member, or the item of this index, of another.
    pub(super) fn within(mut self: Box<Self>, segment: impl ToString) -> Box<Self> {
        if let Self::Invalid { path, .. } = &mut *self {
            path.push(segment.to_string());
        }
        self
    }
}

impl From<Malformed> for Box<Failure> {
    fn from(malformed: Malformed) -> Self {
        Self::new(Failure::Malformed(malformed))
    }
}

impl From<Box<Failure>> for Unreadable {
    fn from(failure: Box<Failure>) -> Self {
        match *failure {
            Failure::Malformed(malformed) => Self::Malformed(malformed),
            Failure::Invalid { mut message, path } => {
                if let Some((cut, _)) = message.char_indices().nth(FIELD_MESSAGE_CHARS_MAX) {
                    message.truncate(cut);
                }
                let pointer =
                    path.iter().rev().map(|s| format!("/{}", s.replace('~', "~0").replace('/', "~1")));
                Self::Invalid(vec![FieldError { path: pointer.collect(), message }])
            }
        }
    }
}
