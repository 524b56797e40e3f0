//! Security definitions: `/api/v1/security`. Secrets go in, and out once at most.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Name, Security, Timestamp,
    fault::FieldError,
    security::{Credential, KINDS_ALLOWED, PasswordType, WS_SECURITY, password, username},
};
use busbar_store::{
    Error, MasterKey, Plaintext,
    security::{Draft, Filter},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::OneOfBuilder},
};

use crate::{
    api_key::new_api_key,
    app::App,
    body::Input,
    caller::{Caller, Key},
    check::{self, Check, REQUIRED},
    describe,
    etag::{self, IfMatch},
    idempotency,
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
    /// A UsernameToken in a SOAP message (WSS UsernameToken Profile 1.1).
    WsSecurity,
}

impl Kind {
    fn of(text: &str) -> Option<Self> {
        [Self::Basic, Self::ApiKey, Self::WsSecurity].into_iter().find(|kind| kind.as_str() == text)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
            Self::WsSecurity => WS_SECURITY,
        }
    }
}

/// Credentials of one kind that a channel asks for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Security)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(value_type = Kind)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// In which form a UsernameToken carries its password: digest, text or any.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_type: Option<&'static str>,
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
        let (username, key_id, password_type) = match security.credential {
            Credential::Basic { username, .. } => (Some(username), None, None),
            Credential::ApiKey { key_id, .. } => (None, Some(key_id), None),
            Credential::WsSecurity { username, accepts, .. } => {
                (Some(username), None, Some(accepts.as_str()))
            }
        };
        Self {
            href: format!("{PATH}/{}", security.id),
            id: security.id,
            name: security.name.into(),
            kind,
            username,
            password_type,
            key_id,
            key: None,
            created_at: security.created_at,
            updated_at: security.updated_at,
        }
    }
}

/// A new security definition; `username` and `password` belong to the kinds `basic` and `ws-security`,
/// `password_type` to `ws-security`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    name: Option<String>,
    kind: Option<Kind>,
    #[serde(default)]
    username: Member<String>,
    #[serde(default)]
    password: Member<String>,
    #[serde(default)]
    password_type: Member<String>,
}

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let of_kind = |kind| {
            let kind = ("kind", describe::one_of([kind]));
            describe::members([("name", describe::name()), kind]).required("name").required("kind")
        };
        let of_user = |kind| {
            of_kind(kind)
                .property("username", describe::username())
                .required("username")
                .property("password", describe::password())
                .required("password")
        };
        let token = of_user(WS_SECURITY).property("password_type", password_type_or_null());
        OneOfBuilder::new().item(of_user("basic")).item(of_kind("api-key")).item(token).into()
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewSecurity".into()
    }
}

fn password_type_or_null() -> RefOr<Schema> {
    describe::one_of_or_null(PasswordType::ALL.map(PasswordType::as_str))
}

/// What is to be changed. `username` and `password` belong to the kinds `basic` and `ws-security`, `password_type`
/// to `ws-security`, `rotate` to `api-key`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecurityPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    name: Member<String>,
    #[serde(default)]
    #[schema(schema_with = describe::username)]
    username: Member<String>,
    #[serde(default)]
    #[schema(schema_with = describe::password)]
    password: Member<String>,
    /// In which form a UsernameToken carries its password. Default: digest.
    #[serde(default)]
    #[schema(schema_with = password_type_or_null)]
    password_type: Member<String>,
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

/// What is to be made.
enum Wanted {
    /// With the key, if one was made.
    Stored(Draft, Option<String>),
    WsSecurity {
        name: Name,
        username: String,
        password: Plaintext,
        accepts: PasswordType,
    },
}

impl New {
    async fn wanted(self, app: &App) -> Result<Wanted, Problem> {
        let mut check = Check::default();
        let name = check.some("/name", self.name, REQUIRED);
        let name = name.and_then(|name| check.ok("/name", check::name(name)));
        let kind = check.some("/kind", self.kind, &format!("is required; {KINDS_ALLOWED}"));
        let Some(kind) = kind else {
            return Err(check.finish().err().unwrap_or_else(|| Problem::invalid_at("/kind", REQUIRED)));
        };
        if kind != Kind::WsSecurity && self.password_type != Member::Absent {
            check.refuse("/password_type", foreign(&[WS_SECURITY], kind.as_str()));
        }
        if kind == Kind::ApiKey {
            for (path, given) in [("/username", &self.username), ("/password", &self.password)] {
                if *given != Member::Absent {
                    check.refuse(path, foreign(OF_USER, kind.as_str()));
                }
            }
            let name = check.finish_with(name)?;
            let (key, credential) = new_api_key().map_err(Problem::internal)?;
            return Ok(Wanted::Stored(Draft { name, credential }, Some(key)));
        }
        let user = check.some("/username", self.username.given(), REQUIRED);
        let user = user.and_then(|text| check.ok("/username", username(text)));
        let secret = check.some("/password", self.password.given(), REQUIRED);
        let secret = secret.and_then(|text| check.ok("/password", password(text)));
        let accepts = password_type(self.password_type, &mut check).unwrap_or_default();
        let (name, (username, password)) = check.finish_with(name.zip(user.zip(secret)))?;
        if kind == Kind::WsSecurity {
            return Ok(Wanted::WsSecurity { name, username, password: password.into(), accepts });
        }
        let password_hash = app.hash(password).await?;
        Ok(Wanted::Stored(Draft { name, credential: Credential::Basic { username, password_hash } }, None))
    }
}

