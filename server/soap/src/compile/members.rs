//! The members of a record: attributes and elements; and the items of a list.

use std::collections::HashSet;

use super::{
    Compiler, Unmappable,
    look::{Kind, Look},
    object::Object,
    place::Place,
    table::Use,
};
use crate::shape::{Attribute, Element, Member, Namespace, Occurs, Record};

/// One member, on its way into a record.
struct Declared<'p, 'a> {
    json: &'p str,
    place: &'p Place<'a>,
    required: bool,
}

impl<'a> Compiler<'a> {
    /// `depth`: of the record among types without a name.
    pub(super) fn record(
        &mut self,
        place: &Place<'a>,
        tag: Option<(String, String)>,
        depth: usize,
    ) -> Result<Record, Unmappable> {
        let Object { members, required, .. } = self.document.object(place)?;
        let mut record = Record { tag, ..Record::default() };
        let (mut elements, mut attributes) = (HashSet::new(), HashSet::new());
        for (json, place) in &members {
            if record.tag.as_ref().is_some_and(|(tag, _)| tag == json) {
                continue;
            }
            let look = self.document.look(place)?;
            let declared = Declared { json, place, required: required.contains(json) };
            if look.xml.attribute {
                let attribute = self.attribute(&declared, &look, depth)?;
                if !attributes.insert((attribute.namespace.clone(), attribute.name.clone())) {
                    return Err(place.refuse(taken("attribute", &attribute.name)));
                }
                record.attributes.push(attribute);
            } else {
                let member = self.member(&declared, &look, depth)?;
                let Element { namespace, name, .. } = &member.element;
                if !elements.insert((namespace.clone(), name.clone())) {
                    return Err(place.refuse(taken("element", name)));
                }
                record.members.push(member);
            }
        }
        Ok(record)
    }

    fn attribute(
        &mut self,
        declared: &Declared<'_, 'a>,
        look: &Look<'a>,
        depth: usize,
    ) -> Result<Attribute, Unmappable> {
        let Declared { json, place, required } = *declared;
        if !matches!(look.kind, Kind::Scalar(_)) {
            return Err(place.refuse("is an attribute, which only a string, number or boolean can be"));
        }
        if required && look.nullable {
            return Err(
                place.refuse("is a required attribute that may be null: make it optional or an element")
            );
        }
        let (namespace, name) = look.xml.attribute(place, json)?;
        Ok(Attribute {
            json: json.to_owned(),
            namespace,
            name,
            required,
            nullable: look.nullable,
            value: self.table.of(look, Use::Plain, depth)?,
            documentation: look.documentation.clone(),
        })
    }

    fn member(
        &mut self,
        declared: &Declared<'_, 'a>,
        look: &Look<'a>,
        depth: usize,
    ) -> Result<Member, Unmappable> {
        let Declared { json, place, required } = *declared;
        let nullable = look.nullable;
        let (element, occurs) = match &look.kind {
            Kind::List(items) if !look.xml.wrapped => {
                let element = self.repeated(items, look, json, depth)?;
                if required && nullable && element.nillable {
                    let reason = "may be null, and so may its items: set xml.wrapped to tell them apart";
                    return Err(place.refuse(reason));
                }
                (element, Occurs::Repeated)
            }
            Kind::List(_) => {
                let used = Use::Items(json.to_owned());
                (self.element(place, look, json, used, depth)?, Occurs::Once)
            }
            _ => (self.element(place, look, json, Use::Plain, depth)?, Occurs::Once),
        };
        Ok(Member { json: json.to_owned(), element, occurs, required, nullable })
    }

    /// The element that repeats for an array without one of its own. The array's `xml.name` is not looked at (OpenAPI
    /// 3.1, XML Arrays); its namespace is, where the items have none.
    fn repeated(
        &mut self,
        items: &Place<'a>,
        array: &Look<'a>,
        name: &str,
        depth: usize,
    ) -> Result<Element, Unmappable> {
        let mut element = self.item(items, name, depth)?;
        if let (Namespace::Target, Some(namespace)) = (&element.namespace, &array.xml.namespace) {
            element.namespace = Namespace::Other(namespace.clone());
        }
        element.documentation = array.documentation.clone().or(element.documentation);
        Ok(element)
    }

    /// The element of an array's items, called `name` if they have no name of their own.
    pub(super) fn item(
        &mut self,
        items: &Place<'a>,
        name: &str,
        depth: usize,
    ) -> Result<Element, Unmappable> {
        let look = self.document.look(items)?;
        self.element(items, &look, name, Use::Plain, depth)
    }

    /// An element that occurs once for each value.
    pub(super) fn element(
        &mut self,
        place: &Place<'a>,
        look: &Look<'a>,
        name: &str,
        used: Use,
        depth: usize,
    ) -> Result<Element, Unmappable> {
        if look.xml.attribute {
            return Err(place.refuse("can't be an attribute here: only members of objects can"));
        }
        let (namespace, name) = look.xml.element(place, name)?;
        Ok(Element {
            namespace,
            name,
            nillable: look.nullable,
            value: self.table.of(look, used, depth)?,
            documentation: look.documentation.clone(),
        })
    }
}

fn taken(what: &str, name: &str) -> String {
    format!("makes a second {what} {name:?} in one object: set xml.name")
}
