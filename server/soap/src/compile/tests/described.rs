//! Schemas as Rust types describe themselves.

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{shape, shown};

/// What they take, as the SDK describes it.
fn taken<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>().into()
}

/// What they give.
fn given<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().into()
}

/// As `path: reason`.
fn refused<T: JsonSchema>() -> String {
    let refused = shape(&taken::<T>()).unwrap_err();
    format!("{}: {}", refused.path, refused.reason)
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
#[serde(deny_unknown_fields)]
struct Line {
    sku: String,
    quantity: u32,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Order {
    id: u64,
    zone: Option<i16>,
    lines: Vec<Line>,
    tags: Option<Vec<String>>,
    grid: Vec<Vec<f64>>,
    gaps: Vec<Option<bool>>,
    #[serde(default)]
    comment: String,
    first: Option<Box<Line>>,
    letter: char,
    hash: [u8; 4],
    wide: i128,
    #[schemars(extend("xml" = {"attribute": true, "name": "lang"}))]
    language: Option<Plain>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
enum Plain {
    En,
    De,
}

/// Sizes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
enum Documented {
    /// The small one.
    S,
    M,
    /// The large one.
    L,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
enum External {
    Nothing,
    /// With words.
    Told,
    Wrapped(Line),
    Fields {
        a: i32,
        b: Option<String>,
    },
    Number(i64),
    All(Vec<Line>),
    Perhaps(Option<i32>),
    More(Box<External>),
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Internal {
    Nothing,
    Wrapped(Order),
    Strict(Line),
    Fields { a: i32, next: Option<Box<Internal>> },
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Nothing,
    Wrapped(Line),
    Number(i32),
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Node {
    value: String,
    next: Option<Box<Node>>,
    children: Vec<Node>,
    size: Option<Documented>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Flat {
    a: i32,
    #[serde(flatten)]
    line: Line2,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Line2 {
    sku: String,
}

const ORDER: &str = "id:id unsignedLong, zone:zone short|nil?|null, lines:lines Line*, tags:tags string?*|null, \
    grid:grid [item double]*, gaps:gaps boolean|nil*, comment:comment string?, first:first Line|nil?|null, \
    letter:letter string, hash:hash unsignedByte*, wide:wide decimalNumber";
const LANGUAGE: &str = "@language:lang? Plain|null";
const LINE: &str = "Line = {sku:sku string, quantity:quantity unsignedInt}";

#[test]
fn structs() {
    assert_eq!(shown(&taken::<Order>()), format!("{{{LANGUAGE}, {ORDER}}}\n{LINE}\nPlain = string(En,De)"));
    assert_eq!(shown(&taken::<Flat>()), "{a:a int, sku:sku string}");
    assert_eq!(shown(&taken::<Option<Line>>()), format!("Line|null\n{LINE}"));
    assert_eq!(shown(&taken::<Vec<Line>>()), format!("[item Line]\n{LINE}"));
    assert_eq!(shown(&taken::<()>()), "nothing");
    // What is always given, be it null, is required.
    let given = shown(&given::<Node>());
    let node = "Node = {value:value string, next:next Node|nil|null, children:children Node*, size:size Documented|nil|null}";
    assert_eq!(given, format!("Node\n{node}\nDocumented = string(M,S,L)"));
}

#[test]
fn recursive_ones() {
    let node = "Node = {value:value string, next:next Node|nil?|null, children:children Node*, size:size Documented|nil?|null}";
    assert_eq!(shown(&taken::<Node>()), format!("Node\n{node}\nDocumented = string(M,S,L)"));
}

#[test]
fn enums() {
    assert_eq!(shown(&taken::<Documented>()), "sole(value string(M,S,L))");
    assert_eq!(shown(&taken::<Option<Plain>>()), "sole(value Plain|nil)\nPlain = string(En,De)");
    assert_eq!(
        shown(&taken::<External>()),
        format!(
            "External\nExternal = <\"Nothing\":Nothing {{}} / \"Told\":Told {{}} / Wrapped:Wrapped Line / \
             Fields:Fields {{a:a int, b:b string|nil?|null}} / Number:Number long / All:All [item Line] / \
             Perhaps:Perhaps int|nil / More:More External>\n{LINE}"
        )
    );
    assert_eq!(
        shown(&taken::<Adjacent>()),
        format!(
            "<t=Nothing:Nothing {{t=Nothing}} / t=Wrapped:Wrapped {{t=Wrapped, c:c Line}} / t=Number:Number {{t=Number, c:c int}}>\n{LINE}"
        )
    );
    assert_eq!(
        shown(&taken::<Internal>()),
        format!(
            "Internal\n\
             Internal = <kind=nothing:nothing {{kind=nothing}} / \
             kind=wrapped:wrapped {{kind=wrapped, {LANGUAGE}, {ORDER}}} / \
             kind=strict:strict {{kind=strict, sku:sku string, quantity:quantity unsignedInt}} / \
             kind=fields:fields {{kind=fields, a:a int, next:next Internal|nil?|null}}>\n\
             {LINE}\nPlain = string(En,De)"
        )
    );
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Open {
    prices: BTreeMap<String, u64>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Whatever {
    payload: Value,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Pair {
    pair: (i32, String),
    unit: (),
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
#[serde(untagged)]
enum Untagged {
    A(i32),
    B(String),
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct FlatChoice {
    a: i32,
    #[serde(flatten)]
    choice: Adjacent,
}

#[test]
fn what_has_no_image() {
    assert_eq!(
        refused::<Open>(),
        "/properties/prices: is a map (additionalProperties): use an array of objects with key and value"
    );
    assert_eq!(
        refused::<Whatever>(),
        "/properties/payload: allows any value, and xs:any is not offered: give it a type"
    );
    assert_eq!(refused::<Pair>(), "/properties/pair: is a tuple: use an object with named members");
    assert!(refused::<Untagged>().starts_with(": is an anyOf"));
    assert_eq!(refused::<FlatChoice>(), ": has both oneOf and properties: put one of them into a member");
}

/// As the services of the quickstart have them.
#[test]
fn the_examples() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Greet {
        /// The person's name.
        name: String,
        /// ISO 639-1, lower case: `en` if it is not given.
        language: Option<String>,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    #[serde(deny_unknown_fields)]
    struct Submit {
        #[schemars(length(min = 1, max = 64))]
        customer: String,
        email: String,
        #[schemars(length(min = 1, max = 100))]
        lines: Vec<Line>,
        currency: Option<String>,
    }
    assert_eq!(shown(&taken::<Greet>()), "{name:name string, language:language string|nil?|null}");
    assert_eq!(
        shown(&taken::<Submit>()),
        format!(
            "{{customer:customer string, email:email string, lines:lines Line*, currency:currency string|nil?|null}}\n{LINE}"
        )
    );
}
