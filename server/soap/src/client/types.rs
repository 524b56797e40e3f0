//! From the types of XML Schema (parts 1 and 2) to those of a [`Shape`].
//!
//! All operations share one list of types. Complex types wait in a queue to be made, so that nothing recurses with what
//! refers to itself. What is not supported is noted at the type that has it, and found from the operations that come to
//! it.

mod attributes;
mod builtin;
mod complex;
mod element;
mod facets;
mod particles;
mod reach;
mod simple;

pub(super) use self::{
    facets::{Bound, Facets},
    reach::{Reached, Walk},
};

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use busbar_model::bounds::{WSDL_MEMBERS_MAX, WSDL_STEPS_MAX, WSDL_TYPES_MAX, XML_NAME_BYTES_MAX};

use super::{
    Refused,
    components::{Components, Item, Kind},
    rules::Rule,
    tree::QName,
    wsdl,
};
use crate::{
    shape::{Content, Element, Namespace, Record, Scalar, ScalarKind, Shape, Type, TypeId},
    xml::is_ncname,
};

/// Why a place can't be read: where in the document of a schema, and what.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    schema: usize,
    offset: usize,
    text: String,
}

type Step<T = ()> = Result<T, Problem>;

/// What a type has beside its shape.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) rules: Vec<Rule>,
    /// Why it can't be used, in any direction.
    problem: Option<Refused>,
    /// It is abstract, and no value says which of its types it is.
    is_abstract: Option<Refused>,
}

pub(super) struct Compiler<'d> {
    components: &'d Components<'d>,
    types: Vec<Type>,
    extras: Vec<Extra>,
    known: HashMap<(usize, usize), TypeId>,
    plain: HashMap<ScalarKind, TypeId>,
    jobs: VecDeque<(TypeId, Item<'d>)>,
    taken: HashSet<String>,
    /// The last number that was put after a name.
    numbers: HashMap<String, usize>,
    prefixes: HashMap<Arc<str>, Arc<str>>,
    /// In the order of their numbers.
    namespaces: Vec<Arc<str>>,
    members: usize,
    steps: usize,
}

impl Extra {
    pub(super) fn is_abstract(&self) -> Option<&Refused> {
        self.is_abstract.as_ref()
    }
}

/// All types, with what stands beside the shape of each.
pub(super) struct Compiled {
    pub(super) shape: Shape,
    pub(super) extras: Vec<Extra>,
    /// The prefix `n1` is that of the first one, and so on.
    pub(super) namespaces: Vec<Arc<str>>,
}

impl<'d> Compiler<'d> {
    pub(super) fn new(components: &'d Components<'d>) -> Self {
        Self {
            components,
            types: Vec::new(),
            extras: Vec::new(),
            known: HashMap::new(),
            plain: HashMap::new(),
            jobs: VecDeque::new(),
            taken: HashSet::new(),
            numbers: HashMap::new(),
            prefixes: HashMap::new(),
            namespaces: Vec::new(),
            members: 0,
            steps: 0,
        }
    }

    /// Makes all types that wait.
    pub(super) fn finish(mut self) -> Compiled {
        while let Some((id, item)) = self.jobs.pop_front() {
            let made = self.complex(id, item);
            let content = made.unwrap_or_else(|problem| {
                self.extras[id.0].problem = Some(self.told(&problem));
                Content::Record(Record::default())
            });
            self.types[id.0].content = content;
        }
        let shape = Shape { types: self.types, root: TypeId(0), documentation: None, nullable: false };
        Compiled { shape, extras: self.extras, namespaces: self.namespaces }
    }

    pub(super) fn told(&self, problem: &Problem) -> Refused {
        self.components.refuse(problem.schema, problem.offset, &problem.text)
    }

    fn problem(item: Item<'_>, text: impl Into<String>) -> Problem {
        Problem { schema: item.schema, offset: item.node.offset, text: text.into() }
    }

    /// The name in an attribute of `item`.
    fn name_in(item: Item<'d>, attribute: &str) -> Step<Option<&'d QName>> {
        item.node.name(attribute).map_err(|text| Self::problem(item, text))
    }

    /// Refuses a name that would break the XML which it is written into; attributes can't be declarations either.
    fn check_name(item: Item<'_>, name: &str) -> Step {
        let is_declaration = item.node.local == "attribute" && name.starts_with("xmlns");
        match is_ncname(name) && name.len() <= XML_NAME_BYTES_MAX && !is_declaration {
            true => Ok(()),
            false => Err(Self::problem(item, format!("{name:?} is no name"))),
        }
    }

    /// What a name means where `item` stands.
    fn find(&self, item: Item<'d>, kind: Kind, name: &QName) -> Step<Item<'d>> {
        self.components.get(item.schema, kind, name).map_err(|text| Self::problem(item, text))
    }

    /// Counts what is looked at: groups within groups may come to far more than stands in the documents.
    fn step(&mut self, item: Item<'_>) -> Step {
        self.steps += 1;
        // What has come to too many members is not looked at further either.
        match self.steps > WSDL_STEPS_MAX || self.members > WSDL_MEMBERS_MAX {
            true => Err(Self::problem(item, "the schemas come to more than can be looked at")),
            false => Ok(()),
        }
    }

    /// Members and attributes of a record that is made.
    fn count(&mut self, item: Item<'_>, members: usize) -> Step {
        self.members += members;
        match self.members > WSDL_MEMBERS_MAX {
            true => {
                Err(Self::problem(item, format!("the types come to more than {WSDL_MEMBERS_MAX} members")))
            }
            false => Ok(()),
        }
    }

    fn add(&mut self, item: Item<'_>, content: Content) -> Step<TypeId> {
        if self.types.len() >= WSDL_TYPES_MAX {
            return Err(Self::problem(item, format!("there are more than {WSDL_TYPES_MAX} types")));
        }
        self.types.push(Type { name: None, documentation: None, content });
        self.extras.push(Extra::default());
        Ok(TypeId(self.types.len() - 1))
    }

    /// A place in a WSDL, for what is told of it.
    pub(super) fn item_of(&self, place: wsdl::Item<'d>) -> Item<'d> {
        Item { schema: self.components.of_wsdl(place.source), node: place.node }
    }

    fn scalar(&mut self, item: Item<'_>, kind: ScalarKind) -> Step<TypeId> {
        if let Some(id) = self.plain.get(&kind) {
            return Ok(*id);
        }
        let id = self.add(item, Content::Scalar(Scalar { kind, values: Vec::new() }))?;
        self.plain.insert(kind, id);
        Ok(id)
    }

    /// A name for the type that no other one has.
    fn name(&mut self, id: TypeId, wanted: &str) {
        let number = self.numbers.entry(wanted.to_owned()).or_insert(1);
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            *number += 1;
            name = format!("{wanted}_{number}");
        }
        self.types[id.0].name = Some(name);
    }

    pub(super) fn namespace(&mut self, uri: &Arc<str>) -> Namespace {
        if uri.is_empty() {
            return Namespace::Target;
        }
        let (next, namespaces) = (self.prefixes.len() + 1, &mut self.namespaces);
        let prefix = self.prefixes.entry(uri.clone()).or_insert_with(|| {
            namespaces.push(uri.clone());
            format!("n{next}").into()
        });
        Namespace::Prefixed { prefix: prefix.clone(), uri: uri.clone() }
    }
}

/// An element without a name: that of the text in its record's own.
fn text_element(value: TypeId) -> Element {
    Element { namespace: Namespace::Target, name: String::new(), nillable: false, value, documentation: None }
}
