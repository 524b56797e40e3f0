//! Secrets: `/api/v1/secrets`. Values go in and never out.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{Secret, Timestamp, secret};
use busbar_store::{
    Plaintext,
    secret::{Draft, Filter, New as NewSecret},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    body::Input,
    caller::{Caller, Key},
    check::{self, Check, REQUIRED},
    describe,
    etag::{self, IfMatch},
    member::{Hidden, Member},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/secrets";

/// A value that plugins read by name, if they are granted it. It is in no reply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

impl From<Secret> for View {
    fn from(secret: Secret) -> Self {
        Self {
            href: format!("{PATH}/{}", secret.id),
            id: secret.id,
            name: secret.name.into(),
            description: secret.description,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
}

/// A new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSecret)]
pub(crate) struct New {
    #[schema(required, schema_with = describe::name)]
    name: Option<String>,
    /// What it is for; in no way secret.
    description: Option<String>,
    /// 1 to 65536 bytes of text.
    #[schema(required, value_type = String, write_only, min_length = 1)]
    value: Option<Hidden>,
}

/// What is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretPatch)]
pub(crate) struct Patch {
    /// Not while grants name the secret.
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    name: Member<String>,
    /// Null: none.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false)]
    description: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, write_only, min_length = 1)]
    value: Member<Hidden>,
}

fn value(Hidden(value): Hidden) -> Result<Plaintext, String> {
    secret::check_value(value.reveal()).map(|()| value)
}

impl New {
    fn checked(self) -> Result<NewSecret, Problem> {
        let mut check = Check::default();
        let name = check.some("/name", self.name, REQUIRED);
        let name = name.and_then(|name| check.ok("/name", check::name(name)));
        let description =
            self.description.and_then(|text| check.ok("/description", secret::description(text)));
        let given = check.some("/value", self.value, REQUIRED);
        let given = given.and_then(|given| check.ok("/value", value(given)));
        let (name, value) = check.finish_with(name.zip(given))?;
        Ok(NewSecret { name, description, value })
    }
}

/// A checked patch: `None` leaves a field as it is.
struct Edit {
    name: Option<busbar_model::Name>,
    description: Option<Option<String>>,
    value: Option<Plaintext>,
}

impl Patch {
    fn checked(self) -> Result<Edit, Problem> {
        let mut check = Check::default();
        let name = self.name.checked(&mut check, "/name", None, check::name);
        let some = |text| secret::description(text).map(Some);
        let description = self.description.checked(&mut check, "/description", Some(None), some);
        let value = self.value.checked(&mut check, "/value", None, value);
        check.finish()?;
        Ok(Edit { name, description, value })
    }
}

impl Edit {
    fn apply(&self, draft: Draft) -> Draft {
        Draft {
            name: self.name.clone().unwrap_or(draft.name),
            description: self.description.clone().unwrap_or(draft.description),
            value: self.value.clone(),
        }
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[("name", "Only the secret of this name.")];
}

type Listing = List<Fields>;

/// Secrets, without their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", params(Listing),
    responses((status = 200, description = "A page of secrets.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (page, filter) = (list.page.clone(), Filter { name: list.filter("name") });
    let paged = app.read(move |odb| Ok(odb.secrets(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a secret. Its value is in no reply.
#[utoipa::path(post, path = "/api/v1/secrets", tag = "secrets", request_body = New,
    responses((status = 201, description = "The new secret.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<New>,
) -> Result<Response, Problem> {
    let (new, key) = (new.checked()?, Arc::clone(&app.master_key));
    app.answer(move |odb| {
        let secret = odb.create_secret(&by, &key, new)?;
        let (revision, view) = (secret.revision, View::from(secret));
        Ok(etag::created(revision, &view.href.clone(), view))
    })
    .await
}

/// A secret, without its value.
#[utoipa::path(get, path = "/api/v1/secrets/{id}", tag = "secrets", params(("id" = String, Path)),
    responses((status = 200, description = "The secret.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let secret = app.read(move |odb| Ok(odb.secret(&id)?)).await?;
    Ok(etag::tagged(secret.revision, View::from(secret)))
}

/// Change a secret.
#[utoipa::path(patch, path = "/api/v1/secrets/{id}", tag = "secrets",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The secret as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Patch>,
) -> Result<Response, Problem> {
    let (edit, key) = (patch.checked()?, Arc::clone(&app.master_key));
    app.answer(move |odb| {
        let edit = |draft| Ok::<_, Problem>(edit.apply(draft));
        let secret = odb.update_secret(&by, &key, &id, seen, edit)?;
        Ok(etag::tagged(secret.revision, View::from(secret)))
    })
    .await
}

/// Remove a secret that no grant names.
#[utoipa::path(delete, path = "/api/v1/secrets/{id}", tag = "secrets",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The secret is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_secret(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
