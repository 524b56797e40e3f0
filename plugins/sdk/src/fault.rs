//! Errors that the caller of a service may see.

use std::error::Error;
use std::fmt;

use crate::bindings::busbar::bus::types;

/// An error that the caller may see: which side is at fault, a stable code and a text.
///
/// It is deliberately no [`Error`]: so `?` turns any error into a [`Fault::fail`].
#[derive(Clone, Debug)]
pub struct Fault {
    pub disposition: Disposition,
    /// A 4xx of the service's own choice; used with `Reject` only.
    pub status: Option<u16>,
    /// Stable, lower-case, dashes: `order-unknown`.
    pub code: String,
    /// The text of a `Fail` goes to the log only.
    pub message: String,
    pub errors: Vec<FieldError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The request is at fault; sending it again is useless.
    Reject,
    /// Try again after so many seconds.
    RetryAfter(u32),
    /// The service is at fault.
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON Pointer (RFC 6901) into the input; empty for the whole.
    pub path: String,
    pub message: String,
}

impl Fault {
    /// The request is at fault: HTTP 400, or another 4xx set by [`Fault::status`].
    pub fn reject(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Disposition::Reject, code.into(), message.into())
    }

    /// Nobody is at fault, the time is: HTTP 503 with `Retry-After`.
    pub fn retry_after(seconds: u32, message: impl Into<String>) -> Self {
        Self::new(Disposition::RetryAfter(seconds), "unavailable".to_owned(), message.into())
    }

    /// The service is at fault: HTTP 500. The message is for the log.
    pub fn fail(message: impl Into<String>) -> Self {
        Self::new(Disposition::Fail, "failed".to_owned(), message.into())
    }

    /// The input is not what the schema says.
    pub fn invalid_input(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::reject("invalid-input", "the input is not valid").error(path, message)
    }

    /// A 4xx instead of 400.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Another code than the constructor's.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// Adds what is wrong at one place of the input.
    #[must_use]
    pub fn error(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { path: path.into(), message: message.into() });
        self
    }

    fn new(disposition: Disposition, code: String, message: String) -> Self {
        Self { disposition, status: None, code, message, errors: Vec::new() }
    }

    /// A failure with the whole chain of causes, since the log is all that sees it.
    #[cold]
    fn caused_by(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self::fail(message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl<E: Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::caused_by(&error)
    }
}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        Self {
            disposition: match fault.disposition {
                Disposition::Reject => types::Disposition::Reject,
                Disposition::RetryAfter(seconds) => types::Disposition::RetryAfter(seconds),
                Disposition::Fail => types::Disposition::Fail,
            },
            status: fault.status,
            code: fault.code,
            message: fault.message,
            errors: fault.errors.into_iter().map(Into::into).collect(),
        }
    }
}

impl Fault {
    /// The fault of a service that was invoked.
    pub(crate) fn received(fault: types::Fault) -> Self {
        Self {
            disposition: match fault.disposition {
                types::Disposition::Reject => Disposition::Reject,
                types::Disposition::RetryAfter(seconds) => Disposition::RetryAfter(seconds),
                types::Disposition::Fail => Disposition::Fail,
            },
            status: fault.status,
            code: fault.code,
            message: fault.message,
            errors: fault
                .errors
                .into_iter()
                .map(|e| FieldError { path: e.path, message: e.message })
                .collect(),
        }
    }
}

impl From<FieldError> for types::FieldError {
    fn from(error: FieldError) -> Self {
        Self { path: error.path, message: error.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_a_failure_with_its_causes() {
        fn fails() -> Result<u32, Fault> {
            Ok("x".parse::<u32>()?)
        }
        let fault = fails().unwrap_err();
        assert_eq!(fault.disposition, Disposition::Fail);
        assert_eq!(fault.code, "failed");
        assert_eq!(fault.message, "invalid digit found in string");

        let outer = std::io::Error::other(Chain("disk full".parse::<u32>().unwrap_err()));
        assert_eq!(Fault::from(outer).message, "could not write: invalid digit found in string");
    }

    #[test]
    fn builders_set_what_they_say() {
        let fault =
            types::Fault::from(Fault::reject("order-unknown", "no such order").status(404).error("/id", "7"));
        assert!(matches!(fault.disposition, types::Disposition::Reject));
        assert_eq!((fault.status, fault.code.as_str()), (Some(404), "order-unknown"));
        assert_eq!(fault.errors[0].path, "/id");
        let fault = types::Fault::from(Fault::retry_after(3, "busy"));
        assert!(matches!(fault.disposition, types::Disposition::RetryAfter(3)));
    }

    #[derive(Debug)]
    struct Chain(std::num::ParseIntError);

    impl fmt::Display for Chain {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("could not write")
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
}
