//! What is given of a connection of kind soap.

use busbar_model::{
    connection::{
        Refused, Soap, amqp,
        http::Settings,
        soap::{Document, Documents, PasswordType, UsernameToken, part_name, wsdl_url},
    },
    fault::FieldError,
};
use busbar_store::Plaintext;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Given, Refuse, hidden, http, taken};
use crate::{
    body::typed,
    check::{Check, REQUIRED},
    member::{Hidden, Member, Object},
    problem::Problem,
};

pub(super) const WSDL: &str = "wsdl";
const BASE_URL: &str = "base_url";
/// While settings are read that leave it to the WSDL.
const SOME_URL: &str = "http://localhost";

/// What it has beside the members of kind http.
#[derive(Deserialize)]
struct Own {
    #[serde(default)]
    wsdl: Member<Object<WsdlBody>>,
    #[serde(default)]
    service: Member<String>,
    #[serde(default)]
    port: Member<String>,
    #[serde(default)]
    username_token: Member<Object<TokenBody>>,
    #[serde(default)]
    token_password: Member<Hidden>,
    #[serde(default)]
    mtom: Member<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WsdlBody {
    documents: Vec<Object<DocumentBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentBody {
    location: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    username: String,
    #[serde(default)]
    password_type: PasswordType,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByUrl {
    url: String,
}

/// A change: `None` leaves a member as it is.
pub(super) struct Edit {
    http: http::Edit,
    /// The address is the one that the WSDL has.
    by_wsdl: bool,
    wsdl: Option<Documents>,
    service: Option<Option<String>>,
    port: Option<Option<String>>,
    username_token: Option<Option<UsernameToken>>,
    token_password: Option<Plaintext>,
    mtom: Option<bool>,
}

/// The URL that a WSDL is to be fetched from, if it is given by one.
pub(super) fn url(members: &Map<String, Value>) -> Result<Option<String>, Problem> {
    let Some(given) = members.get(WSDL).filter(|given| given.get("url").is_some()) else { return Ok(None) };
    let place = |problem: Problem| problem.below("/wsdl");
    let ByUrl { url } = typed(given.clone()).map_err(place)?;
    match wsdl_url(&url) {
        Ok(()) => Ok(Some(url)),
        Err(error) => Err(Problem::invalid_at("/wsdl/url", error)),
    }
}

pub(super) fn new(members: Value, check: &mut Check) -> Result<Soap<Given>, Problem> {
    let mut edit = edit(members, check)?;
    if !edit.http.has(BASE_URL) {
        edit.http.put(BASE_URL, SOME_URL.into());
        edit.by_wsdl = true;
    }
    if edit.wsdl.is_none() {
        check.refuse("/wsdl", REQUIRED);
    }
    let nothing = Documents { documents: Vec::new() };
    let bare = busbar_model::connection::Http {
        settings: Settings::new(SOME_URL),
        credential: None,
        client_key: None,
    };
    let bare = Soap::new(bare, nothing);
    edit.http.refuse_bare_key(check);
    if check.has("") { Ok(bare) } else { edit.apply(bare, |_, errors| Problem::invalid(errors)) }
}

pub(super) fn edit(members: Value, check: &mut Check) -> Result<Edit, Problem> {
    let Value::Object(mut members) = members else { return Err(Problem::invalid_at("", "is no object")) };
    let names = [WSDL, "service", "port", "username_token", "token_password", "mtom"];
    let own: Own = typed(Value::Object(taken(&mut members, &names)))?;
    let mut http = http::edit(Value::Object(members), check)?;
    let by_wsdl = http.is_null(BASE_URL);
    if by_wsdl {
        http.put(BASE_URL, SOME_URL.into());
    }
    let some = |text: String| part_name(text).map(Some);
    let token = |Object(token): Object<TokenBody>| {
        let token = UsernameToken { username: token.username, password_type: token.password_type };
        Ok::<_, Refused>(Some(token))
    };
    let documents = |Object(given): Object<WsdlBody>| {
        let document =
            |Object(given): Object<DocumentBody>| Document { location: given.location, text: given.text };
        Ok::<_, Refused>(Documents { documents: given.documents.into_iter().map(document).collect() })
    };
    let edit = Edit {
        http,
        by_wsdl,
        wsdl: own.wsdl.checked(check, "/wsdl", None, documents),
        service: own.service.checked(check, "/service", Some(None), some),
        port: own.port.checked(check, "/port", Some(None), some),
        username_token: own.username_token.checked(check, "/username_token", Some(None), token),
        token_password: hidden(own.token_password, check, "/token_password", amqp::password),
        mtom: own.mtom.checked(check, "/mtom", Some(false), Ok::<_, Refused>),
    };
    let wsdl = edit.wsdl.as_ref().map_or(Ok(()), Documents::check);
    let token = edit.username_token.iter().flatten().next().map_or(Ok(()), UsernameToken::check);
    for refused in [wsdl, token].into_iter().filter_map(Result::err) {
        for invalid in refused.0 {
            check.refuse(invalid.pointer(), invalid.text());
        }
    }
    // Which locations there are is a matter of the WSDL, as all else in it.
    if let Some(Err(refused)) = edit.wsdl.as_ref().map(Documents::check_locations) {
        return Err(Problem::conflict("unusable-wsdl", http::fields(&refused)));
    }
    Ok(edit)
}

impl Edit {
    pub(super) fn apply(&self, before: Soap<Given>, refuse: Refuse) -> Result<Soap<Given>, Problem> {
        let had_token = before.username_token.is_some();
        let mut http = self.http.apply(before.http, refuse)?;
        if self.by_wsdl {
            http.settings.base_url.clear();
        }
        let username_token = self.username_token.clone().unwrap_or(before.username_token);
        let refused = |code, message: &str| {
            let error = FieldError { path: "/token_password".to_owned(), message: message.to_owned() };
            Err(refuse(code, vec![error]))
        };
        let token_password = match (&username_token, &self.token_password) {
            (None, None) => None,
            (None, Some(_)) => return refused("no-username-token", "does not go without a username_token"),
            (Some(_), None) if !had_token => {
                return refused("no-password", "is required with a username_token");
            }
            (Some(_), given) => Some(given.clone()),
        };
        Ok(Soap {
            http,
            wsdl: self.wsdl.clone().unwrap_or(before.wsdl),
            service: self.service.clone().unwrap_or(before.service),
            port: self.port.clone().unwrap_or(before.port),
            username_token,
            token_password,
            mtom: self.mtom.unwrap_or(before.mtom),
            version: before.version,
        })
    }
}
