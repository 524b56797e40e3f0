//! Entity tags: an object's revision in quotes, against lost updates (RFC 9110, sections 8.8.3 and
//! 13.1.1).

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::path::{Parameter, ParameterBuilder, ParameterIn},
};

use crate::problem::Problem;

/// No object has it.
const NO_REVISION: i64 = -1;

pub(crate) fn of(revision: i64) -> HeaderValue {
    let mut text = String::with_capacity(8);
    text.push('"');
    text.push_str(&revision.to_string());
    text.push('"');
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// An object with its tag.
pub(crate) fn tagged<T: Serialize>(revision: i64, object: T) -> Response {
    ([(header::ETAG, of(revision))], Json(object)).into_response()
}

/// A new object with its tag and address.
pub(crate) fn created<T: Serialize>(revision: i64, href: &str, object: T) -> Response {
    let headers = [(header::ETAG, of(revision).as_bytes().to_vec()), (header::LOCATION, href.into())];
    (StatusCode::CREATED, headers, Json(object)).into_response()
}

/// The revision that the caller has seen; `None`: any will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl IfMatch {
    fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let opaque = text.strip_prefix("W/").unwrap_or(text);
        let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) if !inner.contains('"') => {
                // A weak tag never matches here (RFC 9110, section 13.1.1), nor does one we never made.
                let revision = if opaque == text { inner.parse().ok() } else { None };
                Ok(Self(Some(revision.unwrap_or(NO_REVISION))))
            }
            _ => Err(Problem::invalid_at(
                "",
                "If-Match is neither * nor one entity tag in quotes, as ETag gave it",
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(header::IF_MATCH).iter();
        match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(one), None) => Self::parse(one.to_str().unwrap_or_default()),
            (Some(_), Some(_)) => Err(Problem::invalid_at("", "If-Match is given more than once")),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "The ETag that was seen, or * for any; another one by now is refused with 412. A weak tag \
                 matches nothing.",
            ))
            .schema(Some(String::schema()));
        vec![parameter.build()]
    }
}

#[cfg(test)]
mod tests {
    use super::{IfMatch, NO_REVISION};

    #[test]
    fn reads_a_tag_a_star_and_nothing_else() {
        assert_eq!(IfMatch::parse("\"7\"").unwrap(), IfMatch(Some(7)));
        assert_eq!(IfMatch::parse("*").unwrap(), IfMatch(None));
        for other in ["W/\"7\"", "\"abc\"", "\"\""] {
            assert_eq!(IfMatch::parse(other).unwrap(), IfMatch(Some(NO_REVISION)), "{other}");
        }
        for bad in ["", "7", "\"7", "\"1\", \"2\""] {
            assert!(IfMatch::parse(bad).is_err(), "{bad}");
        }
    }
}
