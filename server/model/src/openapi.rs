//! OpenAPI 3.1 of the active REST channels.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    channel::{Channel, Rest},
    definitions::Definitions,
    name::Name,
    path::{PathPattern, Segment},
    security::Credential,
    service::ServiceDescription,
};

/// Methods listed for a channel that takes any.
const ANY: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The document for `/_busbar/openapi.json`.
pub fn document(definitions: &Definitions) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for (channel, rest) in of_rest(definitions).filter(|(channel, _)| channel.active) {
        let service = described(definitions, channel);
        let item = paths.entry(template(&rest.path)).or_insert_with(|| json!({}));
        let methods: Vec<&str> = match rest.methods.is_empty() {
            true => ANY.to_vec(),
            false => rest.methods.iter().map(String::as_str).collect(),
        };
        for method in methods {
            // OpenAPI has no place for methods of one's own invention.
            if ANY.contains(&method) && item.get(method.to_ascii_lowercase()).is_none() {
                item[method.to_ascii_lowercase()] =
                    operation(definitions, (channel, rest), method, service, &mut schemas);
            }
        }
    }
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Busbar channels", "version": definitions.version.to_string()},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security_schemes(definitions)},
    })
}

fn of_rest(definitions: &Definitions) -> impl Iterator<Item = (&Channel, &Rest)> {
    definitions.channels.iter().filter_map(|channel| Some((channel, channel.address.rest()?)))
}

fn described<'d>(definitions: &'d Definitions, channel: &Channel) -> Option<&'d ServiceDescription> {
    definitions
        .plugins
        .iter()
        .filter_map(|plugin| plugin.active.as_ref())
        .flat_map(|active| &active.description.services)
        .find(|service| service.name == channel.service)
}

/// The pattern in OpenAPI's writing, which knows no tails.
fn template(path: &PathPattern) -> String {
    path.segments().iter().fold(String::new(), |path, segment| match segment {
        Segment::Literal(text) => path + "/" + text,
        Segment::Parameter(name) | Segment::Tail(name) => path + "/{" + name + "}",
    })
}

fn operation(
    definitions: &Definitions,
    (channel, rest): (&Channel, &Rest),
    method: &str,
    service: Option<&ServiceDescription>,
    schemas: &mut Map<String, Value>,
) -> Value {
    let in_path: BTreeSet<&str> = rest.path.parameters().collect();
    let input = service.and_then(|s| Some(hoist(s.input_schema.as_ref()?, &s.name, "input", schemas)));
    let output = service.and_then(|s| Some(hoist(s.output_schema.as_ref()?, &s.name, "output", schemas)));
    let input = input.map(|schema| outermost(schema, schemas));
    let properties = input.as_ref().and_then(|i| i.get("properties")).and_then(Value::as_object);
    let member = |name: &str| {
        properties.and_then(|p| p.get(name)).cloned().unwrap_or_else(|| json!({"type": "string"}))
    };
    let mut parameters: Vec<Value> = in_path
        .iter()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": member(name)}))
        .collect();
    let mut operation = json!({
        "operationId": format!("{}.{}", channel.name, method.to_ascii_lowercase()),
        "tags": [channel.service],
        "responses": {
            "200": {"description": "The service's reply", "content": output.map(|schema| json!({"application/json": {"schema": schema}})).unwrap_or_else(|| json!({}))},
            "default": {"description": "A problem (RFC 9457)", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
        },
    });
    if input.is_some() {
        let content = operation["responses"]["default"]["content"].clone();
        operation["responses"]["400"] =
            json!({"description": "The input does not match its schema", "content": content});
    }
    if let Some(summary) = service.and_then(|s| s.summary.as_ref()) {
        operation["summary"] = json!(summary);
    }
    let takes_body = matches!(method, "POST" | "PUT" | "PATCH");
    match &input {
        Some(schema) if takes_body => {
            operation["requestBody"] =
                json!({"content": {"application/json": {"schema": without_required(schema, &in_path)}}});
        }
        Some(schema) => {
            let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            for (name, member) in
                properties.into_iter().flatten().filter(|(name, _)| !in_path.contains(name.as_str()))
            {
                parameters.push(json!({"name": name, "in": "query", "required": required.contains(&json!(name)), "schema": member}));
            }
        }
        None if takes_body => operation["requestBody"] = json!({"content": {"*/*": {}}}),
        None => {}
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(name) =
        rest.security.as_ref().filter(|n| definitions.securities.iter().any(|s| s.name == **n))
    {
        operation["security"] = json!([{name.as_str(): []}]);
    }
    operation
}

/// A schema that is only a reference, as those of recursive types are, with what it refers to.
fn outermost(schema: Value, schemas: &Map<String, Value>) -> Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let name = reference.and_then(|reference| reference.strip_prefix("#/components/schemas/"));
    match name.and_then(|name| schemas.get(name)) {
        Some(target) if schema.get("properties").is_none() => target.clone(),
        _ => schema,
    }
}

/// What the path gives need not stand in the body.
fn without_required(schema: &Value, in_path: &BTreeSet<&str>) -> Value {
    let mut schema = schema.clone();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| in_path.contains(name)));
    }
    schema
}

