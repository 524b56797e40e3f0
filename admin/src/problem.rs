//! What a caller is told when a request does not succeed (RFC 9457).

use std::{borrow::Cow, error::Error, fmt::Write as _, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use busbar_model::fault::FieldError;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    InvalidInput,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    Misdirected,
    KeyReused,
    Internal,
    Unavailable,
}

impl Kind {
    pub(crate) const ALL: [Self; 14] = [
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Misdirected,
        Self::KeyReused,
        Self::Internal,
        Self::Unavailable,
    ];

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::InvalidInput => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The same for every occurrence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::InvalidInput => "Invalid input",
            Self::Unauthenticated => "Authentication required",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "Request not received in time",
            Self::Conflict => "Conflict",
            Self::PreconditionFailed => "Changed meanwhile",
            Self::TooLarge => "Body too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Misdirected => "Misdirected request",
            Self::KeyReused => "Idempotency key used before",
            Self::Internal => "Internal error",
            Self::Unavailable => "Unavailable",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition-failed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Misdirected => "misdirected",
            Self::KeyReused => "idempotency-key-reused",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A failure on its way to the caller. It becomes a body where the correlation id is known.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: Kind,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    header: Option<(HeaderName, HeaderValue)>,
    /// For the log alone.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The body of every reply that is not a success.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct View<'a> {
    #[schema(example = "urn:busbar:problem:invalid-input")]
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    /// Stable; programs tell problems apart by it.
    #[schema(example = "invalid-input")]
    code: &'static str,
    /// The log has more under this.
    correlation_id: &'a str,
    #[schema(value_type = Vec<FieldProblem>)]
    errors: &'a [FieldError],
}

/// Where something is wrong in the input.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// JSON Pointer (RFC 6901) into the body, or `/` and the name of a query parameter.
    path: String,
    message: String,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            kind,
            code: kind.label(),
            detail: detail.into(),
            errors: Vec::new(),
            header: None,
            cause: None,
        }))
    }

    /// The input is wrong in places that are named.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self::in_places(Kind::InvalidInput, errors)
    }

    /// The input would be right, but does not go with what is there.
    pub(crate) fn conflict(code: &'static str, errors: Vec<FieldError>) -> Self {
        Self::in_places(Kind::Conflict, errors).with_code(code)
    }

    fn in_places(kind: Kind, errors: Vec<FieldError>) -> Self {
        let mut detail = String::new();
        for error in &errors {
            let separator = if detail.is_empty() { "" } else { "; " };
            let place = error.path.trim_start_matches('/');
            let colon = if place.is_empty() { "" } else { ": " };
            // Writing to a String does not fail.
            let _ = write!(detail, "{separator}{place}{colon}{}", error.message);
        }
        let mut problem = Self::new(kind, detail);
        problem.0.errors = errors;
        problem
    }

    pub(crate) fn invalid_at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { path: path.into(), message: message.into() }])
    }

    pub(crate) fn is_conflict(&self) -> bool {
        self.0.kind == Kind::Conflict
    }

    /// What would be right elsewhere.
    pub(crate) fn into_conflict(mut self, code: &'static str) -> Self {
        self.0.kind = Kind::Conflict;
        self.with_code(code)
    }

    /// The same about a part of the input.
    pub(crate) fn below(self, path: &str) -> Self {
        let moved = |error: FieldError| FieldError { path: format!("{path}{}", error.path), ..error };
        Self::invalid(self.0.errors.into_iter().map(moved).collect())
    }

    pub(crate) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            Kind::Internal,
            "the request could not be completed; the log has the cause under the correlation id",
        )
        .with_cause(cause)
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    pub(crate) fn with_error(mut self, path: &str, message: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { path: path.to_owned(), message: message.into() });
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// For the same reason as another problem.
    pub(crate) fn with_cause_of(mut self, other: Self) -> Self {
        self.0.cause = other.0.cause;
        self
    }

    /// Logs the cause if there is one, and writes the body.
    pub(crate) fn render(&self, correlation_id: &str) -> Body {
        if let Some(cause) = &self.0.cause {
            let error = chain(cause.as_ref());
            tracing::error!(correlation_id, error, "failed to answer a request of the admin API");
        }
        let view = View {
            r#type: format!("urn:busbar:problem:{}", self.0.kind.label()),
            title: self.0.kind.title(),
            status: self.0.kind.status().as_u16(),
            detail: &self.0.detail,
            code: self.0.code,
            correlation_id,
            errors: &self.0.errors,
        };
        serde_json::to_vec(&view).map_or_else(|_| Body::empty(), Body::from)
    }
}

/// The body is written by the correlation layer, which knows the id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = self.0.header.clone() {
            headers.insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
