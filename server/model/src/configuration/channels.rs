//! Channels in a document.

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, flag, parsed, shown, texts, whole},
};
use crate::{
    bounds,
    channel::{self, Draft, Protocol},
    name::Name,
    path::PathPattern,
};

impl Entry for Draft {
    const SECTION: &'static str = "channels";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let protocol = members.or("protocol", Protocol::Rest, parsed(|text| text.parse::<Protocol>()));
        let path = members.required("path", parsed(|text| PathPattern::parse(&text)));
        let methods = members.or("methods", Vec::new(), |node| Ok(channel::methods(&texts(node)?)?));
        let service = members.required("service", parsed(|text| text.parse::<Name>()));
        let security = members.optional("security", parsed(|text| text.parse::<Name>()));
        let active = members.or("active", true, flag);
        let body = whole(0, bounds::BODY_BYTES_CEILING);
        let body_bytes_max = members.or("body_bytes_max", bounds::BODY_BYTES_DEFAULT, body);
        let timeout = whole(1, bounds::CALL_TIMEOUT_MS_CEILING);
        let timeout_ms = members.or("timeout_ms", bounds::CALL_TIMEOUT_MS_DEFAULT, timeout);
        Some(Self {
            name,
            protocol: protocol?,
            path: path?,
            methods: methods?,
            service: service?,
            security: security?,
            active: active?,
            body_bytes_max: body_bytes_max?,
            timeout_ms: timeout_ms?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let Self { name: _, protocol, path, methods, service, security, active, body_bytes_max, timeout_ms } =
            self;
        let default = Self::new(self.name.clone(), path.clone(), service.clone());
        let other = |differs: bool, value: Value| differs.then_some(value);
        let members = [
            ("protocol", other(*protocol != default.protocol, json!(protocol))),
            ("path", Some(shown(path.as_str()))),
            ("methods", other(*methods != default.methods, json!(methods))),
            ("service", Some(json!(service))),
            ("security", other(*security != default.security, json!(security))),
            ("active", other(*active != default.active, json!(active))),
            ("body_bytes_max", other(*body_bytes_max != default.body_bytes_max, json!(body_bytes_max))),
            ("timeout_ms", other(*timeout_ms != default.timeout_ms, json!(timeout_ms))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "description": "A way in. What is left out has its default.",
            "properties": {
                "protocol": {"type": "string", "enum": ["rest"], "default": "rest"},
                "path": {"type": "string", "examples": ["/orders/{id}"]},
                "methods": {"type": "array", "items": {"type": "string"}, "description": "None is any."},
                "service": {"type": "string", "description": "Need not be deployed yet."},
                "security": {"type": "string", "description": "Name of a security definition; none is open to everyone."},
                "active": {"type": "boolean", "default": true},
                "body_bytes_max": {"type": "integer", "minimum": 0, "maximum": bounds::BODY_BYTES_CEILING,
                    "default": bounds::BODY_BYTES_DEFAULT},
                "timeout_ms": {"type": "integer", "minimum": 1, "maximum": bounds::CALL_TIMEOUT_MS_CEILING,
                    "default": bounds::CALL_TIMEOUT_MS_DEFAULT},
            },
            "required": ["path", "service"],
            "additionalProperties": false,
        })
    }
}
