//! Limits of services in a document.

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, parsed, whole},
    node::{Content, Node},
};
use crate::{
    name::Name,
    service::{LimitsPatch, Service},
};

/// A service as a document has it. One without limits that were set need not stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    pub name: Name,
    /// The plugin that offers it, or will.
    pub plugin: Name,
    pub limits: LimitsPatch,
}

impl From<&Service> for ServiceEntry {
    fn from(service: &Service) -> Self {
        Self { name: service.name.clone(), plugin: service.plugin.clone(), limits: service.limits.clone() }
    }
}

impl Entry for ServiceEntry {
    const SECTION: &'static str = "services";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let plugin = members.required("plugin", parsed(|text| text.parse::<Name>()));
        let limits = members.or("limits", LimitsPatch::default(), limits);
        Some(Self { name, plugin: plugin?, limits: limits? })
    }

    fn write(&self) -> Map<String, Value> {
        let limits = (self.limits != LimitsPatch::default()).then(|| json!(self.limits));
        let members = [("plugin", Some(json!(self.plugin))), ("limits", limits)];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn limits(node: &Node) -> Result<LimitsPatch, Wrong> {
    let Content::Map(given) = &node.content else {
        return Err(Wrong::from(format!("is {}, but must be a map", node.kind())));
    };
    let mut numbers = Map::new();
    for (key, node) in given {
        let number = whole(0, u64::MAX)(node).map_err(|wrong| wrong.below(&key.text))?;
        numbers.insert(key.text.clone(), number.into());
    }
    let limits: LimitsPatch = serde_json::from_value(Value::Object(numbers))?;
    limits.check().map_err(|error| Wrong::at(format!("/{}", error.field), &error))?;
    Ok(limits)
}