/// Moves a schema's `$defs` to the document's components, where its references can find them.
fn hoist(schema: &Value, service: &crate::Name, side: &str, schemas: &mut Map<String, Value>) -> Value {
    let prefix = format!("{service}.{side}.");
    let mut schema = schema.clone();
    let definitions = schema.as_object_mut().and_then(|members| {
        members.remove("$schema");
        members.remove("$defs")
    });
    for (name, mut definition) in
        definitions.as_ref().and_then(Value::as_object).cloned().into_iter().flatten()
    {
        redirect(&mut definition, &prefix);
        schemas.insert(format!("{prefix}{name}"), definition);
    }
    redirect(&mut schema, &prefix);
    if refers_to(&schema, &whole(&prefix)) || schemas.values().any(|part| refers_to(part, &whole(&prefix))) {
        schemas.insert(prefix.trim_end_matches('.').to_owned(), schema.clone());
    }
    schema
}

/// Where a schema stands that refers to itself as a whole.
fn whole(prefix: &str) -> String {
    format!("#/components/schemas/{}", prefix.trim_end_matches('.'))
}

fn refers_to(schema: &Value, target: &str) -> bool {
    match schema {
        Value::Object(members) => members
            .iter()
            .any(|(keyword, member)| (keyword == "$ref" && member == target) || refers_to(member, target)),
        Value::Array(items) => items.iter().any(|item| refers_to(item, target)),
        _ => false,
    }
}

fn redirect(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                if let Some(name) = target.strip_prefix("#/$defs/") {
                    *target = format!("#/components/schemas/{prefix}{name}");
                } else if target == "#" {
                    *target = whole(prefix);
                }
            }
            members.values_mut().for_each(|member| redirect(member, prefix));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, prefix)),
        _ => {}
    }
}

