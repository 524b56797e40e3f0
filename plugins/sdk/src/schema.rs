//! JSON Schemas (draft 2020-12) of inputs and outputs, as text.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// Describes what is accepted: a field with a default is not required.
pub(crate) fn of_input<T: JsonSchema>() -> String {
    text(SchemaSettings::draft2020_12().for_deserialize(), |generator| generator.into_root_schema_for::<T>())
}

/// Describes what is sent.
pub(crate) fn of_output<T: JsonSchema>() -> String {
    text(SchemaSettings::draft2020_12().for_serialize(), |generator| generator.into_root_schema_for::<T>())
}

/// The schema of a service that asks for nothing: an empty request, or `()` from another service, will do.
pub(crate) fn of_nothing() -> String {
    r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":["object","null"]}"#.to_owned()
}

fn text(
    settings: SchemaSettings,
    generate: impl FnOnce(schemars::SchemaGenerator) -> schemars::Schema,
) -> String {
    generate(settings.into_generator()).as_value().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An order.
    #[derive(serde::Deserialize, serde::Serialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Order {
        /// Who ordered.
        zeta: String,
        alpha: Option<u32>,
        #[serde(default)]
        lines: Vec<Line>,
    }

    #[derive(serde::Deserialize, serde::Serialize, JsonSchema)]
    struct Line {
        quantity: i32,
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_input_requires_what_has_no_default() {
        let schema = parsed(&of_input::<Order>());
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["description"], "An order.");
        assert_eq!(schema["required"], json!(["zeta"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["zeta"], json!({"description": "Who ordered.", "type": "string"}));
        assert_eq!(schema["properties"]["alpha"]["type"], json!(["integer", "null"]));
        assert_eq!(schema["$defs"]["Line"]["required"], json!(["quantity"]));
    }

    #[test]
    fn an_output_promises_what_is_always_there() {
        assert_eq!(parsed(&of_output::<Order>())["required"], json!(["zeta", "alpha", "lines"]));
    }

    #[test]
    fn the_order_of_declaration_is_kept() {
        let text = of_input::<Order>();
        let at = |name: &str| text.find(&format!("{name:?}:")).unwrap();
        assert!(at("zeta") < at("alpha") && at("alpha") < at("lines"), "{text}");
    }
}
