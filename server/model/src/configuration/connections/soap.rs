//! Connections of kind soap in a document, their WSDL as texts.

use serde_json::{Value, json};

use super::{http, refuse};
use crate::{
    configuration::{
        hidden::Hidden,
        members::{Members, flag, parsed, shown, shown_free, text, typed},
    },
    connection::{
        Soap, amqp,
        soap::{Documents, UsernameToken, part_name},
    },
};

/// While settings are read that leave it to the WSDL.
const SOME_URL: &str = "http://localhost";

pub(super) fn read(members: &mut Members<'_, '_>) -> Option<Soap<Option<Hidden>>> {
    let base_url = members.optional("base_url", text);
    let is_given = !matches!(base_url, Some(None));
    let http = http::read_with(members, base_url.map(|given| given.unwrap_or_else(|| SOME_URL.to_owned())));
    let wsdl = members.required("wsdl", typed::<Documents>);
    let service = members.optional("service", parsed(part_name));
    let port = members.optional("port", parsed(part_name));
    let username_token = members.optional("username_token", typed::<UsernameToken>);
    let token_password = members.optional("token_password", Hidden::read(amqp::password));
    let mtom = members.or("mtom", false, flag);
    let (wsdl, username_token) = (wsdl?, username_token?);
    let token = username_token.as_ref().map_or(Ok(()), UsernameToken::check);
    if let Err(refused) = wsdl.check().and(token) {
        refuse(members, refused);
        return None;
    }
    let token_password = match (&username_token, token_password?) {
        (Some(_), given) => Some(given),
        (None, None) => None,
        (None, Some(_)) => {
            members.refuse("token_password", "does not go without a username_token");
            return None;
        }
    };
    let mut http = http?;
    if !is_given {
        http.settings.base_url.clear();
    }
    Some(Soap {
        service: service?,
        port: port?,
        username_token,
        token_password,
        mtom: mtom?,
        ..Soap::new(http, wsdl)
    })
}

pub(super) fn write(soap: &Soap<Option<Hidden>>) -> Vec<(&'static str, Option<Value>)> {
    let token_password = soap.token_password.iter().flatten().map(Hidden::write).next();
    let own = [
        ("service", soap.service.as_deref().map(shown)),
        ("port", soap.port.as_deref().map(shown)),
        ("username_token", soap.username_token.as_ref().map(|token| shown_free(&json!(token)))),
        ("token_password", token_password),
        ("mtom", soap.mtom.then_some(json!(true))),
        ("wsdl", Some(shown_free(&json!(soap.wsdl)))),
    ];
    http::write(&soap.http).into_iter().chain(own).collect()
}
