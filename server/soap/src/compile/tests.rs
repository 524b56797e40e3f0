//! Schemas and the shapes they have, or why they have none.

mod described;
pub(crate) mod hostile;
mod refused;
mod shown;

use serde_json::{Value, json};

use super::shape;
use crate::shape::{Content, Element, Namespace, Occurs, Scalar, Shape, TypeId, VariantForm};

/// An object with these properties, all of them required.
fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn compiled(schema: &Value) -> Shape {
    shape(schema).unwrap_or_else(|refused| panic!("{schema}: {refused}")).expect("something but null")
}

/// The shape of `schema`, one line for the root and for each named type.
///
/// Members are `json:element@namespace type`, with `?` for not required, `|null`, `*` for repeated; attributes
/// begin with `@`, lists are `[…]`, choices `<…>`, a tag comes first as `tag=value`.
fn shown(schema: &Value) -> String {
    let Some(shape) = shape(schema).unwrap_or_else(|refused| panic!("{schema}: {refused}")) else {
        return "nothing".to_owned();
    };
    let null = if shape.nullable { "|null" } else { "" };
    let mut lines = vec![format!("{}{null}", content(&shape, shape.root))];
    if let Some(name) = &shape.of(shape.root).name {
        lines[0] = format!("{name}{null}");
    }
    for (at, named) in shape.types.iter().enumerate() {
        if let Some(name) = &named.name {
            lines.push(format!("{name} = {}", content(&shape, TypeId(at))));
        }
    }
    lines.join("\n")
}

fn reference(shape: &Shape, id: TypeId) -> String {
    shape.of(id).name.clone().unwrap_or_else(|| content(shape, id))
}

fn element(shape: &Shape, element: &Element) -> String {
    let namespace = match &element.namespace {
        Namespace::Target => String::new(),
        Namespace::Prefixed { uri, .. } => format!("@{uri}"),
        Namespace::Other(namespace) => format!("@{namespace}"),
    };
    let null = if element.nillable { "|nil" } else { "" };
    format!("{}{namespace} {}{null}", element.name, reference(shape, element.value))
}

fn scalar(scalar: &Scalar) -> String {
    match scalar.values.as_slice() {
        [] => format!("{}", Kind(scalar)),
        values => format!("{}({})", Kind(scalar), values.join(",")),
    }
}

struct Kind<'a>(&'a Scalar);

impl std::fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.0.kind == crate::shape::ScalarKind::DecimalNumber;
        write!(f, "{}{}", self.0.kind.xsd(), if number { "Number" } else { "" })
    }
}

fn content(shape: &Shape, id: TypeId) -> String {
    let record = match &shape.of(id).content {
        Content::Scalar(one) => return scalar(one),
        Content::List(item) => return format!("[{}]", element(shape, item)),
        Content::Sole(value) => return format!("sole({})", element(shape, value)),
        Content::Choice(variants) => {
            let shown = variants.iter().map(|variant| {
                let form = match &variant.form {
                    VariantForm::Unit(value) => format!("{value:?}"),
                    VariantForm::External(name) => name.clone(),
                    VariantForm::Internal { tag, value } => format!("{tag}={value}"),
                };
                format!("{form}:{}", element(shape, &variant.element))
            });
            return format!("<{}>", shown.collect::<Vec<_>>().join(" / "));
        }
        Content::Record(record) => record,
    };
    let tag = record.tag.iter().map(|(tag, value)| format!("{tag}={value}"));
    let attributes = record.attributes.iter().map(|one| {
        let namespace = one.namespace.as_ref().map(|at| format!("@{at}")).unwrap_or_default();
        let optional = if one.required { "" } else { "?" };
        let null = if one.nullable { "|null" } else { "" };
        format!("@{}:{}{namespace}{optional} {}{null}", one.json, one.name, reference(shape, one.value))
    });
    let members = record.members.iter().map(|one| {
        let optional = if one.required { "" } else { "?" };
        let repeated = if one.occurs == Occurs::Repeated { "*" } else { "" };
        let null = if one.nullable { "|null" } else { "" };
        format!("{}:{}{optional}{repeated}{null}", one.json, element(shape, &one.element))
    });
    format!("{{{}}}", tag.chain(attributes).chain(members).collect::<Vec<_>>().join(", "))
}
