//! Shapes that tests use, made from trees. Each example is the compiled form of `tests/golden/NAME.schema.json`.

use crate::shape::{
    Attribute, Content, Element, Member, Namespace, Occurs, Record, Scalar, ScalarKind, Shape, Type, TypeId,
    Variant, VariantForm, Width,
};

#[derive(Clone)]
pub(crate) enum Tree {
    Scalar(ScalarKind),
    Enum(ScalarKind, &'static [&'static str]),
    Record(Vec<Part>, Option<(&'static str, &'static str)>),
    Choice(Vec<(Form, Tree)>),
    List(&'static str, Box<Tree>),
    Sole(Box<Tree>),
    /// A type of [`shape`]'s second argument.
    Named(&'static str),
}

#[derive(Clone)]
pub(crate) enum Form {
    Unit(&'static str),
    External(&'static str),
    Internal(&'static str, &'static str),
}

/// A member and what is said of it.
#[derive(Clone)]
pub(crate) struct Part {
    json: &'static str,
    xml: &'static str,
    namespace: Option<&'static str>,
    is_attribute: bool,
    repeats: bool,
    required: bool,
    nullable: bool,
    nillable_items: bool,
    tree: Tree,
}

pub(crate) const TEXT: Tree = Tree::Scalar(ScalarKind::Text);
pub(crate) const INT: Tree = Tree::Scalar(ScalarKind::Integer(Width::I32));

/// A required member.
pub(crate) fn part(name: &'static str, tree: Tree) -> Part {
    Part {
        json: name,
        xml: name,
        namespace: None,
        is_attribute: false,
        repeats: false,
        required: true,
        nullable: false,
        nillable_items: false,
        tree,
    }
}

impl Part {
    pub(crate) fn optional(self) -> Self {
        Self { required: false, ..self }
    }
    pub(crate) fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }
    pub(crate) fn repeated(self) -> Self {
        Self { repeats: true, ..self }
    }
    pub(crate) fn nil_items(self) -> Self {
        Self { nillable_items: true, repeats: true, ..self }
    }
    pub(crate) fn attribute(self) -> Self {
        Self { is_attribute: true, ..self }
    }
    pub(crate) fn named(self, xml: &'static str) -> Self {
        Self { xml, ..self }
    }
    pub(crate) fn within(self, namespace: &'static str) -> Self {
        Self { namespace: Some(namespace), ..self }
    }
}

pub(crate) fn record(parts: Vec<Part>) -> Tree {
    Tree::Record(parts, None)
}

pub(crate) fn list(item: &'static str, tree: Tree) -> Tree {
    Tree::List(item, Box::new(tree))
}

/// The shape of `root`; `named` are its named types, which may refer to each other.
pub(crate) fn shape(root: Tree, named: Vec<(&'static str, Tree)>) -> Shape {
    let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    let mut builder = Builder { types: Vec::new(), names: names.clone() };
    for name in &names {
        let content = Content::List(element("", TypeId(0)));
        builder.types.push(Type { name: Some((*name).to_owned()), documentation: None, content });
    }
    for (at, (_, tree)) in named.into_iter().enumerate() {
        builder.types[at].content = builder.content(tree);
    }
    let root = builder.add(root);
    Shape { types: builder.types, root, documentation: None, nullable: false }
}

struct Builder {
    types: Vec<Type>,
    names: Vec<&'static str>,
}

fn element(name: &str, value: TypeId) -> Element {
    let namespace = Namespace::Target;
    Element { namespace, name: name.to_owned(), nillable: false, value, documentation: None }
}

impl Builder {
    fn add(&mut self, tree: Tree) -> TypeId {
        if let Tree::Named(name) = tree {
            return TypeId(self.names.iter().position(|known| *known == name).expect("a known name"));
        }
        let content = self.content(tree);
        self.types.push(Type { name: None, documentation: None, content });
        TypeId(self.types.len() - 1)
    }

    fn content(&mut self, tree: Tree) -> Content {
        match tree {
            Tree::Scalar(kind) => Content::Scalar(Scalar { kind, values: Vec::new() }),
            Tree::Enum(kind, values) => Content::Scalar(Scalar {
                kind,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }),
            Tree::List(item, tree) => Content::List(element(item, self.add(*tree))),
            Tree::Sole(tree) => Content::Sole(element("value", self.add(*tree))),
            Tree::Choice(variants) => {
                Content::Choice(variants.into_iter().map(|(form, tree)| self.variant(&form, tree)).collect())
            }
            Tree::Record(parts, tag) => self.record(parts, tag),
            Tree::Named(_) => panic!("a named type that is another"),
        }
    }

    fn variant(&mut self, form: &Form, tree: Tree) -> Variant {
        let value = self.add(tree);
        let (name, form) = match form {
            Form::Unit(name) => (name, VariantForm::Unit((*name).to_owned())),
            Form::External(name) => (name, VariantForm::External((*name).to_owned())),
            Form::Internal(tag, name) => {
                (name, VariantForm::Internal { tag: (*tag).to_owned(), value: (*name).to_owned() })
            }
        };
        Variant { element: element(name, value), form }
    }

    fn record(&mut self, parts: Vec<Part>, tag: Option<(&str, &str)>) -> Content {
        let tag = tag.map(|(tag, value)| (tag.to_owned(), value.to_owned()));
        let mut made = Record { attributes: Vec::new(), members: Vec::new(), tag };
        for part in parts {
            let value = self.add(part.tree);
            let (json, name) = (part.json.to_owned(), part.xml.to_owned());
            if part.is_attribute {
                made.attributes.push(Attribute {
                    json,
                    namespace: part.namespace.map(str::to_owned),
                    name,
                    required: part.required,
                    nullable: part.nullable,
                    value,
                    documentation: None,
                });
                continue;
            }
            let namespace =
                part.namespace.map_or(Namespace::Target, |other| Namespace::Other(other.to_owned()));
            let nillable = part.nillable_items || (part.nullable && !part.repeats);
            made.members.push(Member {
                json,
                element: Element { namespace, name, nillable, value, documentation: None },
                occurs: if part.repeats { Occurs::Repeated } else { Occurs::Once },
                required: part.required,
                nullable: part.nullable,
            });
        }
        Content::Record(made)
    }
}

/// What `tests/golden` has files of, by name.
pub(crate) fn golden() -> Vec<(&'static str, Shape)> {
    vec![
        ("order", order()),
        ("nullable", nullable()),
        ("arrays", arrays()),
        ("attributes", attributes()),
        ("choices", choices()),
        ("scalars", scalars()),
        ("tree", tree()),
        ("root-array", shape(list("item", list("item", INT)), vec![])),
        ("root-value", shape(Tree::Sole(Box::new(Tree::Scalar(ScalarKind::Double))), vec![])),
    ]
}

pub(crate) fn order() -> Shape {
    let line = record(vec![
        part("sku", TEXT),
        part("quantity", INT),
        part("price", Tree::Scalar(ScalarKind::Decimal)).optional(),
    ]);
    shape(
        record(vec![
            part("customer", TEXT),
            part("note", TEXT).optional(),
            part("lines", Tree::Named("Line")).repeated(),
            part("placed", Tree::Scalar(ScalarKind::DateTime)),
        ]),
        vec![("Line", line)],
    )
}

fn nullable() -> Shape {
    shape(
        record(vec![
            part("must", TEXT).nullable(),
            part("may", TEXT).optional().nullable(),
            part("gone", INT).optional(),
            part("list", INT).repeated().nullable(),
            part("none", INT).repeated().optional().nullable(),
            part("items", INT).nil_items(),
            part("inner", record(vec![part("x", INT).optional()])).nullable(),
        ]),
        vec![],
    )
}

fn arrays() -> Shape {
    shape(
        record(vec![
            part("matrix", list("item", INT)).repeated(),
            part("names", list("name", TEXT)),
            part("empty", TEXT).repeated(),
            part("hollow", list("hollow", TEXT)),
            part("tag", TEXT).repeated().named("label"),
        ]),
        vec![],
    )
}

fn attributes() -> Shape {
    let place = record(vec![
        part("city", TEXT).within("urn:example:geo"),
        part("zip", TEXT).attribute().within("urn:example:geo").optional(),
        part("kind", Tree::Enum(ScalarKind::Text, &["home", "work"])).attribute(),
        part("street", TEXT),
    ]);
    shape(
        record(vec![
            part("id", INT).attribute().named("ID"),
            part("note", TEXT).attribute().optional().nullable(),
            part("place", Tree::Named("Place")).within("urn:example:geo"),
            part("home", Tree::Named("Place")),
            part("list", TEXT).repeated().within("urn:example:b&c"),
        ]),
        vec![("Place", place)],
    )
}

fn choices() -> Shape {
    let circle = Tree::Record(vec![part("radius", INT)], Some(("kind", "circle")));
    let square = Tree::Record(
        vec![part("side", INT), part("unit", TEXT).attribute().optional()],
        Some(("kind", "square")),
    );
    let figure = Tree::Choice(vec![
        (Form::Internal("kind", "circle"), circle),
        (Form::Internal("kind", "square"), Tree::Named("Square")),
    ]);
    let status = Tree::Choice(vec![
        (Form::Unit("open"), record(vec![])),
        (Form::External("closed"), record(vec![part("reason", TEXT)])),
        (Form::External("code"), INT),
    ]);
    shape(
        record(vec![
            part("status", Tree::Named("Status")).repeated(),
            part("figures", Tree::Named("Figure")).repeated(),
        ]),
        vec![("Status", status), ("Figure", figure), ("Square", square)],
    )
}

fn scalars() -> Shape {
    let number = |kind| Tree::Scalar(kind);
    shape(
        record(vec![
            part("text", TEXT),
            part("yes", number(ScalarKind::Boolean)),
            part("byte", number(ScalarKind::Integer(Width::U8))),
            part("long", number(ScalarKind::Integer(Width::I64))),
            part("whole", number(ScalarKind::Integer(Width::I64))),
            part("double", number(ScalarKind::Double)),
            part("decimal", number(ScalarKind::Decimal)),
            part("number", number(ScalarKind::DecimalNumber)),
            part("date", number(ScalarKind::Date)),
            part("moment", number(ScalarKind::DateTime)),
            part("zoned", number(ScalarKind::DateTime)),
            part("binary", number(ScalarKind::Binary)),
            part("level", Tree::Enum(ScalarKind::Integer(Width::I64), &["1", "2"])),
            part("colour", Tree::Enum(ScalarKind::Text, &["red", "dark blue"])),
        ]),
        vec![],
    )
}

pub(crate) fn tree() -> Shape {
    let node = record(vec![
        part("label", TEXT).attribute(),
        part("note", TEXT).optional(),
        part("children", Tree::Named("Node")).repeated().optional(),
    ]);
    shape(record(vec![part("root", Tree::Named("Node"))]), vec![("Node", node)])
}
