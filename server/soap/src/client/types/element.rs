//! Elements, and the types that they and attributes have.

use super::{Compiler, Step, text_element};
use crate::{
    client::{
        Refused,
        components::{Item, Kind},
        tree::{QName, Space},
    },
    namespace,
    shape::{Content, Element, Foreign, Member, Namespace, Occurs, Record, ScalarKind, TypeId},
};

impl<'d> Compiler<'d> {
    /// The type of the element that a message has in its Body, and whether it is nillable; `item` is what names it.
    pub(in crate::client) fn global(
        &mut self,
        item: Item<'d>,
        name: &QName,
    ) -> Result<(TypeId, bool), Refused> {
        let found = self.find(item, Kind::Element, name);
        let element = found.and_then(|found| self.element(found, true));
        element.map(|element| (element.value, element.nillable)).map_err(|problem| self.told(&problem))
    }

    /// The object of an rpc operation: a member for each part.
    pub(in crate::client) fn parts(
        &mut self,
        item: Item<'d>,
        parts: &[(String, QName)],
    ) -> Result<TypeId, Refused> {
        let mut record = Record::default();
        for (name, named) in parts {
            Self::check_name(item, name).map_err(|problem| self.told(&problem))?;
            let value = self.type_named(item, named).map_err(|problem| self.told(&problem))?;
            if record.members.iter().any(|member| member.json == *name) {
                return Err(self.told(&Self::problem(item, format!("two parts named {name:?}"))));
            }
            record.members.push(Member {
                json: name.clone(),
                element: Element { name: name.clone(), ..text_element(value) },
                occurs: Occurs::Once,
                required: true,
                nullable: false,
            });
        }
        let added = self.add(item, Content::Record(record));
        added.map_err(|problem| self.told(&problem))
    }

    /// An element where it is declared: `is_global` at the top of a schema, else within a type.
    pub(super) fn element(&mut self, item: Item<'d>, is_global: bool) -> Step<Element> {
        self.step(item)?;
        let schema = &self.components.schemas[item.schema];
        let is_qualified = match item.node.get("form") {
            Some(form) => form == "qualified",
            None => schema.qualified_elements,
        };
        let uri = schema.namespace.clone();
        let Some(name) = item.node.get("name") else {
            return Err(Self::problem(item, "an element without a name"));
        };
        Self::check_name(item, name)?;
        if item.node.get("abstract").is_some_and(is_true) {
            return Err(Self::problem(
                item,
                format!(
                    "{name:?} is abstract: the elements that stand for it (substitutionGroup) are not supported"
                ),
            ));
        }
        let namespace = match is_global || is_qualified {
            true => self.namespace(&uri),
            false => Namespace::Target,
        };
        Ok(Element {
            namespace,
            name: name.to_owned(),
            nillable: item.node.get("nillable").is_some_and(is_true),
            value: self.type_of(item, name)?,
            documentation: item.node.documentation.clone(),
        })
    }

    /// The type of an element or an attribute, by its name or within it.
    pub(super) fn type_of(&mut self, item: Item<'d>, name: &str) -> Step<TypeId> {
        if let Some(named) = Self::name_in(item, "type")? {
            return self.type_named(item, named);
        }
        if let Some(node) = item.node.child(Space::Xsd, "complexType") {
            return self.complex_type(Item { node, ..item }, name);
        }
        if let Some(node) = item.node.child(Space::Xsd, "simpleType") {
            return self.simple_type(Item { node, ..item }, name);
        }
        let kind = match item.node.local {
            "attribute" => ScalarKind::Text,
            _ => ScalarKind::Foreign(Foreign::Markup),
        };
        self.scalar(item, kind)
    }

    fn type_named(&mut self, item: Item<'d>, name: &QName) -> Step<TypeId> {
        if matches!(&*name.namespace, namespace::XSD | namespace::SOAP_ENCODING) {
            return match self.simple_named(item, name, 0)? {
                Some(simple) => self.add_simple(item, simple),
                None => Err(Self::problem(item, format!("{name} is no type"))),
            };
        }
        // Its attribute, a media type, is passed over.
        if &*name.namespace == namespace::MEDIA_TYPES && &*name.local == "base64Binary" {
            return self.scalar(item, ScalarKind::Binary);
        }
        let found = self.find(item, Kind::Type, name)?;
        match found.node.local {
            "simpleType" => self.simple_type(found, &name.local),
            _ => self.complex_type(found, &name.local),
        }
    }

    /// `name` is for references in JSON Schema, where values are told once however often they are used.
    fn simple_type(&mut self, item: Item<'d>, name: &str) -> Step<TypeId> {
        let key = (std::ptr::from_ref(item.node).addr(), item.schema);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let simple = self.simple(item, 0)?;
        let id = self.add_simple(item, simple)?;
        if matches!(&self.types[id.0].content, Content::Scalar(scalar) if !scalar.values.is_empty()) {
            self.name(id, name);
        }
        self.known.insert(key, id);
        Ok(id)
    }

    /// `name` is for people, and for references in JSON Schema.
    fn complex_type(&mut self, item: Item<'d>, name: &str) -> Step<TypeId> {
        let key = (std::ptr::from_ref(item.node).addr(), item.schema);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let id = self.add(item, Content::Record(Record::default()))?;
        self.name(id, name);
        self.types[id.0].documentation = item.node.documentation.clone();
        if item.node.get("abstract").is_some_and(is_true) {
            let text = format!("the type {name:?} is abstract: which of its types is meant can't be told");
            self.extras[id.0].is_abstract = Some(self.components.refuse(item.schema, item.node.offset, text));
        }
        self.known.insert(key, id);
        self.jobs.push_back((id, item));
        Ok(id)
    }
}

/// `xs:boolean`
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "true" | "1")
}
