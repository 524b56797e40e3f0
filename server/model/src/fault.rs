//! What a caller is told when a call does not succeed.

use serde::{Deserialize, Serialize};

/// Where something is wrong in the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the input; empty for the whole.
    pub path: String,
    pub message: String,
}

/// The kinds of failure; each has one HTTP status and one `busbar_errors_total{kind}` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    NotFound,
    MethodNotAllowed,
    Unauthenticated,
    NotAllowed,
    InvalidInput,
    TooLarge,
    Rejected,
    NotDeployed,
    /// Its plugin is out of service, because processes died with it.
    Quarantined,
    Overloaded,
    RetryLater,
    Timeout,
    CpuLimit,
    MemoryLimit,
    OutputLimit,
    NestingLimit,
    Trap,
    Failed,
    Misdirected,
    /// Another call changed what this one was based on.
    Conflict,
    /// An idempotency key that stands for another request.
    KeyReused,
    /// The effects of the call can't be kept at present; nothing of them was.
    OdbUnavailable,
    /// The service's output is not what it declared.
    InvalidOutput,
    /// The body is of a media type, or in an encoding, that the address does not take.
    UnsupportedMediaType,
    /// The request did not arrive in time.
    RequestTimeout,
}

/// A failure as the caller sees it. Causes that are none of the caller's business go to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// Stable, lower-case, dashes.
    pub code: String,
    /// External text.
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// A 4xx that the service chose itself; only with `Rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The methods a path has, for `MethodNotAllowed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The challenge of `Unauthenticated`: a `WWW-Authenticate` value (RFC 9110, section 11.6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
}

impl FaultKind {
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidInput | Self::Rejected => 400,
            Self::Unauthenticated => 401,
            Self::NotAllowed => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::TooLarge => 413,
            Self::Conflict => 409,
            Self::UnsupportedMediaType => 415,
            Self::Misdirected => 421,
            Self::KeyReused => 422,
            Self::Trap
            | Self::Failed
            | Self::MemoryLimit
            | Self::OutputLimit
            | Self::NestingLimit
            | Self::InvalidOutput => 500,
            Self::NotDeployed
            | Self::Quarantined
            | Self::Overloaded
            | Self::RetryLater
            | Self::OdbUnavailable => 503,
            Self::Timeout | Self::CpuLimit => 504,
        }
    }

    /// The fixed title of the problem (RFC 9457, section 3.1.3), the same for every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Unauthenticated => "Authentication required",
            Self::NotAllowed => "Not allowed",
            Self::InvalidInput => "Invalid input",
            Self::TooLarge => "Body too large",
            Self::Rejected => "Rejected by the service",
            Self::NotDeployed => "Service not deployed",
            Self::Quarantined => "Service quarantined",
            Self::Overloaded => "Overloaded",
            Self::RetryLater => "Try again later",
            Self::Timeout => "Time limit reached",
            Self::CpuLimit => "Processor limit reached",
            Self::MemoryLimit => "Memory limit reached",
            Self::OutputLimit => "Output limit reached",
            Self::NestingLimit => "Nesting limit reached",
            Self::Trap | Self::Failed | Self::InvalidOutput => "Service failed",
            Self::Misdirected => "Misdirected request",
            Self::Conflict => "Conflict",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::RequestTimeout => "Request not received in time",
            Self::KeyReused => "Idempotency key reused",
            Self::OdbUnavailable => "Effects can't be kept",
        }
    }

    /// The label in metrics and the code of faults that have no other.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Unauthenticated => "unauthenticated",
            Self::NotAllowed => "not-allowed",
            Self::InvalidInput => "invalid-input",
            Self::TooLarge => "too-large",
            Self::Rejected => "rejected",
            Self::NotDeployed => "not-deployed",
            Self::Quarantined => "quarantined",
            Self::Overloaded => "overloaded",
            Self::RetryLater => "retry-later",
            Self::Timeout => "timeout",
            Self::CpuLimit => "cpu-limit",
            Self::MemoryLimit => "memory-limit",
            Self::OutputLimit => "output-limit",
            Self::NestingLimit => "nesting-limit",
            Self::Trap => "trap",
            Self::Failed => "failed",
            Self::Misdirected => "misdirected",
            Self::Conflict => "conflict",
            Self::KeyReused => "idempotency-key-reused",
            Self::OdbUnavailable => "odb-unavailable",
            Self::InvalidOutput => "invalid-output",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::RequestTimeout => "request-timeout",
        }
    }
}

impl Fault {
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: kind.label().to_owned(),
            message: message.into(),
            errors: Vec::new(),
            status: None,
            retry_after_s: None,
            allow: Vec::new(),
            challenge: None,
        }
    }

    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    pub fn with_error(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { path: path.into(), message: message.into() });
        self
    }

    pub fn with_retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub fn not_found() -> Self {
        Self::new(FaultKind::NotFound, "nothing is found at this address")
    }

    /// What a caller is told of a failure inside: nothing but that it happened.
    pub fn internal(kind: FaultKind) -> Self {
        Self::new(
            kind,
            "the service could not complete the call; the log has the cause under the correlation id",
        )
    }

    /// HTTP status of the reply.
    pub fn status(&self) -> u16 {
        match (self.kind, self.status) {
            (FaultKind::Rejected, Some(status @ 400..=499)) => status,
            (kind, _) => kind.status(),
        }
    }

    /// The body of an `application/problem+json` reply (RFC 9457).
    pub fn problem(&self, correlation_id: &str) -> serde_json::Value {
        let mut problem = serde_json::json!({
            "type": format!("urn:busbar:problem:{}", self.kind.label()),
            "title": self.kind.title(),
            "status": self.status(),
            "detail": self.message,
            "code": self.code,
            "correlation_id": correlation_id,
        });
        problem["errors"] = serde_json::json!(self.errors);
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind};

    #[test]
    fn a_service_may_choose_a_4xx_for_a_rejection_only() {
        let mut fault = Fault::new(FaultKind::Rejected, "no such order");
        fault.status = Some(404);
        assert_eq!(fault.status(), 404);
        fault.status = Some(200);
        assert_eq!(fault.status(), 400);
        fault.kind = FaultKind::Failed;
        fault.status = Some(404);
        assert_eq!(fault.status(), 500);
    }

    #[test]
    fn a_problem_has_the_promised_members() {
        let problem = Fault::new(FaultKind::InvalidInput, "name is missing")
            .with_error("/name", "is required")
            .problem("c1");
        for member in ["type", "title", "status", "detail", "code", "correlation_id", "errors"] {
            assert!(problem.get(member).is_some(), "{member}");
        }
        assert_eq!(problem["errors"][0]["path"], "/name");
    }
}