fn security_schemes(definitions: &Definitions) -> Value {
    let scheme = |credential: &Credential| match credential {
        Credential::Basic { .. } => Some(json!({"type": "http", "scheme": "basic"})),
        Credential::ApiKey { .. } => Some(json!({"type": "apiKey", "in": "header", "name": "X-API-Key"})),
        Credential::ClientCertificate(_) => Some(json!({"type": "mutualTLS"})),
        // Of SOAP channels only.
        Credential::WsSecurity { .. } => None,
    };
    let guards = of_rest(definitions).filter_map(|(_, rest)| rest.security.as_ref());
    let used: BTreeSet<&str> = guards.map(Name::as_str).collect();
    let schemes = definitions.securities.iter().filter(|s| used.contains(s.name.as_str()));
    Value::Object(schemes.filter_map(|s| Some((s.name.to_string(), scheme(&s.credential)?))).collect())
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "correlation_id", "errors"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "correlation_id": {"type": "string"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            }},
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::document;
    use crate::{
        channel::{Address, Draft, Rest},
        definitions::Definitions,
        digest::Digest,
        name::Name,
        path::PathPattern,
        plugin::{ActiveVersion, Description, Kind, Plugin},
        security::{Certificates, Credential, Security},
        service::ServiceDescription,
        time::Timestamp,
    };

    /// One channel, `GET,POST /things/{id}`, to a service with this input.
    fn of_input(schema: Option<Value>) -> Value {
        let service = ServiceDescription {
            name: "s".parse().unwrap(),
            summary: None,
            input_schema: schema,
            output_schema: None,
            channels: Vec::new(),
            calls_per_instance: None,
        };
        let description = Description {
            kind: Kind::Bus,
            name: "p".parse().unwrap(),
            version: String::new(),
            services: vec![service],
            invokes: Vec::new(),
            secrets: Vec::new(),
            imports: Vec::new(),
        };
        let active = ActiveVersion {
            deployment: "d".to_owned(),
            digest: Digest::of(b"p"),
            description,
            quarantine: None,
        };
        let plugin = Plugin {
            id: "p".to_owned(),
            name: "p".parse().unwrap(),
            active: Some(active),
            grants: None,
            config: json!({}),
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let path = PathPattern::parse("/things/{id}").unwrap();
        let rest = Rest { methods: vec!["GET".to_owned(), "POST".to_owned()], ..Rest::new(path) };
        let draft = Draft::new("c".parse().unwrap(), "s".parse().unwrap(), Address::Rest(rest));
        let channel = draft.into_channel("c".to_owned(), 1, Timestamp(0), Timestamp(0));
        document(&Definitions { plugins: vec![plugin], channels: vec![channel], ..Definitions::default() })
    }

    #[test]
    fn what_is_required_and_refused_is_documented() {
        let schema = json!({"type": "object", "required": ["id", "size"], "properties":
            {"id": {"type": "integer"}, "size": {"type": "string"}, "note": {"type": "string"}}});
        let document = of_input(Some(schema));
        let things = &document["paths"]["/things/{id}"];
        let body = &things["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["size"]), "the path gives the id");
        let parameters = things["get"]["parameters"].as_array().unwrap();
        let required: Vec<_> =
            parameters.iter().map(|p| (p["name"].clone(), p["required"].clone())).collect();
        assert_eq!(
            required,
            [(json!("id"), json!(true)), (json!("size"), json!(true)), (json!("note"), json!(false))]
        );
        for method in ["get", "post"] {
            let refused = &things[method]["responses"]["400"]["content"]["application/problem+json"];
            assert_eq!(refused["schema"]["$ref"], "#/components/schemas/Problem");
        }
        let raw = of_input(None);
        assert_eq!(raw["paths"]["/things/{id}"]["post"]["responses"]["400"], json!(null));
    }

    #[test]
    fn each_kind_of_caller_has_its_scheme() {
        let guarded = |at: usize, credential| {
            let name: Name = format!("g{at}").parse().unwrap();
            let path = PathPattern::parse(&format!("/{name}")).unwrap();
            let address = Address::Rest(Rest { security: Some(name.clone()), ..Rest::new(path) });
            let draft = Draft::new(name.clone(), "s".parse().unwrap(), address);
            let (id, created_at, updated_at) = (name.to_string(), Timestamp(0), Timestamp(0));
            let channel = draft.into_channel(id.clone(), 1, created_at, updated_at);
            (channel, Security { id, name, credential, revision: 1, created_at, updated_at })
        };
        let text = String::new;
        let credentials = [
            Credential::Basic { username: text(), password_hash: text() },
            Credential::ApiKey { key_id: text(), key_sha256: text() },
            Credential::ClientCertificate(Certificates::default()),
        ];
        let (channels, securities) =
            credentials.into_iter().enumerate().map(|(at, credential)| guarded(at, credential)).unzip();
        let document = document(&Definitions { channels, securities, ..Definitions::default() });
        let schemes = &document["components"]["securitySchemes"];
        assert_eq!(schemes["g0"], json!({"type": "http", "scheme": "basic"}));
        assert_eq!(schemes["g1"]["type"], "apiKey");
        assert_eq!(schemes["g2"], json!({"type": "mutualTLS"}));
        assert_eq!(document["paths"]["/g2"]["get"]["security"], json!([{"g2": []}]));
    }

    #[test]
    fn references_lead_to_components() {
        let node = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "id": {"type": "integer"}}});
        let document = of_input(Some(json!({"$ref": "#/$defs/Node", "$defs": {"Node": node}})));
        let parameters = &document["paths"]["/things/{id}"]["get"]["parameters"];
        assert_eq!(parameters[0]["schema"], json!({"type": "integer"}));
        assert_eq!(parameters[1]["name"], "next");
        let itself = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        let document = of_input(Some(itself));
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["s.input"]["properties"]["next"]["$ref"], "#/components/schemas/s.input");
    }
}
