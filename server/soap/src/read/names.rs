//! Which member an element or an attribute of a record is.

use std::{cell::OnceCell, collections::HashMap, rc::Rc};

use crate::shape::{Namespace, Occurs, Record, TypeId};

/// So many names behind the last one are compared, which is enough where members come in order and for most records
/// anyhow. Only then is a name looked up.
const NEAR: usize = 16;

/// A namespace, empty for none, and a local name.
type Name<'s> = (&'s str, &'s str);

/// What is prepared for records with many members, when they are first met.
pub(super) struct Names<'s> {
    target: &'s str,
    large: HashMap<TypeId, Rc<Large<'s>>>,
}

/// One record as it is read.
pub(super) struct Known<'s> {
    target: &'s str,
    record: &'s Record,
    large: Option<Rc<Large<'s>>>,
}

#[derive(Default)]
struct Large<'s> {
    members: OnceCell<HashMap<Name<'s>, usize>>,
    attributes: OnceCell<HashMap<Name<'s>, usize>>,
    arrays: OnceCell<Vec<usize>>,
}

impl<'s> Names<'s> {
    pub(super) fn new(target: &'s str) -> Self {
        Self { target, large: HashMap::new() }
    }

    pub(super) fn of(&mut self, id: TypeId, record: &'s Record) -> Known<'s> {
        let is_large = record.members.len() > NEAR || record.attributes.len() > NEAR;
        let large = is_large.then(|| Rc::clone(self.large.entry(id).or_default()));
        Known { target: self.target, record, large }
    }

    pub(super) fn uri(&self, namespace: &'s Namespace) -> &'s str {
        uri(self.target, namespace)
    }
}

fn uri<'s>(target: &'s str, namespace: &'s Namespace) -> &'s str {
    match namespace {
        Namespace::Target => target,
        Namespace::Other(uri) => uri,
        Namespace::Prefixed { uri, .. } => uri,
    }
}

impl<'s> Known<'s> {
    /// The member that is an element of this name; `last` is the one before.
    pub(super) fn member(&self, last: usize, namespace: &str, local: &str) -> Option<usize> {
        let members = &self.record.members;
        let name = |at: usize| {
            let element = &members[at].element;
            (uri(self.target, &element.namespace), element.name.as_str())
        };
        find(members.len(), last, (namespace, local), name, self.large.as_ref().map(|large| &large.members))
    }

    pub(super) fn attribute(&self, last: usize, namespace: &str, local: &str) -> Option<usize> {
        let attributes = &self.record.attributes;
        let name = |at: usize| {
            let attribute = &attributes[at];
            (attribute.namespace.as_deref().unwrap_or_default(), attribute.name.as_str())
        };
        find(
            attributes.len(),
            last,
            (namespace, local),
            name,
            self.large.as_ref().map(|large| &large.attributes),
        )
    }

    /// The arrays that JSON has even if they are empty, in the order of declaration.
    pub(super) fn required_arrays(&self) -> impl Iterator<Item = usize> + use<'s> {
        let record = self.record;
        let is = move |at: &usize| {
            let member = &record.members[*at];
            member.required && member.occurs == Occurs::Repeated
        };
        let few = self.large.is_none();
        let large = self.large.clone();
        // By index, since the list can't be borrowed from what is shared.
        let listed = move |at: usize| {
            let listed =
                large.as_ref()?.arrays.get_or_init(|| (0..record.members.len()).filter(is).collect());
            listed.get(at).copied()
        };
        let small = (0..if few { record.members.len() } else { 0 }).filter(is);
        small.chain((0..).map_while(listed))
    }

    pub(super) fn target(&self) -> &'s str {
        self.target
    }
}

fn find<'s>(
    count: usize,
    last: usize,
    wanted: Name<'_>,
    name: impl Fn(usize) -> Name<'s>,
    map: Option<&OnceCell<HashMap<Name<'s>, usize>>>,
) -> Option<usize> {
    let is_wanted = |at: &usize| {
        let (namespace, local) = name(*at);
        local == wanted.1 && namespace == wanted.0
    };
    if last + 1 < count {
        // Another item, or the next member: what comes nearly always.
        let next = if is_wanted(&last) { last } else { last + 1 };
        if next == last || is_wanted(&next) {
            return Some(next);
        }
    }
    let mut near = (last..count).chain(0..last.min(count)).take(NEAR);
    if let Some(at) = near.find(is_wanted) {
        return Some(at);
    }
    let map = map.filter(|_| count > NEAR)?;
    map.get_or_init(|| (0..count).map(|at| (name(at), at)).collect()).get(&wanted).copied()
}