fn password_type(given: Member<String>, check: &mut Check) -> Option<PasswordType> {
    let parse = |text: String| check::shown(&text).parse::<PasswordType>();
    given.checked(check, "/password_type", Some(PasswordType::default()), parse)
}

/// Kinds that have a username and a password.
const OF_USER: &[&str] = &["basic", WS_SECURITY];

/// Why a member is refused that only definitions of other kinds have.
fn foreign(theirs: &[&str], kind: &str) -> String {
    let kinds = if theirs.len() > 1 { "kinds" } else { "kind" };
    format!("belongs to the {kinds} {}, not to {kind}", theirs.join(" and "))
}

/// A checked patch: `None` leaves a field as it is.
struct Edit {
    name: Option<Name>,
    username: Option<String>,
    /// In both forms: which one is kept depends on the definition's kind.
    password: Option<(String, Plaintext)>,
    accepts: Option<PasswordType>,
    api_key: Option<Credential>,
}

impl Patch {
    /// The edit, and the key if one was made.
    async fn into_edit(self, app: &App) -> Result<(Edit, Option<String>), Problem> {
        let mut check = Check::default();
        let name = self.name.checked(&mut check, "/name", None, check::name);
        let username = self.username.checked(&mut check, "/username", None, username);
        let password = self.password.checked(&mut check, "/password", None, password);
        let accepts = password_type(self.password_type, &mut check);
        check.finish()?;
        let password = match password {
            Some(password) => Some((app.hash(password.clone()).await?, password.into())),
            None => None,
        };
        let made = if self.rotate { Some(new_api_key().map_err(Problem::internal)?) } else { None };
        let (key, api_key) = made.unzip();
        Ok((Edit { name, username, password, accepts, api_key }, key))
    }
}

impl Edit {
    /// Refuses what belongs to another kind than the definition has, which nobody changes. A password is sealed
    /// for the definition `id`.
    fn apply(&self, draft: Draft, id: &str, key: &MasterKey) -> Result<Draft, Problem> {
        let given = [
            ("/username", OF_USER, self.username.is_some()),
            ("/password", OF_USER, self.password.is_some()),
            ("/password_type", &[WS_SECURITY], self.accepts.is_some()),
            ("/rotate", &["api-key"], self.api_key.is_some()),
        ];
        let kind = draft.credential.kind();
        let unfit = given.iter().filter(|(_, theirs, given)| *given && !theirs.contains(&kind));
        let errors: Vec<FieldError> = unfit
            .map(|(path, theirs, _)| FieldError { path: (*path).to_owned(), message: foreign(theirs, kind) })
            .collect();
        if !errors.is_empty() {
            return Err(Problem::conflict("wrong-kind", errors));
        }
        let credential = match draft.credential {
            Credential::Basic { username, password_hash } => Credential::Basic {
                username: self.username.clone().unwrap_or(username),
                password_hash: self.password.as_ref().map_or(password_hash, |(hash, _)| hash.clone()),
            },
            kept @ Credential::ApiKey { .. } => self.api_key.clone().unwrap_or(kept),
            Credential::WsSecurity { username, password, accepts } => Credential::WsSecurity {
                username: self.username.clone().unwrap_or(username),
                password: match &self.password {
                    Some((_, given)) => key.seal_password(id, given).map_err(Error::from)?,
                    None => password,
                },
                accepts: self.accepts.unwrap_or(accepts),
            },
        };
        Ok(Draft { name: self.name.clone().unwrap_or(draft.name), credential })
    }
}

/// The reply to a request that may have made a key. What is kept of it for a repeat shows none.
fn shown_once(security: Security, key: Option<String>, reply: impl Fn(i64, View) -> Response) -> Response {
    let (revision, view) = (security.revision, View::from(security));
    if key.is_none() {
        return reply(revision, view);
    }
    let kept = serde_json::to_vec(&view).unwrap_or_default();
    idempotency::keep_instead(reply(revision, View { key, ..view }), kept)
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] =
        &[("name", "Only the definition of this name."), ("kind", "Only definitions of this kind.")];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "kind" { Kind::schema() } else { String::schema() }
    }
}

type Listing = List<Fields>;

/// Security definitions.
#[utoipa::path(get, path = "/api/v1/security", tag = "security", params(Listing),
    responses((status = 200, description = "A page of security definitions.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let kind = list.parsed("kind", KINDS_ALLOWED, Kind::of)?.map(Kind::as_str);
    let filter = Filter { name: list.filter("name"), kind: kind.map(str::to_owned) };
    let page = list.page.clone();
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
    let wanted = new.wanted(&app).await?;
    let master_key = Arc::clone(&app.master_key);
    app.answer(move |odb| {
        let (made, key) = match wanted {
            Wanted::Stored(draft, key) => (odb.create_security(&by, draft)?, key),
            Wanted::WsSecurity { name, username, password, accepts } => {
                let sealed = |id: &str| {
                    let password = master_key.seal_password(id, &password)?;
                    let credential = Credential::WsSecurity { username: username.clone(), password, accepts };
                    Ok(Draft { name: name.clone(), credential })
                };
                (odb.create_security_with(&by, sealed)?, None)
            }
        };
        Ok(shown_once(made, key, |revision, view| etag::created(revision, &view.href.clone(), view)))
    })
    .await
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
    let master_key = Arc::clone(&app.master_key);
    app.answer(move |odb| {
        let changed = odb.update_security(&by, &id, seen, |draft| edit.apply(draft, &id, &master_key))?;
        Ok(shown_once(changed, key, etag::tagged))
    })
    .await
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
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_security(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
