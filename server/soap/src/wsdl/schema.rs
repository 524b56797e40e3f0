//! XSD (parts 1 and 2) of what operations take and give, a schema for each namespace.

use std::collections::BTreeSet;

use super::{markup::Markup, prefixes::Prefixes};
use crate::{
    address::{Address, Global, Kind, globals},
    operation::{Operation, Payload},
    shape::{
        Attribute, Content, Element, Member, Namespace, Occurs, Record, Scalar, ScalarKind, Shape, TypeId,
        Variant,
    },
};

type Pairs<'a> = Vec<(&'static str, &'a str)>;

pub(super) fn write(markup: &mut Markup, address: &Address, prefixes: &Prefixes<'_>) {
    let globals = globals(address.operations()).unwrap_or_default();
    let mut schemas: Vec<Schema<'_>> = Vec::new();
    for namespace in prefixes.namespaces() {
        let mut schema = Schema { markup: markup.inner(), namespace, prefixes, used: BTreeSet::new() };
        let mut written = BTreeSet::new();
        for operation in address.operations().iter().filter(|operation| operation.namespace == namespace) {
            schema.wrappers(operation);
            schema.named_types(operation, &mut written);
        }
        for ((_, of, name), global) in &globals {
            if *of == namespace {
                schema.global(name, global);
            }
        }
        schemas.push(schema);
    }
    // Some consumers read them one after the other.
    schemas.sort_by_key(|schema| !schema.used.is_empty());
    for Schema { markup: declarations, namespace, used, .. } in schemas {
        markup.start("xs:schema", &[("targetNamespace", namespace), ("elementFormDefault", "qualified")]);
        for used in used {
            markup.empty("xs:import", &[("namespace", used)]);
        }
        markup.add(&declarations);
        markup.end();
    }
}

/// The declarations of one namespace.
struct Schema<'a> {
    markup: Markup,
    namespace: &'a str,
    prefixes: &'a Prefixes<'a>,
    /// Other namespaces that they refer to.
    used: BTreeSet<&'a str>,
}

/// A payload's shape and its operation's namespace, in which its named types are.
#[derive(Clone, Copy)]
struct Within<'a> {
    shape: &'a Shape,
    namespace: &'a str,
}

impl<'a> Schema<'a> {
    fn wrappers(&mut self, operation: &'a Operation) {
        self.wrapper(operation, &operation.name, &operation.input);
        if !operation.is_one_way() {
            self.wrapper(operation, &operation.response_name(), &operation.output);
        }
    }

    /// An operation's element. Its type is written in it even where it has a name, for clients that unwrap.
    fn wrapper(&mut self, operation: &'a Operation, name: &str, payload: &'a Payload) {
        self.markup.start("xs:element", &[("name", name)]);
        match payload {
            Payload::Typed(shape) => {
                self.documentation(shape.documentation.as_deref());
                let within = Within { shape, namespace: &operation.namespace };
                let content = &shape.of(shape.root).content;
                self.type_of(within, content, &[], None, shape.nullable);
            }
            Payload::Raw => {
                self.markup.start("xs:complexType", &[]);
                self.markup.start("xs:sequence", &[]);
                let any = [("minOccurs", "0"), ("maxOccurs", "unbounded"), ("namespace", "##any")];
                self.markup.empty("xs:any", &[any.as_slice(), &[("processContents", "lax")]].concat());
                self.markup.end();
                self.markup.end();
            }
            Payload::Nothing => {
                self.markup.start("xs:complexType", &[]);
                self.markup.empty("xs:sequence", &[]);
                self.markup.end();
            }
        }
        self.markup.end();
    }

    fn named_types(&mut self, operation: &'a Operation, written: &mut BTreeSet<&'a str>) {
        for (_, shape) in operation.shapes() {
            for found in &shape.types {
                let Some(name) = &found.name else { continue };
                if written.insert(name) {
                    let within = Within { shape, namespace: &operation.namespace };
                    let documentation = found.documentation.as_deref();
                    self.type_of(within, &found.content, &[("name", name)], documentation, false);
                }
            }
        }
    }

    fn global(&mut self, name: &str, global: &Global<'a>) {
        let within = Within { shape: global.shape, namespace: &global.operation.namespace };
        let mut attributes: Pairs<'_> = vec![("name", name)];
        match global.kind {
            Kind::Element => {
                if global.nillable {
                    attributes.push(("nillable", "true"));
                }
                self.declare("xs:element", within, &attributes, global.value, None);
            }
            Kind::Attribute => self.declare("xs:attribute", within, &attributes, global.value, None),
        }
    }

    /// An element or attribute with its type: by name if it has one, else within.
    fn declare(
        &mut self,
        tag: &str,
        within: Within<'a>,
        attributes: &[(&str, &str)],
        value: TypeId,
        documentation: Option<&str>,
    ) {
        let found = within.shape.of(value);
        let name = match (&found.name, &found.content) {
            (Some(name), _) => Some(self.qualified(within.namespace, name)),
            (None, Content::Scalar(Scalar { kind, values })) if values.is_empty() => {
                Some(format!("xs:{}", kind.xsd()))
            }
            _ => None,
        };
        let mut attributes = attributes.to_vec();
        if let Some(name) = &name {
            attributes.insert(1, ("type", name));
        }
        let documentation = documentation.filter(|text| !text.is_empty());
        if name.is_some() && documentation.is_none() {
            return self.markup.empty(tag, &attributes);
        }
        self.markup.start(tag, &attributes);
        self.documentation(documentation);
        if name.is_none() {
            let inner = found.documentation.as_deref().filter(|inner| Some(*inner) != documentation);
            self.type_of(within, &found.content, &[], inner, false);
        }
        self.markup.end();
    }

