//! Attributes and groups of them.

use busbar_model::bounds::WSDL_DEPTH_MAX;

use super::{Compiler, Step};
use crate::{
    client::{
        components::{Item, Kind},
        tree::QName,
    },
    namespace,
    shape::{Attribute, Content, ScalarKind, TypeId},
};

/// An attribute, and the value that it has if it is not there, or always.
pub(super) struct Found {
    pub(super) attribute: Attribute,
    pub(super) default: Option<String>,
    pub(super) fixed: Option<String>,
}

impl<'d> Compiler<'d> {
    /// Adds the attributes that stand in `item`: a type, an extension, a restriction or a group. What is there already
    /// by the same name is replaced.
    pub(super) fn attributes(&mut self, item: Item<'d>, found: &mut Vec<Found>, depth: usize) -> Step {
        if depth > WSDL_DEPTH_MAX {
            return Err(Self::problem(item, "attribute groups within each other, maybe in a circle"));
        }
        for node in item.node.xsd() {
            let own = Item { node, ..item };
            match node.local {
                "attribute" => self.attribute(own, found)?,
                "attributeGroup" => {
                    self.step(own)?;
                    let Some(name) = Self::name_in(own, "ref")? else { continue };
                    let group = self.find(own, Kind::AttributeGroup, name)?;
                    self.attributes(group, found, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn attribute(&mut self, item: Item<'d>, found: &mut Vec<Found>) -> Step {
        self.step(item)?;
        let reference = Self::name_in(item, "ref")?;
        let (uri, name, value, declared) = match reference {
            Some(name) => self.referred(item, name)?,
            None => {
                let Some(name) = item.node.get("name") else {
                    return Err(Self::problem(item, "an attribute without a name"));
                };
                let schema = &self.components.schemas[item.schema];
                let is_qualified = match item.node.get("form") {
                    Some(form) => form == "qualified",
                    None => schema.qualified_attributes,
                };
                let uri = is_qualified.then(|| schema.namespace.to_string()).filter(|uri| !uri.is_empty());
                (uri, name.to_owned(), self.type_of(item, name)?, item)
            }
        };
        Self::check_name(item, &name)?;
        found.retain(|other| other.attribute.name != name || other.attribute.namespace != uri);
        if item.node.get("use") == Some("prohibited") {
            return Ok(());
        }
        if !matches!(self.types[value.0].content, Content::Scalar(_)) {
            return Err(Self::problem(item, format!("the attribute {name:?} has a type that is not simple")));
        }
        let of = |attribute| {
            item.node.literal(attribute).or_else(|| declared.node.literal(attribute)).map(str::to_owned)
        };
        found.push(Found {
            default: of("default"),
            fixed: of("fixed"),
            attribute: Attribute {
                json: name.clone(),
                namespace: uri,
                name,
                required: item.node.get("use") == Some("required"),
                nullable: item.node.get("use") != Some("required"),
                value,
                documentation: item.node.documentation.clone(),
            },
        });
        Ok(())
    }

    /// An attribute that is declared at the top of a schema: namespace, name, type and place.
    fn referred(&mut self, item: Item<'d>, name: &QName) -> Step<(Option<String>, String, TypeId, Item<'d>)> {
        let uri = Some(name.namespace.to_string()).filter(|uri| !uri.is_empty());
        let local = name.local.to_string();
        // Everybody knows xml:lang and its like, and few give their schema.
        if matches!(&*name.namespace, namespace::XML | namespace::MEDIA_TYPES) {
            return Ok((uri, local, self.scalar(item, ScalarKind::Text)?, item));
        }
        let found = self.find(item, Kind::Attribute, name)?;
        Ok((uri, local, self.type_of(found, &name.local)?, found))
    }
}
