//! The keyword `xml` (OpenAPI 3.1, XML Object).

use serde_json::Value;

use super::{
    Unmappable,
    names::{attribute_flaw, element_flaw, namespace_flaw},
    place::Place,
};
use crate::shape::Namespace;

/// `prefix` is not looked at: prefixes mean nothing.
#[derive(Clone, Default)]
pub(super) struct Xml {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) attribute: bool,
    pub(super) wrapped: bool,
}

impl Xml {
    /// What `place` itself says.
    pub(super) fn of(place: &Place<'_>) -> Result<Option<Self>, Unmappable> {
        let Some(xml) = place.get("xml") else { return Ok(None) };
        let members = xml.as_object().ok_or_else(|| place.refuse("has an xml that is no object"))?;
        let text = |name| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(place.refuse(format!("has an xml.{name} that is no string"))),
        };
        let flag = |name| match members.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(place.refuse(format!("has an xml.{name} that is neither true nor false"))),
        };
        let namespace = text("namespace")?;
        match namespace.as_deref().and_then(namespace_flaw) {
            Some(flaw) => Err(place.refuse(flaw)),
            None => Ok(Some(Self {
                name: text("name")?,
                namespace,
                attribute: flag("attribute")?,
                wrapped: flag("wrapped")?,
            })),
        }
    }

    /// Namespace and name of an element that is called `otherwise` if it has no name here.
    pub(super) fn element(
        &self,
        place: &Place<'_>,
        otherwise: &str,
    ) -> Result<(Namespace, String), Unmappable> {
        let name = self.name.as_deref().unwrap_or(otherwise);
        match element_flaw(name) {
            Some(flaw) => Err(place.refuse(flaw)),
            None => {
                let namespace = self.namespace.clone().map_or(Namespace::Target, Namespace::Other);
                Ok((namespace, name.to_owned()))
            }
        }
    }

    /// As `element`, for an attribute.
    pub(super) fn attribute(
        &self,
        place: &Place<'_>,
        otherwise: &str,
    ) -> Result<(Option<String>, String), Unmappable> {
        let name = self.name.as_deref().unwrap_or(otherwise);
        match attribute_flaw(name) {
            Some(flaw) => Err(place.refuse(flaw)),
            None => Ok((self.namespace.clone(), name.to_owned())),
        }
    }
}
