//! Security definitions: `/api/v1/security`. Secrets go in, and out once at most.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use busbar_model::{
    Security, Timestamp,
    security::{Credential, password, username},
};
use busbar_store::{
    Odb,
    security::{Draft, Filter},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api_key::new_api_key,
    app::App,
    body::Input,
    caller::{Caller, Key},
    check::{self, Check, REQUIRED},
    etag::{self, IfMatch},
    member::Member,
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/security";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SecurityKind)]
pub(crate) enum Kind {
    /// HTTP basic (RFC 7617).
    Basic,
    /// A key in the header `X-API-Key`.
    ApiKey,
}

/// Credentials of one kind that a channel asks for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Security)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(value_type = Kind)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The part of an API key before the dot; public.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// An API key, in the reply to the request that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

impl From<Security> for View {
    fn from(security: Security) -> Self {
        let kind = security.credential.kind();
        let (username, key_id) = match security.credential {
            Credential::Basic { username, .. } => (Some(username), None),
            Credential::ApiKey { key_id, .. } => (None, Some(key_id)),
        };
        Self {
            href: format!("{PATH}/{}", security.id),
            id: security.id,
            name: security.name.into(),
            kind,
            username,
            key_id,
            key: None,
            created_at: security.created_at,
            updated_at: security.updated_at,
        }
    }
}

/// A new security definition; `username` and `password` belong to the kind `basic`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSecurity)]
pub(crate) struct New {
    #[schema(required, value_type = String)]
    name: Option<String>,
    #[schema(required, value_type = Kind)]
    kind: Option<Kind>,
    username: Option<String>,
    #[schema(write_only)]
    password: Option<String>,
}

/// What is to be changed. `username` and `password` belong to the kind `basic`, `rotate` to `api-key`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecurityPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    name: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    username: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, write_only)]
    password: Member<String>,
    /// Makes a new key, which is in the reply; the old one is void.
    #[serde(default)]
    rotate: bool,
}

impl App {
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        let _turn = self.hashing.acquire().await.map_err(Problem::internal)?;
        let hash = self.hash_password.clone();
        let hashed = tokio::task::spawn_blocking(move || hash(&password)).await.map_err(Problem::internal)?;
        hashed.map_err(|error| Problem::internal(HashError(error)))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("password could not be hashed")]
struct HashError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl New {
    /// The draft, and the key if one was made.
    async fn into_draft(self, app: &App) -> Result<(Draft, Option<String>), Problem> {
        let mut check = Check::default();
        let name = check.some("/name", self.name, REQUIRED);
        let name = name.and_then(|name| check.ok("/name", check::name(name)));
        let kind = check.some("/kind", self.kind, "is required; allowed is basic or api-key");
        match kind {
            None => Err(check.finish().err().unwrap_or_else(|| Problem::invalid_at("/kind", REQUIRED))),
            Some(Kind::ApiKey) => {
                for (path, given) in [("/username", &self.username), ("/password", &self.password)] {
                    if given.is_some() {
                        check.refuse(path, "belongs to the kind basic, not to api-key");
                    }
                }
                let name = check.finish_with(name)?;
                let (key, credential) = new_api_key().map_err(Problem::internal)?;
                Ok((Draft { name, credential }, Some(key)))
            }
            Some(Kind::Basic) => {
                let user = check.some("/username", self.username, REQUIRED);
                let user = user.and_then(|text| check.ok("/username", username(text)));
                let secret = check.some("/password", self.password, REQUIRED);
                let secret = secret.and_then(|text| check.ok("/password", password(text)));
                let (name, (username, password)) = check.finish_with(name.zip(user.zip(secret)))?;
                let password_hash = app.hash(password).await?;
                Ok((Draft { name, credential: Credential::Basic { username, password_hash } }, None))
            }
        }
    }
}

