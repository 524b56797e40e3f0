//! From a JSON Schema to a [`Shape`].
//!
//! `look` finds out what a place of the schema is, through references and `null`; `object` gathers what an object has;
//! `members`, `choice` and `table` make types of it. Types wait in a queue to be made: nothing here recurses with the
//! schema.

mod choice;
mod look;
mod members;
mod names;
mod object;
mod place;
mod scalar;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod xml;

use serde_json::Value;

use self::{
    look::{Document, Kind},
    place::{Place, documentation},
    table::{Job, Table, Task, Use},
};
use crate::shape::{Content, Element, Namespace, Shape};

/// What has no image in XML.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{path:?} {reason}")]
pub struct Unmappable {
    /// JSON Pointer (RFC 6901) into the schema; empty for the whole.
    pub path: String,
    pub reason: String,
}

/// The item of an array, and what stands for a scalar, where no name is given.
const ITEM: &str = "item";
const VALUE: &str = "value";

/// The shape of a payload; `None` where the schema allows nothing but `null`.
pub fn shape(schema: &Value) -> Result<Option<Shape>, Unmappable> {
    Compiler { document: Document::new(schema), table: Table::default() }.run(schema)
}

struct Compiler<'a> {
    document: Document<'a>,
    table: Table<'a>,
}

impl<'a> Compiler<'a> {
    fn run(mut self, schema: &'a Value) -> Result<Option<Shape>, Unmappable> {
        let place = Place::root(schema);
        let look = self.document.look(&place)?;
        let mut nullable = look.nullable;
        let root = match &look.kind {
            Kind::Null => return Ok(None),
            Kind::Scalar(_) => {
                let element = Element {
                    namespace: Namespace::Target,
                    name: VALUE.to_owned(),
                    nillable: std::mem::take(&mut nullable),
                    value: self.table.of(&look, Use::Plain, 1)?,
                    documentation: None,
                };
                self.table.add(&place, Content::Sole(element))?
            }
            Kind::List(_) if nullable => {
                return Err(
                    place.refuse("is an array or null, which are both empty: make it a member of an object")
                );
            }
            Kind::List(_) | Kind::Record | Kind::Choice(_) => self.table.of(&look, Use::Plain, 0)?,
        };
        while let Some(Job { id, depth, task }) = self.table.next() {
            let content = match task {
                Task::Record { place, tag } => Content::Record(self.record(&place, tag, depth)?),
                Task::List { items, name } => Content::List(self.item(&items, &name, depth)?),
                Task::Choice { place, branches } => Content::Choice(self.choice(&place, &branches, depth)?),
            };
            self.table.finish(id, content);
        }
        let types = self.table.into_types();
        Ok(Some(Shape { types, root, documentation: documentation(&place), nullable }))
    }
}
