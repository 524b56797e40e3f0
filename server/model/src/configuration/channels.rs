//! Channels in a document.

mod amqp;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, flag, parsed, shown, shown_free, texts, typed, whole},
};
use crate::{
    bounds,
    channel::{self, Draft, Protocol, Written},
    cors::{self, Cors},
    name::Name,
    path::PathPattern,
    soap::Soap,
};

impl Entry for Draft {
    const SECTION: &'static str = "channels";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let protocol = members.or("protocol", Protocol::Rest, parsed(|text| text.parse::<Protocol>()));
        let path = members.optional("path", parsed(|text| PathPattern::parse(&text)));
        let methods = members.or("methods", Vec::new(), |node| Ok(channel::methods(&texts(node)?)?));
        let service = members.required("service", parsed(|text| text.parse::<Name>()));
        let security = members.optional("security", parsed(|text| text.parse::<Name>()));
        let active = members.or("active", true, flag);
        let body = whole(0, bounds::BODY_BYTES_CEILING);
        let body_bytes_max = members.or("body_bytes_max", bounds::BODY_BYTES_DEFAULT, body);
        let timeout = whole(1, bounds::CALL_TIMEOUT_MS_CEILING);
        let timeout_ms = members.or("timeout_ms", bounds::CALL_TIMEOUT_MS_DEFAULT, timeout);
        let cors = members.optional("cors", |node| Ok(typed::<WrittenCors>(node)?.checked()?));
        let soap = members.optional("soap", typed::<Soap>);
        let amqp = members.nested("amqp", amqp::read);
        let service = service?;
        let written = Written {
            protocol: protocol?,
            path: path?,
            methods: methods?,
            security: security?,
            cors: cors?,
            soap: soap?,
            amqp: amqp?,
        };
        let address = written.fitted(&service).map_err(|misfits| {
            misfits.into_iter().for_each(|misfit| members.refuse_below(&misfit.member, misfit.message));
        });
        Some(Self {
            name,
            service,
            active: active?,
            body_bytes_max: body_bytes_max?,
            timeout_ms: timeout_ms?,
            address: address.ok()?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let Self { name: _, service, active, body_bytes_max, timeout_ms, address } = self;
        let default = Self::new(self.name.clone(), service.clone(), address.clone());
        let Written { protocol, path, methods, security, cors, soap, amqp } = address.clone().into();
        let other = |differs: bool, value: Value| differs.then_some(value);
        let members = [
            ("protocol", other(protocol != Protocol::Rest, json!(protocol))),
            ("path", path.map(|path| shown(path.as_str()))),
            ("methods", other(!methods.is_empty(), json!(methods))),
            ("service", Some(json!(service))),
            ("security", security.map(|security| json!(security))),
            ("active", other(*active != default.active, json!(active))),
            ("body_bytes_max", other(*body_bytes_max != default.body_bytes_max, json!(body_bytes_max))),
            ("timeout_ms", other(*timeout_ms != default.timeout_ms, json!(timeout_ms))),
            ("cors", cors.map(|cors| shown_free(&json!(cors)))),
            ("soap", soap.map(|soap| shown_free(&json!(soap)))),
            ("amqp", amqp.map(|amqp| Value::Object(amqp::write(&amqp)))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// `cors` as it stands in a document: what is left out has its default.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenCors {
    origins: Vec<String>,
    headers: Vec<String>,
    expose: Vec<String>,
    credentials: bool,
    max_age_s: u32,
}

impl Default for WrittenCors {
    fn default() -> Self {
        let Cors { origins, headers, expose, credentials, max_age_s } = Cors::default();
        Self { origins, headers, expose, credentials, max_age_s }
    }
}

impl WrittenCors {
    /// As the API would take it: names of headers and origins in the form that browsers use.
    fn checked(self) -> Result<Cors, String> {
        let wrong = |member: &str, (at, invalid): (usize, cors::Invalid)| format!("{member}[{at}] {invalid}");
        let cors = Cors {
            origins: cors::origins(&self.origins).map_err(|error| wrong("origins", error))?,
            headers: cors::headers(&self.headers).map_err(|error| wrong("headers", error))?,
            expose: cors::exposed(&self.expose).map_err(|error| wrong("expose", error))?,
            credentials: self.credentials,
            max_age_s: self.max_age_s,
        };
        cors.check().map_err(|conflict| format!("{} {conflict}", conflict.member()))?;
        Ok(cors)
    }
}
