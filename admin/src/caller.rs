//! Who asks, for what and when.

use axum::{
    extract::{FromRequestParts, Path},
    http::{Extensions, request::Parts},
};
use busbar_model::{bounds::NAME_CHARS_MAX, correlation::CorrelationId};
use busbar_store::By;

use crate::{
    auth::Peer,
    clock,
    problem::{Kind, Problem},
};

/// Until there are users with roles, whoever has the token, and shows no certificate.
const ACTOR: &str = "admin";

/// Of a request.
pub(crate) fn actor(extensions: &Extensions) -> String {
    extensions.get::<Peer>().map_or_else(|| ACTOR.to_owned(), Peer::actor)
}

/// The author of a change.
pub(crate) struct Caller(pub(crate) By);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let correlation_id = parts.extensions.get::<CorrelationId>().map(CorrelationId::to_string);
        Ok(Self(By { actor: actor(&parts.extensions), correlation_id, now: clock::now() }))
    }
}

/// The id or name in a path.
pub(crate) struct Key(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            // What is longer than a name may be, or not UTF-8, is the name of nothing.
            Ok(Path(key)) if key.chars().count() <= NAME_CHARS_MAX => Ok(Self(key)),
            _ => Err(Problem::new(Kind::NotFound, "nothing is found at this address")),
        }
    }
}
