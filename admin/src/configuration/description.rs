//! What a document may be, for the API's description: exactly what is accepted, as far as that does not depend
//! on what there is already.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema as _,
    openapi::{RefOr, Schema},
};

use busbar_model::configuration;

use crate::{cors, describe, limits};

pub(super) fn document() -> RefOr<Schema> {
    let mut document = configuration::schema();
    let Some(sections) = document.get_mut("properties").and_then(Value::as_object_mut) else {
        return RefOr::default();
    };
    for (name, section) in sections.iter_mut().filter(|(_, section)| section["type"] == "object") {
        // Nothing is a section without entries.
        section["type"] = json!(["object", "null"]);
        section["propertyNames"] = value(describe::name());
        let entry = &mut section["additionalProperties"];
        match name.as_str() {
            "channels" => channel(entry),
            "plugins" => plugin(entry),
            "services" => service(entry),
            "security" => *entry = security(entry["description"].take()),
            _ => {}
        }
    }
    serde_json::from_value(document).unwrap_or_default()
}

fn value(schema: RefOr<Schema>) -> Value {
    json!(schema)
}

/// A patch's schema for where there is nothing to put back: without null.
fn given(schema: RefOr<Schema>) -> Value {
    without_null(value(schema))
}

fn without_null(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| match (name.as_str(), value) {
                ("type", Value::Array(types)) => {
                    let mut left: Vec<Value> = types.into_iter().filter(|one| one != "null").collect();
                    let types = if left.len() == 1 { left.remove(0) } else { Value::Array(left) };
                    (name, types)
                }
                ("enum", Value::Array(words)) => {
                    (name, words.into_iter().filter(|word| !word.is_null()).collect())
                }
                ("oneOf" | "anyOf", Value::Array(choices)) => {
                    let choices = choices.into_iter().filter(|choice| choice["type"] != "null");
                    (name, choices.map(without_null).collect())
                }
                (_, value) => (name, without_null(value)),
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}

/// Numbers and flags may also be texts, so that a variable can stand for them.
fn also_as_text(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("integer") => {
            let digits = schema["minimum"].as_u64().unwrap_or_default().to_string().len();
            // As many digits as are within every range.
            let text = format!("^[1-9][0-9]{{{digits}}}$");
            json!({"anyOf": [schema, {"type": "string", "pattern": text}]})
        }
        Some("boolean") => json!({"anyOf": [schema, {"type": "string", "enum": ["true", "false"]}]}),
        _ => schema.clone(),
    }
}

fn channel(entry: &mut Value) {
    let Some(members) = entry["properties"].as_object_mut() else { return };
    for name in ["active", "body_bytes_max", "timeout_ms"] {
        members[name] = also_as_text(&members[name]);
    }
    members["path"] = value(describe::channel_path());
    members["methods"] = given(describe::methods_or_null());
    members["service"] = value(describe::name());
    members["security"] = value(describe::name());
    members["cors"] = given(cors::New::schema());
}

fn plugin(entry: &mut Value) {
    entry["type"] = json!(["object", "null"]);
    let grants = describe::members([("invoke", describe::grants()), ("secrets", describe::grants())]);
    entry["properties"]["grants"] = value(grants.into());
}

fn service(entry: &mut Value) {
    entry["properties"]["plugin"] = value(describe::name());
    let mut limits = given(limits::Patch::schema());
    if let Some(members) = limits["properties"].as_object_mut() {
        members.values_mut().for_each(|limit| *limit = also_as_text(limit));
    }
    entry["properties"]["limits"] = limits;
}

/// Each kind has members of its own.
fn security(description: Value) -> Value {
    let digest = json!({"type": "string", "pattern": "^[0-9a-f]{64}$"});
    let key_id = json!({"type": "string", "pattern": "^[A-Za-z0-9]+$", "maxLength": 128});
    json!({
        "description": description,
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "enum": ["basic"]},
                    "username": value(describe::username()),
                    "password": {"type": "string", "minLength": 1, "maxLength": 1024,
                        "examples": ["${PASSWORD_PARTNER}"]},
                },
                "required": ["kind", "username"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "enum": ["api-key"]},
                    "key_id": key_id,
                    "key_sha256": digest,
                },
                "required": ["kind", "key_id", "key_sha256"],
                "additionalProperties": false,
            },
            // The key that there is stays.
            {
                "type": "object",
                "properties": {"kind": {"type": "string", "enum": ["api-key"]}},
                "required": ["kind"],
                "additionalProperties": false,
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{also_as_text, document, without_null};

    #[test]
    fn every_section_says_what_its_names_are() {
        let document = json!(document());
        for section in ["channels", "plugins", "services", "security"] {
            assert!(document["properties"][section]["propertyNames"]["pattern"].is_string(), "{document}");
        }
        assert_eq!(document["properties"]["busbar"]["enum"], json!([1]));
        assert!(document["properties"]["security"]["additionalProperties"]["oneOf"].is_array(), "{document}");
    }

    #[test]
    fn null_is_for_patches() {
        let patch = json!({"oneOf": [{"type": ["string", "null"], "enum": ["a", null]}, {"type": "null"}]});
        assert_eq!(without_null(patch), json!({"oneOf": [{"type": "string", "enum": ["a"]}]}));
    }

    #[test]
    fn a_number_as_text_is_within_the_range() {
        let schema = also_as_text(&json!({"type": "integer", "minimum": 65_536}));
        assert_eq!(schema["anyOf"][1]["pattern"], "^[1-9][0-9]{5}$");
    }
}
