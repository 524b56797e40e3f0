//! The types made so far, the names they have, and those that are to be made.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
};

use busbar_model::bounds::{SHAPE_DEPTH_MAX, SHAPE_TYPES_MAX};

use super::{
    ITEM, Unmappable,
    look::{Kind, Look},
    names::to_nc_name,
    place::{Place, documentation},
};
use crate::shape::{Content, Record, ScalarKind, Type, TypeId};

/// What one schema may be several types for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Use {
    Plain,
    /// An array in an element of its own, with items of this name unless they have one.
    Items(String),
    /// A variant, without its tag.
    Tagged {
        tag: String,
        value: String,
    },
}

/// A type to make. Its members may be made after it: they wait too.
pub(super) struct Job<'a> {
    pub(super) id: TypeId,
    /// How many types without a name it stands in, itself included.
    pub(super) depth: usize,
    pub(super) task: Task<'a>,
}

pub(super) enum Task<'a> {
    Record { place: Place<'a>, tag: Option<(String, String)> },
    List { items: Place<'a>, name: String },
    Choice { place: Place<'a>, branches: Rc<[Look<'a>]> },
}

#[derive(Default)]
pub(super) struct Table<'a> {
    types: Vec<Type>,
    /// By the address of the schema.
    known: HashMap<(usize, Use), TypeId>,
    /// Scalars that neither have a name nor list values.
    plain: HashMap<ScalarKind, TypeId>,
    unit: Option<TypeId>,
    jobs: VecDeque<Job<'a>>,
    taken: HashSet<String>,
    /// The last number that was put after a name.
    numbers: HashMap<String, usize>,
}

impl<'a> Table<'a> {
    /// The type of what was seen, which stands within `depth` types without a name.
    pub(super) fn of(&mut self, look: &Look<'a>, used: Use, depth: usize) -> Result<TypeId, Unmappable> {
        if let (Kind::Scalar(scalar), None) = (&look.kind, &look.name)
            && scalar.values.is_empty()
        {
            if let Some(id) = self.plain.get(&scalar.kind) {
                return Ok(*id);
            }
            let id = self.add(&look.core, Content::Scalar(scalar.clone()))?;
            self.plain.insert(scalar.kind, id);
            return Ok(id);
        }
        let used = match (&look.kind, used) {
            (Kind::List(_), Use::Plain) => Use::Items(ITEM.to_owned()),
            (_, used) => used,
        };
        let key = (look.core.address(), used);
        if let Some(id) = self.known.get(&key) {
            let id = *id;
            self.name(id, look, true);
            return Ok(id);
        }
        let depth = if look.name.is_some() { 0 } else { depth + 1 };
        if depth > SHAPE_DEPTH_MAX {
            return Err(look.core.refuse("nests too deeply: move it to $defs"));
        }
        let content = match &look.kind {
            Kind::Scalar(scalar) => Content::Scalar(scalar.clone()),
            _ => Content::Record(Record::default()),
        };
        let id = self.add(&look.core, content)?;
        if let Some(task) = task(look, &key.1)? {
            self.jobs.push_back(Job { id, depth, task });
        }
        self.known.insert(key, id);
        self.name(id, look, false);
        Ok(id)
    }

    /// A type that nothing else can refer to.
    pub(super) fn add(&mut self, place: &Place<'_>, content: Content) -> Result<TypeId, Unmappable> {
        if self.types.len() >= SHAPE_TYPES_MAX {
            return Err(place.refuse(format!("is where there are more than {SHAPE_TYPES_MAX} types")));
        }
        self.types.push(Type { name: None, documentation: None, content });
        Ok(TypeId(self.types.len() - 1))
    }

    /// A record without members.
    pub(super) fn unit(&mut self, place: &Place<'_>) -> Result<TypeId, Unmappable> {
        if let Some(id) = self.unit {
            return Ok(id);
        }
        let id = self.add(place, Content::Record(Record::default()))?;
        self.unit = Some(id);
        Ok(id)
    }

    pub(super) fn next(&mut self) -> Option<Job<'a>> {
        self.jobs.pop_front()
    }

    pub(super) fn finish(&mut self, id: TypeId, content: Content) {
        if let Some(made) = self.types.get_mut(id.0) {
            made.content = content;
        }
    }

    pub(super) fn into_types(self) -> Vec<Type> {
        self.types
    }

    /// Names a type that has no name yet: as the reference to it does; without one only if it is used `again`, which
    /// it can be within itself, and then XSD needs a name.
    fn name(&mut self, id: TypeId, look: &Look<'a>, again: bool) {
        let Some(made) = self.types.get_mut(id.0).filter(|made| made.name.is_none()) else { return };
        let wanted = match &look.name {
            Some(name) => name.clone(),
            None if again => look.core.last_name(),
            None => return,
        };
        if look.name.is_some() {
            made.documentation = documentation(&look.core);
        }
        let base = to_nc_name(&wanted);
        let mut name = base.clone();
        let number = self.numbers.entry(base.clone()).or_insert(1);
        while !self.taken.insert(name.clone()) {
            *number += 1;
            name = format!("{base}{number}");
        }
        made.name = Some(name);
    }
}

/// What makes the type; nothing if it is made already.
fn task<'a>(look: &Look<'a>, used: &Use) -> Result<Option<Task<'a>>, Unmappable> {
    let place = look.core.clone();
    Ok(match (&look.kind, used) {
        (Kind::Null, _) => return Err(place.refuse("allows nothing but null: leave it out")),
        (Kind::Scalar(_), _) => None,
        (Kind::Record, Use::Tagged { tag, value }) => {
            Some(Task::Record { place, tag: Some((tag.clone(), value.clone())) })
        }
        (Kind::Record, _) => Some(Task::Record { place, tag: None }),
        (Kind::List(items), Use::Items(name)) => {
            Some(Task::List { items: items.clone(), name: name.clone() })
        }
        (Kind::List(items), _) => Some(Task::List { items: items.clone(), name: ITEM.to_owned() }),
        (Kind::Choice(branches), _) => Some(Task::Choice { place, branches: branches.clone() }),
    })
}
