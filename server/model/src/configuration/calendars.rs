//! Calendars in a document.

use busbar_schedule::{Rules, bounds::CALENDAR_RULES_MAX};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, free},
    node::{Content, Node},
};
use crate::{calendar::Draft, name::Name};

impl Entry for Draft {
    const SECTION: &'static str = "calendars";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let dates = members.or("dates", Vec::new(), days);
        let ranges = members.or("ranges", Vec::new(), days);
        let yearly = members.or("yearly", Vec::new(), days);
        let weekdays = members.or("weekdays", Vec::new(), days);
        let rules = Rules { dates: dates?, ranges: ranges?, yearly: yearly?, weekdays: weekdays? };
        Some(Self { name, rules })
    }

    fn write(&self) -> Map<String, Value> {
        let Rules { dates, ranges, yearly, weekdays } = &self.rules;
        let members = [
            ("dates", json!(dates)),
            ("ranges", json!(ranges)),
            ("yearly", json!(yearly)),
            ("weekdays", json!(weekdays)),
        ];
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        let given = members.into_iter().filter(|(_, value)| !empty(value));
        given.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A list of days, each with its place where it is none.
fn days<T: DeserializeOwned>(node: &Node) -> Result<Vec<T>, Wrong> {
    let Content::List(items) = &node.content else {
        return Err(format!("is {}, but must be a list", node.kind()).into());
    };
    if items.len() > CALENDAR_RULES_MAX {
        return Err(format!("has {} items; allowed is {CALENDAR_RULES_MAX}", items.len()).into());
    }
    let item = |(at, item): (usize, &Node)| {
        let read = free(item).and_then(|value| serde_json::from_value(value).map_err(Wrong::from));
        read.map_err(|wrong| wrong.below(&at.to_string()))
    };
    items.iter().enumerate().map(item).collect()
}