    /// A type's definition; `optional` if an element without content is possible whatever it requires.
    fn type_of(
        &mut self,
        within: Within<'a>,
        content: &'a Content,
        name: &[(&str, &str)],
        documentation: Option<&str>,
        optional: bool,
    ) {
        if let Content::Scalar(scalar) = content {
            return self.simple_type(scalar, name, documentation);
        }
        self.markup.start("xs:complexType", name);
        self.documentation(documentation);
        let group = if matches!(content, Content::Choice(_)) { "xs:choice" } else { "xs:sequence" };
        let occurs: &[(&str, &str)] = if optional { &[("minOccurs", "0")] } else { &[] };
        if matches!(content, Content::Record(record) if record.members.is_empty()) {
            self.markup.empty(group, &[]);
        } else {
            self.markup.start(group, occurs);
            self.particles(within, content);
            self.markup.end();
        }
        if let Content::Record(Record { attributes, .. }) = content {
            for attribute in attributes {
                self.attribute(within, attribute, optional);
            }
        }
        self.markup.end();
    }

    fn particles(&mut self, within: Within<'a>, content: &'a Content) {
        match content {
            Content::Scalar(_) => {}
            Content::Record(Record { members, .. }) => {
                for member in members {
                    self.member(within, member);
                }
            }
            Content::Choice(variants) => {
                for Variant { element, .. } in variants {
                    self.element(within, element, &[], element.nillable);
                }
            }
            Content::List(element) => {
                self.element(
                    within,
                    element,
                    &[("minOccurs", "0"), ("maxOccurs", "unbounded")],
                    element.nillable,
                );
            }
            Content::Sole(element) => self.element(within, element, &[], element.nillable),
        }
    }

    fn member(&mut self, within: Within<'a>, member: &'a Member) {
        let occurs: &[(&str, &str)] = match (member.occurs, member.required) {
            (Occurs::Repeated, _) => &[("minOccurs", "0"), ("maxOccurs", "unbounded")],
            (Occurs::Once | Occurs::Content, false) => &[("minOccurs", "0")],
            (Occurs::Once | Occurs::Content, true) => &[],
        };
        self.element(within, &member.element, occurs, member.is_nillable());
    }

    fn element(
        &mut self,
        within: Within<'a>,
        element: &'a Element,
        occurs: &[(&'static str, &'static str)],
        nillable: bool,
    ) {
        let documentation = element.documentation.as_deref();
        let Namespace::Other(namespace) = &element.namespace else {
            let mut attributes: Pairs<'_> = vec![("name", &element.name)];
            attributes.extend_from_slice(occurs);
            if nillable {
                attributes.push(("nillable", "true"));
            }
            return self.declare("xs:element", within, &attributes, element.value, documentation);
        };
        let name = self.qualified(namespace, &element.name);
        let mut attributes: Pairs<'_> = vec![("ref", &name)];
        attributes.extend_from_slice(occurs);
        self.refer("xs:element", &attributes, documentation);
    }

    /// `absent`: what has it may have nothing at all.
    fn attribute(&mut self, within: Within<'a>, attribute: &'a Attribute, absent: bool) {
        let using = ("use", if attribute.required && !absent { "required" } else { "optional" });
        let documentation = attribute.documentation.as_deref();
        match &attribute.namespace {
            None => {
                let attributes = [("name", attribute.name.as_str()), using];
                self.declare("xs:attribute", within, &attributes, attribute.value, documentation);
            }
            Some(namespace) => {
                let name = self.qualified(namespace, &attribute.name);
                self.refer("xs:attribute", &[("ref", name.as_str()), using], documentation);
            }
        }
    }

    fn refer(&mut self, tag: &str, attributes: &[(&str, &str)], documentation: Option<&str>) {
        if documentation.is_none_or(str::is_empty) {
            return self.markup.empty(tag, attributes);
        }
        self.markup.start(tag, attributes);
        self.documentation(documentation);
        self.markup.end();
    }

    fn simple_type(&mut self, scalar: &Scalar, name: &[(&str, &str)], documentation: Option<&str>) {
        self.markup.start("xs:simpleType", name);
        self.documentation(documentation);
        let base = format!("xs:{}", scalar.kind.xsd());
        match (scalar.kind, scalar.values.as_slice()) {
            (_, []) => self.markup.empty("xs:restriction", &[("base", &base)]),
            (ScalarKind::Boolean, values) => {
                // XSD part 2, section 3.2.2: it can't be enumerated.
                self.markup.start("xs:restriction", &[("base", &base)]);
                let pattern: Vec<&str> =
                    values.iter().map(|value| if value == "true" { "true|1" } else { "false|0" }).collect();
                self.markup.empty("xs:pattern", &[("value", &pattern.join("|"))]);
                self.markup.end();
            }
            (_, values) => {
                self.markup.start("xs:restriction", &[("base", &base)]);
                for value in values {
                    self.markup.empty("xs:enumeration", &[("value", value)]);
                }
                self.markup.end();
            }
        }
        self.markup.end();
    }

    fn documentation(&mut self, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.markup.start("xs:annotation", &[]);
            self.markup.text("xs:documentation", text);
            self.markup.end();
        }
    }

    fn qualified(&mut self, namespace: &'a str, name: &str) -> String {
        if namespace != self.namespace {
            self.used.insert(namespace);
        }
        self.prefixes.qualified(namespace, name)
    }
}
