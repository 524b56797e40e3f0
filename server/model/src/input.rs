//! How path, query and body become one typed input.
//!
//! For a service with an input schema: the JSON body first, then the query, then the path; the later
//! wins. Query and path texts are converted by the schema's types. Only members that the schema names
//! are taken from query and path, unless it says itself that others are welcome
//! (`additionalProperties` true or a schema).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{bounds::JSON_DEPTH_MAX, fault::FieldError};

/// What a text of the query or path is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Array(Box<Kind>),
    /// Objects and the like: the text is read as JSON.
    Json,
}

/// An input schema, prepared for merging.
#[derive(Clone, Debug)]
pub struct InputShape {
    members: BTreeMap<String, Kind>,
    open: bool,
    object: bool,
}

/// What one input was merged to.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub value: Value,
    /// Nothing was added to the body: it may be passed on as it came.
    pub is_body: bool,
}

impl InputShape {
    pub fn of(schema: &Value) -> Self {
        let root = resolve(schema, schema);
        let properties = root.get("properties").and_then(Value::as_object);
        let members = properties
            .into_iter()
            .flatten()
            .map(|(name, member)| (name.clone(), kind(member, schema, 0)))
            .collect::<BTreeMap<_, _>>();
        let open = matches!(root.get("additionalProperties"), Some(Value::Bool(true) | Value::Object(_)));
        let object = properties.is_some() || is_object(root.get("type"));
        Self { members, open, object }
    }

    fn kind(&self, name: &str) -> Option<&Kind> {
        self.members.get(name).or_else(|| self.open.then_some(&Kind::Text))
    }

    /// The input. `body` is the request's body, maybe empty.
    pub fn merge(
        &self,
        body: &[u8],
        query: &[(String, String)],
        params: &[(String, String)],
    ) -> Result<Merged, Vec<FieldError>> {
        let parsed = match body.trim_ascii() {
            [] => None,
            text => Some(serde_json::from_slice::<Value>(text).map_err(|error| {
                vec![FieldError {
                    path: String::new(),
                    message: format!("body is not valid JSON: {}", unreadable(&error)),
                }]
            })?),
        };
        let mut overlay = Map::new();
        let mut errors = Vec::new();
        for pairs in [query, params] {
            let mut seen = Map::new();
            for (name, text) in pairs {
                let Some(kind) = self.kind(name) else { continue };
                match convert(kind, text, seen.get_mut(name)) {
                    Ok(Some(value)) => drop(seen.insert(name.clone(), value)),
                    Ok(None) => {}
                    Err(message) => errors.push(FieldError { path: pointer(name), message }),
                }
            }
            overlay.extend(seen);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        match parsed {
            Some(value) if overlay.is_empty() => Ok(Merged { value, is_body: true }),
            Some(Value::Object(mut members)) => {
                members.extend(overlay);
                Ok(Merged { value: Value::Object(members), is_body: false })
            }
            Some(_) => {
                Err(vec![FieldError { path: String::new(), message: "body is not a JSON object".to_owned() }])
            }
            None if self.object || !overlay.is_empty() => {
                Ok(Merged { value: Value::Object(overlay), is_body: false })
            }
            None => Ok(Merged { value: Value::Null, is_body: false }),
        }
    }
}

/// Why a text could not be read as JSON.
pub fn unreadable(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("recursion limit exceeded") {
        Some(place) => {
            format!("objects and arrays stand deeper than {JSON_DEPTH_MAX} within each other{place}")
        }
        None => text,
    }
}

/// A member's name as a JSON Pointer (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The value of `text`; `None` if it was added to the array that `earlier` is.
fn convert(kind: &Kind, text: &str, earlier: Option<&mut Value>) -> Result<Option<Value>, String> {
    let unfit = |what: &str| format!("{text:?} is not {what}");
    match kind {
        Kind::Text => Ok(Some(Value::String(text.to_owned()))),
        Kind::Integer => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => Ok(Some(number.into())),
            (_, Ok(number)) => Ok(Some(number.into())),
            _ => Err(unfit("an integer")),
        },
        Kind::Number => serde_json::from_str::<serde_json::Number>(text)
            .map(|number| Some(Value::Number(number)))
            .map_err(|_| unfit("a number")),
        Kind::Boolean => match text {
            "true" => Ok(Some(true.into())),
            "false" => Ok(Some(false.into())),
            _ => Err(unfit("true or false")),
        },
        Kind::Array(item) => {
            let value = convert(item, text, None)?.unwrap_or(Value::Null);
            match earlier {
                Some(Value::Array(items)) => {
                    items.push(value);
                    Ok(None)
                }
                _ => Ok(Some(Value::Array(vec![value]))),
            }
        }
        Kind::Json => serde_json::from_str(text).map(Some).map_err(|_| unfit("JSON")),
    }
}

/// Follows `$ref` into the schema's own definitions.
fn resolve<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let mut at = schema;
    // A chain longer than this is a circle.
    for _ in 0..16 {
        match at.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
            Some(pointer) => match root.pointer(pointer) {
                Some(target) => at = target,
                None => return at,
            },
            None => return at,
        }
    }
    at
}

