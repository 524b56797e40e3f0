//! What is given of a connection of kind http.

use std::mem::discriminant;

use busbar_model::{
    connection::{
        Http, Refused,
        amqp::{Identity, Tls},
        http::{self, Auth, Settings},
    },
    fault::FieldError,
};
use busbar_store::Plaintext;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Given, Refuse, hidden, taken, tls};
use crate::{
    body::{typed, unknown},
    check::{Check, REQUIRED},
    member::{Hidden, Member, Object},
    problem::Problem,
};

const BASE_URL: &str = "base_url";
/// The one member whose null is a value: there is none.
const NULLABLE: &str = "breaker";

/// Members that are not read as they are.
#[derive(Deserialize)]
struct Own {
    #[serde(default)]
    password: Member<Hidden>,
    #[serde(default)]
    tls: Member<Object<tls::Body>>,
}

/// A change; what is not in it stays.
pub(super) struct Edit {
    /// Of the settings, as they were given.
    plain: Map<String, Value>,
    password: Option<Plaintext>,
    tls: Option<Option<tls::Edit>>,
}

pub(super) fn new(members: Value, check: &mut Check) -> Result<Http<Given>, Problem> {
    let edit = edit(members, check)?;
    if !edit.plain.contains_key(BASE_URL) {
        check.refuse("/base_url", REQUIRED);
    }
    edit.into_new(check)
}

pub(super) fn edit(members: Value, check: &mut Check) -> Result<Edit, Problem> {
    let Value::Object(mut members) = members else { return Err(Problem::invalid_at("", "is no object")) };
    let own = taken(&mut members, &["password", "tls"]);
    let known = Settings::new("").shown();
    if let Some(name) = members.keys().find(|name| !known.contains_key(*name)) {
        return Err(unknown(name, known.keys().map(String::as_str).chain(["password"])));
    }
    let Own { password, tls } = typed(Value::Object(own))?;
    let edit = Edit {
        plain: members,
        password: hidden(password, check, "/password", http::credential),
        tls: tls::checked(tls, check),
    };
    // Whatever it will be put upon: its own members are right or wrong.
    let settings = edit.settings(&Settings::new("http://localhost"));
    if let Err(refused) = settings {
        fields(&refused).into_iter().for_each(|error| check.refuse(error.path, error.message));
    }
    Ok(edit)
}

impl Edit {
    pub(super) fn has(&self, name: &str) -> bool {
        self.plain.contains_key(name)
    }

    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.plain.insert(name.to_owned(), value);
    }

    pub(super) fn is_null(&self, name: &str) -> bool {
        self.plain.get(name).is_some_and(Value::is_null)
    }

    pub(super) fn refuse_bare_key(&self, check: &mut Check) {
        tls::refuse_bare_key(self.tls.as_ref(), check);
    }

    fn into_new(self, check: &mut Check) -> Result<Http<Given>, Problem> {
        self.refuse_bare_key(check);
        let bare = Http { settings: Settings::new(""), credential: None, client_key: None };
        if check.has("") { Ok(bare) } else { self.apply(bare, |_, errors| Problem::invalid(errors)) }
    }

    pub(super) fn apply(&self, before: Http<Given>, refuse: Refuse) -> Result<Http<Given>, Problem> {
        let settings =
            self.settings(&before.settings).map_err(|refused| Problem::invalid(fields(&refused)))?;
        let credential = self.credential(&before.settings.auth, &settings.auth, refuse)?;
        let http::Tls { ca, server_name, client_certificate } = before.settings.tls;
        let identity = client_certificate.map(|certificate| Identity { certificate, key: None });
        let present = Tls { ca, server_name, identity };
        let Tls { ca, server_name, identity } = match &self.tls {
            None => present,
            Some(None) => Tls::default(),
            Some(Some(edit)) => edit.apply(present)?,
        };
        let (client_certificate, client_key) = match identity {
            Some(Identity { certificate, key }) => (Some(certificate), Some(key)),
            None => (None, None),
        };
        let tls = http::Tls { ca, server_name, client_certificate };
        Ok(Http { settings: Settings { tls, ..settings }, credential, client_key })
    }

    /// Objects are changed member by member, but those that have a kind.
    fn settings(&self, before: &Settings) -> Result<Settings, Refused> {
        let default = json!(Settings::new(&before.base_url));
        let mut settings = json!(before);
        for (name, given) in &self.plain {
            if let Some(place) = settings.get_mut(name) {
                let default = default.get(name).unwrap_or(&Value::Null);
                *place = merged(name, place, given, default);
            }
        }
        Settings::read(settings)
    }

    fn credential(&self, before: &Auth, after: &Auth, refuse: Refuse) -> Result<Option<Given>, Problem> {
        let refused = |code, message: String| {
            Err(refuse(code, vec![FieldError { path: "/password".to_owned(), message }]))
        };
        match (&self.password, after.asks()) {
            (None, false) => Ok(None),
            (Some(_), false) => refused("unfit-password", "does not go with auth of kind none".to_owned()),
            (Some(given), true) => match after.fits(given.reveal()) {
                Ok(()) => Ok(Some(Some(given.clone()))),
                Err(error) => refused("unfit-password", error),
            },
            (None, true) if discriminant(before) == discriminant(after) => Ok(Some(None)),
            (None, true) => refused("no-password", "is required with this kind of auth".to_owned()),
        }
    }
}

fn merged(name: &str, before: &Value, given: &Value, default: &Value) -> Value {
    if given.is_null() {
        return if name == NULLABLE { Value::Null } else { default.clone() };
    }
    let before = if before.is_null() { default } else { before };
    match (before, given) {
        (Value::Object(before), Value::Object(given)) if !before.contains_key("kind") => {
            let mut merged = before.clone();
            for (inner, value) in given {
                let reset = || default.get(inner).cloned().unwrap_or_default();
                merged.insert(inner.clone(), if value.is_null() { reset() } else { value.clone() });
            }
            Value::Object(merged)
        }
        _ => given.clone(),
    }
}

pub(super) fn fields(refused: &Refused) -> Vec<FieldError> {
    let field = |invalid: &busbar_model::connection::Invalid| FieldError {
        path: invalid.pointer(),
        message: invalid.text(),
    };
    refused.0.iter().map(field).collect()
}
