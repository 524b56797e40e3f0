//! Shapes by hand, and reading by them.

use crate::{
    read::{NoParts, Parts, Unreadable, payload},
    shape::{
        Attribute, Content, Element, Member, Namespace, Occurs, Record, Scalar, ScalarKind, Shape, Type,
        TypeId, Variant, VariantForm,
    },
    xml::{Event, Reader},
};

pub(super) const TARGET: &str = "urn:t";

#[derive(Default)]
pub(super) struct Types(pub(super) Vec<Type>);

impl Types {
    pub(super) fn add(&mut self, content: Content) -> TypeId {
        self.0.push(Type { name: None, documentation: None, content });
        TypeId(self.0.len() - 1)
    }

    pub(super) fn named(&mut self, name: &str, content: Content) -> TypeId {
        let id = self.add(content);
        self.0[id.0].name = Some(name.to_owned());
        id
    }

    pub(super) fn scalar(&mut self, kind: ScalarKind) -> TypeId {
        self.add(Content::Scalar(Scalar { kind, values: Vec::new() }))
    }

    pub(super) fn one_of(&mut self, kind: ScalarKind, values: &[&str]) -> TypeId {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.add(Content::Scalar(Scalar { kind, values }))
    }

    pub(super) fn shape(self, root: TypeId) -> Shape {
        Shape { types: self.0, root, documentation: None, nullable: false }
    }
}

pub(super) fn element(name: &str, value: TypeId) -> Element {
    Element {
        namespace: Namespace::Target,
        name: name.to_owned(),
        nillable: false,
        value,
        documentation: None,
    }
}

pub(super) fn nillable(name: &str, value: TypeId) -> Element {
    Element { nillable: true, ..element(name, value) }
}

/// An optional member.
pub(super) fn once(name: &str, value: TypeId) -> Member {
    Member {
        json: name.to_owned(),
        element: element(name, value),
        occurs: Occurs::Once,
        required: false,
        nullable: false,
    }
}

/// An optional array.
pub(super) fn repeated(name: &str, value: TypeId) -> Member {
    Member { occurs: Occurs::Repeated, ..once(name, value) }
}

pub(super) fn required(member: Member) -> Member {
    Member { required: true, ..member }
}

pub(super) fn attribute(name: &str, value: TypeId) -> Attribute {
    Attribute {
        json: name.to_owned(),
        namespace: None,
        name: name.to_owned(),
        required: false,
        nullable: false,
        value,
        documentation: None,
    }
}

pub(super) fn record(members: Vec<Member>) -> Record {
    Record { attributes: Vec::new(), members, tag: None }
}

pub(super) fn variant(name: &str, value: TypeId, form: VariantForm) -> Variant {
    Variant { element: element(name, value), form }
}

/// A shape whose root is a record of these.
pub(super) fn of_members(types: Types, members: Vec<Member>) -> Shape {
    let mut types = types;
    let root = types.add(Content::Record(record(members)));
    types.shape(root)
}

/// The operation's element with this content, in the default namespace.
pub(super) fn around(content: &str) -> String {
    document(&format!(">{content}</op>"))
}

/// The operation's element, from behind its declarations.
pub(super) fn document(rest: &str) -> String {
    format!(
        r#"<op xmlns="{TARGET}" xmlns:o="urn:o" xmlns:xs="http://www.w3.org/2001/XMLSchema"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xop="http://www.w3.org/2004/08/xop/include"{rest}"#
    )
}

pub(super) fn read_with(shape: &Shape, document: &str, parts: &mut dyn Parts) -> Result<String, Unreadable> {
    let mut xml = Reader::new(document)?;
    assert_eq!(xml.next()?, Event::Start);
    let json = payload(shape, TARGET, &mut xml, parts)?;
    assert_eq!(xml.next()?, Event::Eof);
    let parsed = serde_json::from_str::<serde_json::Value>(&json);
    assert!(parsed.is_ok(), "{json}: {parsed:?}");
    Ok(json)
}

pub(super) fn read(shape: &Shape, document: &str) -> Result<String, Unreadable> {
    read_with(shape, document, &mut NoParts)
}

/// Contents of the operation's element, and the JSON of each.
pub(super) fn assert_read(shape: &Shape, cases: &[(&str, &str)]) {
    for (content, expected) in cases {
        assert_eq!(read(shape, &around(content)).as_deref(), Ok(*expected), "{content}");
    }
}

/// Contents of the operation's element that are refused: where, and what the message has in it.
pub(super) fn assert_refused(shape: &Shape, cases: &[(&str, &str, &str)]) {
    for (content, path, message) in cases {
        assert_refusal(read(shape, &around(content)), content, path, message);
    }
}

pub(super) fn assert_refusal(read: Result<String, Unreadable>, content: &str, path: &str, message: &str) {
    match read {
        Err(Unreadable::Invalid(errors)) => {
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].path, path, "{content}: {}", errors[0].message);
            assert!(errors[0].message.contains(message), "{content}: {}", errors[0].message);
        }
        other => panic!("{content}: {other:?}"),
    }
}
