//! The member `cors` of a channel: what pages of other origins may do (Fetch standard, CORS protocol).

mod description;

use std::{borrow::Cow, fmt};

use busbar_model::{
    bounds as model_bounds,
    cors::{self as model, Cors},
    fault::FieldError,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::OneOfBuilder},
};

use crate::{
    check::{Check, shown},
    member::{Member, Object, Whole},
    problem::Problem,
};

/// What a channel tells browsers about pages of other origins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cors)]
pub(crate) struct View {
    /// `https://HOST` or `https://HOST:PORT` as browsers write them, or `*` alone.
    #[schema(example = json!(["https://app.example"]))]
    origins: Vec<String>,
    /// Headers that a page may set, in lower case, or `*` alone.
    headers: Vec<String>,
    /// Headers of replies that a page may read; X-Correlation-ID always is one.
    expose: Vec<String>,
    /// Whether browsers send cookies and other credentials of their own; not with origin `*`.
    credentials: bool,
    /// How long a browser may remember the answer to a preflight.
    max_age_s: u32,
}

impl From<Cors> for View {
    fn from(cors: Cors) -> Self {
        let Cors { origins, headers, expose, credentials, max_age_s } = cors;
        Self { origins, headers, expose, credentials, max_age_s }
    }
}

/// What is to be changed. Null puts a member that has a default back to it; `origins` has none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    #[serde(default)]
    origins: Member<Vec<String>>,
    #[serde(default)]
    headers: Member<Vec<String>>,
    #[serde(default)]
    expose: Member<Vec<String>>,
    #[serde(default)]
    credentials: Member<bool>,
    #[serde(default)]
    max_age_s: Member<Whole>,
}

/// The `cors` of a new channel.
pub(crate) struct New;

impl PartialSchema for Patch {
    fn schema() -> RefOr<Schema> {
        let [named, any] = description::members();
        OneOfBuilder::new().item(named).item(any.required("origins")).into()
    }
}

impl ToSchema for Patch {
    fn name() -> Cow<'static, str> {
        "CorsPatch".into()
    }
}

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let [named, any] = description::members().map(|members| members.required("origins"));
        OneOfBuilder::new().item(named).item(any).into()
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewCors".into()
    }
}

/// A checked patch of the whole member.
#[derive(Debug)]
pub(crate) enum Edit {
    Keep,
    Remove,
    Change(Change),
}

/// `None` leaves a field as it is.
#[derive(Debug)]
pub(crate) struct Change {
    origins: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    expose: Option<Vec<String>>,
    credentials: Option<bool>,
    max_age_s: Option<u32>,
}

pub(crate) fn checked(given: Member<Object<Patch>>, check: &mut Check) -> Edit {
    match given {
        Member::Absent => Edit::Keep,
        Member::Null => Edit::Remove,
        Member::Given(Object(patch)) => Edit::Change(patch.checked(check)),
    }
}

impl Patch {
    fn checked(self, check: &mut Check) -> Change {
        let max_age = |given: Whole| given.within(0, u64::from(model_bounds::CORS_MAX_AGE_S_CEILING));
        let none = || Some(Vec::new());
        Change {
            origins: items(self.origins, check, "/cors/origins", None, model::origins),
            headers: items(self.headers, check, "/cors/headers", none(), model::headers),
            expose: items(self.expose, check, "/cors/expose", none(), model::exposed),
            credentials: self.credentials.checked(
                check,
                "/cors/credentials",
                Some(false),
                Ok::<_, fmt::Error>,
            ),
            max_age_s: self
                .max_age_s
                .checked(
                    check,
                    "/cors/max_age_s",
                    Some(u64::from(model_bounds::CORS_MAX_AGE_S_DEFAULT)),
                    max_age,
                )
                .and_then(|seconds| u32::try_from(seconds).ok()),
        }
    }
}

/// A list in which the wrong item is named by its index.
fn items(
    given: Member<Vec<String>>,
    check: &mut Check,
    path: &str,
    default: Option<Vec<String>>,
    parse: impl FnOnce(&[String]) -> Result<Vec<String>, (usize, model::Invalid)>,
) -> Option<Vec<String>> {
    let most = model_bounds::CORS_ITEMS_MAX;
    match given {
        Member::Given(list) if list.len() > most => {
            check.refuse(path, format!("has {} items; allowed are {most}", list.len()));
            None
        }
        Member::Given(list) => match parse(&list) {
            Ok(parsed) => Some(parsed),
            Err((at, error)) => {
                let item = list.get(at).map(|text| shown(text)).unwrap_or_default();
                check.refuse(format!("{path}/{at}"), format!("{item:?} {error}"));
                None
            }
        },
        other => other.checked(check, path, default, Ok::<_, fmt::Error>),
    }
}

impl Edit {
    /// Refuses one for a new channel that names no origin.
    pub(crate) fn check_new(&self, check: &mut Check) {
        if matches!(self, Self::Change(Change { origins: None, .. })) {
            check.refuse("/cors/origins", model::Conflict::NoOrigin.to_string());
        }
    }

    /// Refuses members that do not go together, or not with those that are there.
    pub(crate) fn apply(&self, before: Option<Cors>) -> Result<Option<Cors>, Problem> {
        let change = match self {
            Self::Keep => return Ok(before),
            Self::Remove => return Ok(None),
            Self::Change(change) => change,
        };
        let before = before.unwrap_or_default();
        let cors = Cors {
            origins: change.origins.clone().unwrap_or(before.origins),
            headers: change.headers.clone().unwrap_or(before.headers),
            expose: change.expose.clone().unwrap_or(before.expose),
            credentials: change.credentials.unwrap_or(before.credentials),
            max_age_s: change.max_age_s.unwrap_or(before.max_age_s),
        };
        match cors.check() {
            Ok(()) => Ok(Some(cors)),
            Err(conflict) => {
                let path = format!("/cors/{}", conflict.member());
                let alone = match conflict {
                    model::Conflict::NoOrigin => change.origins.is_some(),
                    model::Conflict::CredentialsForAnyone => {
                        change.origins.is_some() && change.credentials.is_some()
                    }
                    model::Conflict::TooMany { .. } | model::Conflict::TooLong => true,
                };
                let errors = vec![FieldError { path, message: conflict.to_string() }];
                Err(if alone { Problem::invalid(errors) } else { Problem::conflict("cors-conflict", errors) })
            }
        }
    }
}