/// A checked patch: `None` leaves a field as it is.
struct Edit {
    name: Option<busbar_model::Name>,
    username: Option<String>,
    password_hash: Option<String>,
    api_key: Option<Credential>,
}

impl Patch {
    /// The edit, and the key if one was made.
    async fn into_edit(self, app: &App) -> Result<(Edit, Option<String>), Problem> {
        let mut check = Check::default();
        let name = self.name.checked(&mut check, "/name", None, check::name);
        let username = self.username.checked(&mut check, "/username", None, username);
        let password = self.password.checked(&mut check, "/password", None, password);
        check.finish()?;
        let password_hash = match password {
            Some(password) => Some(app.hash(password).await?),
            None => None,
        };
        let made = if self.rotate { Some(new_api_key().map_err(Problem::internal)?) } else { None };
        let (key, api_key) = made.unzip();
        Ok((Edit { name, username, password_hash, api_key }, key))
    }
}

impl Edit {
    fn apply(&self, draft: Draft) -> Result<Draft, Problem> {
        let mut check = Check::default();
        let credential = match draft.credential {
            Credential::Basic { username, password_hash } => {
                if self.api_key.is_some() {
                    check.refuse("/rotate", "belongs to the kind api-key, not to basic");
                }
                Credential::Basic {
                    username: self.username.clone().unwrap_or(username),
                    password_hash: self.password_hash.clone().unwrap_or(password_hash),
                }
            }
            kept @ Credential::ApiKey { .. } => {
                for (path, given) in [("/username", &self.username), ("/password", &self.password_hash)] {
                    if given.is_some() {
                        check.refuse(path, "belongs to the kind basic, not to api-key");
                    }
                }
                self.api_key.clone().unwrap_or(kept)
            }
        };
        check.finish()?;
        Ok(Draft { name: self.name.clone().unwrap_or(draft.name), credential })
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] =
        &[("name", "Only the definition of this name."), ("kind", "Only definitions of this kind.")];
}

type Listing = List<Fields>;

/// Security definitions.
#[utoipa::path(get, path = "/api/v1/security", tag = "security", params(Listing),
    responses((status = 200, description = "A page of security definitions.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (page, filter) = (list.page.clone(), Filter { name: list.filter("name"), kind: list.filter("kind") });
    let paged = app.read(move |odb| Ok(odb.securities(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a security definition. The key of an API key is in this reply only.
#[utoipa::path(post, path = "/api/v1/security", tag = "security", request_body = New,
    responses((status = 201, description = "The new security definition.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<New>,
) -> Result<Response, Problem> {
    let (draft, key) = new.into_draft(&app).await?;
    let security = app.write(move |odb| Ok(odb.create_security(&by, draft.clone())?)).await?;
    let revision = security.revision;
    let view = View { key, ..View::from(security) };
    Ok(etag::created(revision, &view.href.clone(), view))
}

/// A security definition.
#[utoipa::path(get, path = "/api/v1/security/{id}", tag = "security", params(("id" = String, Path)),
    responses((status = 200, description = "The security definition.", body = View,
        headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let security = app.read(move |odb| Ok(odb.security(&id)?)).await?;
    Ok(etag::tagged(security.revision, View::from(security)))
}

/// Change a security definition. A key that this makes is in this reply only.
#[utoipa::path(patch, path = "/api/v1/security/{id}", tag = "security",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The security definition as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Patch>,
) -> Result<Response, Problem> {
    let (edit, key) = patch.into_edit(&app).await?;
    let work = move |odb: &Odb| odb.update_security(&by, &id, seen, |draft| edit.apply(draft));
    let security = app.write(work).await?;
    let revision = security.revision;
    Ok(etag::tagged(revision, View { key, ..View::from(security) }))
}

/// Remove a security definition that no channel asks for.
#[utoipa::path(delete, path = "/api/v1/security/{id}", tag = "security",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The security definition is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<StatusCode, Problem> {
    app.write(move |odb| Ok(odb.delete_security(&by, &id, seen)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
