//! Who is a member of the cluster by a certificate of it: `/api/v1/cluster/members`, and how others become one.

pub(crate) mod authority;
pub(crate) mod joining;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::Timestamp;
use busbar_pki::{Name, Role};
use busbar_registrar::{Error, Offer, Registrar, TOKEN_LIFE_MAX, TOKEN_LIFE_MIN};
use busbar_store::{Member, Odb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    body::Input,
    caller::Caller,
    describe, idempotency,
    member::Whole,
    openapi::Conflict,
    problem::{Kind, Problem},
};

/// How long a token lives for which nothing else is said.
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

impl App {
    pub(crate) fn registrar(&self, odb: &Odb) -> Registrar {
        Registrar::new(odb.clone(), Arc::clone(&self.master_key))
    }
}

/// Who has a certificate of the cluster.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct View {
    /// server, balancer, admin or operator.
    role: String,
    name: String,
    /// SHA-256 of its certificate.
    certificate_sha256: String,
    /// When the certificate ends. It is renewed before.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
    /// When it last asked whether there is something new.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    /// The authority that signed what it shows, as it says itself.
    #[schema(required)]
    authority: Option<String>,
}

impl From<Member> for View {
    fn from(member: Member) -> Self {
        Self {
            role: member.role,
            name: member.name,
            certificate_sha256: member.certificate_sha256,
            expires_at: member.expires_at,
            joined_at: member.joined_at,
            seen_at: member.seen_at,
            authority: member.confirmed.map(|said| said.issuer),
        }
    }
}

/// All members, by role and name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Members)]
pub(crate) struct Views {
    items: Vec<View>,
    /// There is one page.
    #[schema(required)]
    next: Option<String>,
}

/// The members of the cluster.
#[utoipa::path(get, path = "/api/v1/cluster/members", tag = "members",
    responses((status = 200, description = "Who has a certificate.", body = Views)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Views>, Problem> {
    let members = app.read(|odb| Ok(odb.members()?)).await?;
    Ok(Json(Views { items: members.into_iter().map(View::from).collect(), next: None }))
}

/// Forget a member: its certificate is not renewed, and opens the admin API no more.
#[utoipa::path(delete, path = "/api/v1/cluster/members/{role}/{name}", tag = "members",
    params(("role" = String, Path), ("name" = String, Path)),
    responses((status = 204, description = "It is no member any more.")))]
pub(crate) async fn forget(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let nothing = || Problem::new(Kind::NotFound, "this is no member of the cluster");
    let Path((role, name)) = path.map_err(|_| nothing())?;
    let role: Role = role.parse().map_err(|_| nothing())?;
    let name: Name = name.parse().map_err(|_| nothing())?;
    app.answer({
        let app = Arc::clone(&app);
        move |odb| {
            app.registrar(odb).forget(&by, role, &name)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    })
    .await
}

/// Whom a token is to let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JoinTokenWish)]
pub(crate) struct Wish {
    /// What it is to be; a server, if nothing else is said.
    #[schema(schema_with = roles)]
    #[serde(default)]
    role: Option<String>,
    /// Only a machine of this name.
    #[schema(schema_with = describe::member_name)]
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// How long, in seconds; an hour, if nothing else is said.
    #[schema(value_type = u64, minimum = 60, maximum = 604_800)]
    #[serde(default, deserialize_with = "given")]
    life_s: Option<Whole>,
}

fn roles() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    describe::one_of(Role::ALL.map(Role::as_str))
}

/// A member that may be left out, and is no null.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A token by which one machine may join.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JoinToken)]
pub(crate) struct TokenView {
    /// For `busbar join`. It is shown here once.
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a token by which one machine may join.
#[utoipa::path(post, path = "/api/v1/cluster/join-tokens", tag = "members", request_body = Wish,
    responses((status = 201, description = "The token.", body = TokenView), Conflict))]
pub(crate) async fn offer(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(wish): Input<Wish>,
) -> Result<Response, Problem> {
    let role = wish.role.as_deref().map_or(Ok(Role::Server), str::parse);
    let role = role.map_err(|error| Problem::invalid_at("/role", error.to_string()))?;
    let name: Option<Name> = wish.name.map(|name| name.parse()).transpose().map_err(unfit("/name"))?;
    let life = match wish.life_s {
        Some(life) => {
            let life = life.within(TOKEN_LIFE_MIN.as_secs(), TOKEN_LIFE_MAX.as_secs());
            Duration::from_secs(life.map_err(|reason| Problem::invalid_at("/life_s", reason))?)
        }
        None => TOKEN_LIFE,
    };
    let offer = Offer { role, name, urls: app.urls.clone(), life };
    app.answer({
        let app = Arc::clone(&app);
        move |odb| {
            let (token, expires_at) = app.registrar(odb).offer(&by, offer)?;
            let view = |token| TokenView { token, expires_at };
            let kept = serde_json::to_vec(&view(String::new())).unwrap_or_default();
            let reply = (StatusCode::CREATED, Json(view(token.to_text().to_string()))).into_response();
            Ok(idempotency::keep_instead(reply, kept))
        }
    })
    .await
}

fn unfit(path: &'static str) -> impl Fn(busbar_pki::Error) -> Problem {
    move |error| Problem::invalid_at(path, error.to_string())
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let conflict = |code, text: String| Self::new(Kind::Conflict, text).with_code(code);
        let text = error.to_string();
        match error {
            Error::Odb(error) => error.into(),
            Error::NotFounded => conflict("no-authority", text),
            Error::NoToken | Error::Expired | Error::Used | Error::AnotherName { .. } => {
                Self::new(Kind::Forbidden, text).with_code("join-token-refused")
            }
            Error::NoMember { .. } => Self::new(Kind::Forbidden, text).with_code("no-member"),
            Error::Obstacle(_) | Error::Meanwhile => conflict("roll-not-possible", text),
            Error::Founded { .. } | Error::TokenLife { .. } | Error::Token(_) => conflict("unfit", text),
            Error::Pki(busbar_pki::Error::TooManyHosts { .. }) => conflict("unfit", text),
            Error::Pki(error) => Self::internal(error),
        }
    }
}
