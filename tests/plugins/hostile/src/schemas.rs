//! Schemas that nobody should have to read.

use busbar_sdk::expansion::service::ServiceDescription;

use crate::service;

/// `None`: this is nothing about schemas.
pub(crate) fn services(mode: &str) -> Option<Vec<ServiceDescription>> {
    let one = |schema: String| vec![service("hostile.run".to_owned(), Some(schema))];
    Some(match mode {
        // Larger than a schema may be.
        "schema" => one(format!(r#"{{"description": "{}"}}"#, "x".repeat(300 * 1024))),
        // Each as large as it may be, and too much together.
        "schemas" => {
            let schema = format!(r#"{{"description": "{}"}}"#, "x".repeat(200 * 1024));
            (0..256).map(|n| service(format!("hostile.s{n}"), Some(schema.clone()))).collect()
        }
        "nojson" => one("{".to_owned()),
        "noobject" => one("[1]".to_owned()),
        "deep" => one(format!("{}{}", r#"{"not":"#.repeat(20_000), "}".repeat(20_000))),
        // Needs a machine of more than a million states.
        "regex" => one(r#"{"type": "string", "pattern": "^((a{1,200}){1,200}){1,200}$"}"#.to_owned()),
        // Harmless where matching takes linear time.
        "backtrack" => one(r#"{"type": "string", "pattern": "^(a+)+$"}"#.to_owned()),
        "look" => one(r#"{"type": "string", "pattern": "^(?=a)\\1$"}"#.to_owned()),
        // As many patterns as one schema may have, each of a size that is allowed, in every schema.
        "patterns" => {
            let pattern = |n: usize| format!(r#"{{"pattern": "^[\\p{{L}}]{{1,{}}}$"}}"#, 3 + n % 7);
            let patterns = (0..190).map(pattern).collect::<Vec<_>>().join(",");
            let schema = format!(r#"{{"anyOf": [{patterns}]}}"#);
            (0..256).map(|n| service(format!("hostile.s{n}"), Some(schema.clone()))).collect()
        }
        // Each level looks at the value twice as often as the one below.
        "choices" => {
            let level = |n: u32| {
                format!(
                    r##""d{n}": {{"anyOf": [{{"$ref": "#/$defs/d{m}"}}, {{"$ref": "#/$defs/d{m}"}}]}}"##,
                    m = n + 1
                )
            };
            let levels = (0..60).map(level).collect::<Vec<_>>().join(",");
            one(format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{levels}, "d60": {{}}}}}}"##))
        }
        "remote" => one(r#"{"$ref": "http://example.org/schema.json"}"#.to_owned()),
        "circle" => one(
            r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}"##
                .to_owned(),
        ),
        _ => return None,
    })
}