fn kind(schema: &Value, root: &Value, depth: usize) -> Kind {
    let schema = resolve(schema, root);
    if depth > 4 {
        return Kind::Json;
    }
    // Nullable members come as a list of types or as a choice with null.
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(options) = schema.get(choice).and_then(Value::as_array) {
            let mut kinds = options.iter().filter(|o| o.get("type").and_then(Value::as_str) != Some("null"));
            return match (kinds.next(), kinds.next()) {
                (Some(only), None) => kind(only, root, depth + 1),
                (Some(first), Some(_)) if options.iter().all(|o| is_text(resolve(o, root))) => {
                    kind(first, root, depth + 1)
                }
                _ => Kind::Json,
            };
        }
    }
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    match named {
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        Some("array") => {
            let item = schema.get("items").map_or(Kind::Text, |items| kind(items, root, depth + 1));
            Kind::Array(Box::new(item))
        }
        Some("object") => Kind::Json,
        _ => Kind::Text,
    }
}

/// Whether objects are among the types.
fn is_object(types: Option<&Value>) -> bool {
    match types {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}

fn is_text(schema: &Value) -> bool {
    schema.get("const").is_some_and(Value::is_string)
        || matches!(schema.get("type").and_then(Value::as_str), Some("string" | "null"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::InputShape;

    fn shape() -> InputShape {
        InputShape::of(&json!({
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "price": {"type": ["number", "null"]},
                "flag": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "integer"}},
                "name": {"anyOf": [{"$ref": "#/$defs/Name"}, {"type": "null"}]},
                "extra": {"type": "object"},
            },
            "$defs": {"Name": {"type": "string"}},
        }))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn merged(body: &str, query: &[(&str, &str)], params: &[(&str, &str)]) -> Value {
        shape().merge(body.as_bytes(), &pairs(query), &pairs(params)).unwrap().value
    }

    #[test]
    fn the_later_of_body_query_and_path_wins() {
        let input = merged(
            r#"{"id":1,"name":"body","flag":true}"#,
            &[("id", "2"), ("name", "query")],
            &[("id", "3")],
        );
        assert_eq!(input, json!({"id": 3, "name": "query", "flag": true}));
    }

    #[test]
    fn texts_take_the_type_of_the_schema() {
        let query = [
            ("id", "-7"),
            ("price", "1.5"),
            ("flag", "false"),
            ("tags", "1"),
            ("tags", "2"),
            ("name", "12"),
            ("extra", "{}"),
        ];
        let expected =
            json!({"id": -7, "price": 1.5, "flag": false, "tags": [1, 2], "name": "12", "extra": {}});
        assert_eq!(merged("", &query, &[]), expected);
        assert_eq!(merged("", &[("id", "18446744073709551615")], &[]), json!({"id": u64::MAX}));
    }

    #[test]
    fn what_the_schema_does_not_name_is_not_taken_from_the_query() {
        assert_eq!(merged("", &[("utm_source", "x")], &[]), json!({}));
        let open = InputShape::of(&json!({"type": "object", "additionalProperties": true}));
        assert_eq!(open.merge(b"", &pairs(&[("a", "1")]), &[]).unwrap().value, json!({"a": "1"}));
    }

    #[test]
    fn what_does_not_convert_is_named_by_its_path() {
        let errors = shape()
            .merge(b"", &pairs(&[("flag", "yes"), ("tags", "x")]), &pairs(&[("id", "1.0")]))
            .unwrap_err();
        let paths: Vec<_> = errors.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["/flag", "/tags", "/id"]);
        assert_eq!(errors[2].message, r#""1.0" is not an integer"#);
    }

    #[test]
    fn a_body_that_is_no_json_is_refused() {
        assert!(shape().merge(b"{", &[], &[]).unwrap_err()[0].message.starts_with("body is not valid JSON"));
        assert!(shape().merge(b"[1]", &pairs(&[("id", "1")]), &[]).is_err());
        assert!(shape().merge(&[b'['; 10_000], &[], &[]).is_err());
    }

    #[test]
    fn a_body_alone_is_passed_on_as_it_came() {
        assert!(shape().merge(b" {\"id\": 1.0} ", &[], &[]).unwrap().is_body);
        assert!(shape().merge(b"[1]", &pairs(&[("unknown", "1")]), &[]).unwrap().is_body);
        assert!(!shape().merge(b"{}", &pairs(&[("id", "1")]), &[]).unwrap().is_body);
    }

    #[test]
    fn nothing_at_all_is_an_empty_object_where_one_is_taken() {
        let merged = |types| InputShape::of(&json!({"type": types})).merge(b" ", &[], &[]).unwrap().value;
        assert_eq!(merged(json!("object")), json!({}));
        assert_eq!(merged(json!(["object", "null"])), json!({}));
        assert_eq!(merged(json!("integer")), json!(null));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let circle = json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}});
        InputShape::of(&circle);
        let nested = json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}});
        InputShape::of(&nested);
    }
}
