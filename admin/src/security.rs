//! Security definitions: `/api/v1/security`. Secrets go in, and out once at most.

pub(crate) mod certificates;
mod view;

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Name, Security,
    fault::FieldError,
    security::{
        CLIENT_CERTIFICATE, Certificates, Credential, KINDS_ALLOWED, PasswordType, WS_SECURITY, password,
        username,
    },
};
use busbar_store::{
    Error, MasterKey, Plaintext,
    security::{Draft, Filter},
};
use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::OneOfBuilder},
};

use self::view::{Kind, View};
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

/// A new security definition; `username` and `password` belong to the kinds `basic` and `ws-security`,
/// `password_type` to `ws-security`, `subjects` and `sha256` to `client-certificate`.
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
    #[serde(default)]
    subjects: Member<Vec<String>>,
    #[serde(default)]
    sha256: Member<Vec<String>>,
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
        let [by_subject, by_sha256] = certificates::described(|| of_kind(CLIENT_CERTIFICATE), true);
        let kinds = OneOfBuilder::new().item(of_user("basic")).item(of_kind("api-key")).item(token);
        kinds.item(by_subject).item(by_sha256).into()
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
/// to `ws-security`, `rotate` to `api-key`, `subjects` and `sha256` to `client-certificate`.
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
    /// Subjects of certificates that let in, as HAProxy writes them: `/O=shop/CN=ada`.
    #[serde(default)]
    #[schema(schema_with = certificates::subjects_or_null)]
    subjects: Member<Vec<String>>,
    /// SHA-256s of certificates that let in.
    #[serde(default)]
    #[schema(schema_with = certificates::sha256_or_null)]
    sha256: Member<Vec<String>>,
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
        let given = [
            ("/username", OF_USER, !self.username.is_absent()),
            ("/password", OF_USER, !self.password.is_absent()),
            ("/password_type", OF_TOKEN, !self.password_type.is_absent()),
            ("/subjects", OF_CERTIFICATE, !self.subjects.is_absent()),
            ("/sha256", OF_CERTIFICATE, !self.sha256.is_absent()),
        ];
        unfit(&given, kind.as_str()).for_each(|(path, message)| check.refuse(path, message));
        match kind {
            Kind::ApiKey => {
                let name = check.finish_with(name)?;
                let (key, credential) = new_api_key().map_err(Problem::internal)?;
                return Ok(Wanted::Stored(Draft { name, credential }, Some(key)));
            }
            Kind::ClientCertificate => {
                let change = certificates::checked(self.subjects, self.sha256, &mut check);
                let whole = (!check.has("/subjects") && !check.has("/sha256"))
                    .then(|| change.over(Certificates::default()));
                let certificates = whole.and_then(|whole| check.ok("/subjects", whole));
                let (name, certificates) = check.finish_with(name.zip(certificates))?;
                let credential = Credential::ClientCertificate(certificates);
                return Ok(Wanted::Stored(Draft { name, credential }, None));
            }
            Kind::Basic | Kind::WsSecurity => {}
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
const OF_TOKEN: &[&str] = &[WS_SECURITY];
const OF_KEY: &[&str] = &["api-key"];
const OF_CERTIFICATE: &[&str] = &[CLIENT_CERTIFICATE];

/// A member's place, the kinds that have it, and whether it was given.
type Given = (&'static str, &'static [&'static str], bool);

/// Members that only definitions of other kinds have, and why they are refused.
fn unfit(given: &[Given], kind: &str) -> impl Iterator<Item = (&'static str, String)> {
    let foreign = given.iter().filter(move |(_, theirs, given)| *given && !theirs.contains(&kind));
    foreign.map(move |(path, theirs, _)| {
        let kinds = if theirs.len() > 1 { "kinds" } else { "kind" };
        (*path, format!("belongs to the {kinds} {}, not to {kind}", theirs.join(" and ")))
    })
}

/// A checked patch: `None` leaves a field as it is.
struct Edit {
    name: Option<Name>,
    username: Option<String>,
    /// In both forms: which one is kept depends on the definition's kind.
    password: Option<(String, Plaintext)>,
    accepts: Option<PasswordType>,
    api_key: Option<Credential>,
    certificates: certificates::Change,
}

impl Patch {
    /// The edit, and the key if one was made.
    async fn into_edit(self, app: &App) -> Result<(Edit, Option<String>), Problem> {
        let mut check = Check::default();
        let name = self.name.checked(&mut check, "/name", None, check::name);
        let username = self.username.checked(&mut check, "/username", None, username);
        let password = self.password.checked(&mut check, "/password", None, password);
        let accepts = password_type(self.password_type, &mut check);
        let certificates = certificates::checked(self.subjects, self.sha256, &mut check);
        check.finish()?;
        let password = match password {
            Some(password) => Some((app.hash(password.clone()).await?, password.into())),
            None => None,
        };
        let made = if self.rotate { Some(new_api_key().map_err(Problem::internal)?) } else { None };
        let (key, api_key) = made.unzip();
        Ok((Edit { name, username, password, accepts, api_key, certificates }, key))
    }
}

impl Edit {
    /// Refuses what belongs to another kind than the definition has, which nobody changes. A password is sealed
    /// for the definition `id`.
    fn apply(&self, draft: Draft, id: &str, key: &MasterKey) -> Result<Draft, Problem> {
        let given = [
            ("/username", OF_USER, self.username.is_some()),
            ("/password", OF_USER, self.password.is_some()),
            ("/password_type", OF_TOKEN, self.accepts.is_some()),
            ("/rotate", OF_KEY, self.api_key.is_some()),
            ("/subjects", OF_CERTIFICATE, self.certificates.subjects.is_some()),
            ("/sha256", OF_CERTIFICATE, self.certificates.sha256.is_some()),
        ];
        let error = |(path, message)| FieldError { path: str::to_owned(path), message };
        let errors: Vec<FieldError> = unfit(&given, draft.credential.kind()).map(error).collect();
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
            Credential::ClientCertificate(present) => {
                let certificates = self.certificates.clone().over(present).map_err(|unfit| {
                    Problem::conflict("no-certificate", vec![error(("/subjects", unfit.to_string()))])
                })?;
                Credential::ClientCertificate(certificates)
            }
        };
        Ok(Draft { name: self.name.clone().unwrap_or(draft.name), credential })
    }
}

/// The reply to a request that may have made a key. What is kept of it for a repeat shows none.
fn shown_once(security: Security, key: Option<String>, reply: impl Fn(i64, View) -> Response) -> Response {
    let (revision, mut view) = (security.revision, View::from(security));
    if key.is_none() {
        return reply(revision, view);
    }
    let kept = serde_json::to_vec(&view).unwrap_or_default();
    view.key = key;
    idempotency::keep_instead(reply(revision, view), kept)
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
