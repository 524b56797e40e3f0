//! Why a command did not do what it was asked for, and how that is told.

use std::{error::Error, fmt};

use serde::Deserialize;

use super::output::printable;

/// The admin API's and the data plane's reply to a request that does not succeed (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) code: String,
    pub(crate) correlation_id: String,
    pub(crate) errors: Vec<FieldError>,
}

/// Where something is wrong in the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct FieldError {
    pub(crate) path: String,
    pub(crate) message: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// What was asked for can't be meant, or the command's surroundings are not in order.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Other(String),
    #[error("{} can't be reached; is it running?", .url)]
    Unreachable {
        url: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{}", detail(.0))]
    Refused(Box<Problem>),
}

fn detail(problem: &Problem) -> String {
    let text = [&problem.detail, &problem.title].into_iter().find(|text| !text.is_empty());
    let text = text.map_or("the request was refused", String::as_str);
    let code = if problem.code.is_empty() { String::new() } else { format!(" {}", problem.code) };
    format!("{text} ({}{code})", problem.status)
}

impl Cause {
    pub(crate) fn unreachable(url: &str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable { url: url.to_owned(), source: Box::new(source) }
    }

    /// A later attempt may succeed: nobody answered, or somebody who is not ready yet.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.status == 503,
            Self::Usage(_) | Self::Other(_) => false,
        }
    }
}

/// A command's end without success: what it was doing, and why that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    doing: String,
    cause: Cause,
}

impl Failure {
    /// `doing` fits after "failed to".
    pub(crate) fn new(doing: impl Into<String>, cause: Cause) -> Self {
        Self { doing: doing.into(), cause }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        if matches!(self.cause, Cause::Usage(_)) { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: failed to {}: {}", printable(&self.doing), printable(&self.cause.to_string()))?;
        let mut source = self.cause.source();
        while let Some(error) = source {
            write!(f, ": {}", printable(&error.to_string()))?;
            source = error.source();
        }
        if let Cause::Refused(problem) = &self.cause {
            for error in problem.errors.iter().filter(|error| !error.path.is_empty()) {
                write!(f, "\n  {}: {}", printable(&error.path), printable(&error.message))?;
            }
            if !problem.correlation_id.is_empty() {
                write!(f, "\n  correlation id: {}", printable(&problem.correlation_id))?;
            }
        }
        Ok(())
    }
}

/// Says what was being done when it failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T> Doing<T> for Result<T, Cause> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|cause| Failure::new(doing(), cause))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Failure, Problem};

    #[test]
    fn a_problem_is_told_with_its_places_and_its_correlation_id() {
        let text = r#"{"type": "urn:busbar:problem:invalid-input", "title": "Invalid input", "status": 400,
            "detail": "path: is required", "code": "invalid-input", "correlation_id": "c-1",
            "errors": [{"path": "/path", "message": "is required"}, {"path": "", "message": "all"}]}"#;
        let problem: Problem = serde_json::from_str(text).unwrap();
        let failure = Failure::new("create the channel", Cause::Refused(Box::new(problem)));
        assert_eq!(
            failure.to_string(),
            "error: failed to create the channel: path: is required (400 invalid-input)\n  \
             /path: is required\n  correlation id: c-1"
        );
        assert_eq!(failure.exit_code(), 1);
    }

    #[test]
    fn a_problem_need_not_be_complete() {
        let problem: Problem = serde_json::from_str(r#"{"status": 404, "title": "Not found"}"#).unwrap();
        let failure = Failure::new("look", Cause::Refused(Box::new(problem)));
        assert_eq!(failure.to_string(), "error: failed to look: Not found (404)");
    }

    #[test]
    fn causes_are_told_once_and_control_characters_are_not_passed_on() {
        let cause = Cause::unreachable("http://bus", std::io::Error::other("no\u{1b}[2J way"));
        let failure = Failure::new("look", cause);
        let text = failure.to_string();
        assert!(text.starts_with("error: failed to look: http://bus can't be reached"), "{text}");
        assert_eq!(text.matches("way").count(), 1, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(Failure::new("x", Cause::Usage(String::new())).exit_code(), 2);
    }
}
