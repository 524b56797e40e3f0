//! Names of types, unique in a namespace whatever operations bring them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    operation::Operation,
    shape::{Content, Element, Namespace, Occurs, Shape, Type, TypeId},
};

/// How often types are compared by what they refer to, and these again by theirs. Types that still differ in a deeper
/// place count as different, which costs no more than a name.
const ROUNDS: usize = 256;

/// Gives the types of all payloads their names. Types that are the same in XSD share one; what has the same name and is
/// another type gets a new one, from its operation's.
pub(super) fn name(operations: &mut [Operation]) {
    for shape in operations.iter_mut().flat_map(Operation::shapes_mut) {
        name_shared(shape);
    }
    let classes = classes(operations);
    let mut taken: HashSet<(String, String)> = HashSet::new();
    for operation in operations.iter() {
        for wrapper in [&operation.name, &operation.response_name()] {
            taken.insert((operation.namespace.clone(), folded(wrapper)));
        }
    }
    let mut names: HashMap<usize, String> = HashMap::new();
    let mut class = classes.into_iter();
    for operation in operations {
        let (prefix, namespace) = (capitalised(&operation.name), operation.namespace.clone());
        for shape in operation.shapes_mut() {
            for (found, class) in shape.types.iter_mut().zip(&mut class) {
                let Some(wanted) = &found.name else { continue };
                let name = names.entry(class).or_insert_with(|| {
                    let prefixed = format!("{prefix}{wanted}");
                    let numbered = (2_usize..).map(|n| format!("{prefixed}{n}"));
                    let mut candidates = [wanted.clone(), prefixed.clone()].into_iter().chain(numbered);
                    let free = candidates.find(|name| taken.insert((namespace.clone(), folded(name))));
                    free.unwrap_or(prefixed)
                });
                found.name = Some(name.clone());
            }
        }
    }
}

/// Generators make a class of each type and of each operation's element, some of them regardless of case.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Names the types that can't be written where they are used: in another namespace's schema, where their elements would
/// be in that namespace, and in several places, which includes all that would contain itself.
fn name_shared(shape: &mut Shape) {
    let mut uses: BTreeMap<TypeId, usize> = BTreeMap::from([(shape.root, 1)]);
    let mut names: BTreeMap<TypeId, String> = BTreeMap::new();
    let mut elsewhere: HashSet<TypeId> = HashSet::new();
    for found in &shape.types {
        let _ = elements::<()>(&found.content, |element, _| {
            *uses.entry(element.value).or_default() += 1;
            names.entry(element.value).or_insert_with(|| capitalised(&element.name));
            if element.namespace != Namespace::Target {
                elsewhere.insert(element.value);
            }
            Ok(())
        });
    }
    for (at, found) in shape.types.iter_mut().enumerate() {
        let id = TypeId(at);
        let is_shared = elsewhere.contains(&id) || uses.get(&id).is_some_and(|uses| *uses > 1);
        if is_shared && found.name.is_none() && !matches!(found.content, Content::Scalar(_)) {
            found.name = names.remove(&id).or_else(|| Some("Payload".to_owned()));
        }
    }
}

/// Calls `found` with each element of `content`, and whether it is nillable.
pub(super) fn elements<'a, E>(
    content: &'a Content,
    mut found: impl FnMut(&'a Element, bool) -> Result<(), E>,
) -> Result<(), E> {
    match content {
        Content::Scalar(_) => Ok(()),
        Content::Record(record) => {
            record.members.iter().try_for_each(|member| found(&member.element, member.is_nillable()))
        }
        Content::Choice(variants) => {
            variants.iter().try_for_each(|variant| found(&variant.element, variant.element.nillable))
        }
        Content::List(element) | Content::Sole(element) => found(element, element.nillable),
    }
}

/// A number for each type of each payload, in their order; equal for types that are the same in XSD, their names and
/// the types they refer to included. Classes are split by those of the types referred to until none splits any more.
fn classes(operations: &[Operation]) -> Vec<usize> {
    let mut local: HashMap<String, usize> = HashMap::new();
    let mut classes: Vec<usize> = Vec::new();
    let mut children: Vec<Vec<usize>> = Vec::new();
    let mut payloads: Vec<usize> = Vec::new();
    for (payload, (operation, shape)) in operations
        .iter()
        .flat_map(|operation| operation.shapes().map(move |(_, shape)| (operation, shape)))
        .enumerate()
    {
        let first = classes.len();
        for found in &shape.types {
            let next = local.len();
            classes.push(*local.entry(description(&operation.namespace, found)).or_insert(next));
            children.push(references(&found.content).into_iter().map(|id| first + id.0).collect());
            payloads.push(payload);
        }
    }
    let mut count = local.len();
    for round in 0..=ROUNDS {
        let mut split: HashMap<(usize, Vec<usize>), usize> = HashMap::new();
        let next: Vec<usize> = (classes.iter().zip(&children).zip(&payloads))
            .map(|((class, children), payload)| {
                let mut key: Vec<usize> =
                    children.iter().filter_map(|at| classes.get(*at).copied()).collect();
                if round == ROUNDS {
                    key.push(*payload);
                }
                let number = split.len();
                *split.entry((*class, key)).or_insert(number)
            })
            .collect();
        classes = next;
        if split.len() == count {
            break;
        }
        count = split.len();
    }
    classes
}

/// All of a type that XSD tells, but for the types it refers to.
fn description(namespace: &str, found: &Type) -> String {
    let one = |element: &Element| (element.namespace.clone(), element.name.clone(), element.nillable);
    let content = match &found.content {
        Content::Scalar(scalar) => format!("scalar {} {:?}", scalar.kind.xsd(), scalar.values),
        Content::Record(record) => {
            let members = record.members.iter().map(|member| {
                let optional = !member.required || member.occurs == Occurs::Repeated;
                (one(&member.element), member.is_nillable(), optional, member.occurs)
            });
            let attributes = record
                .attributes
                .iter()
                .map(|attribute| (&attribute.namespace, &attribute.name, attribute.required));
            format!("record {:?} {:?}", members.collect::<Vec<_>>(), attributes.collect::<Vec<_>>())
        }
        Content::Choice(variants) => {
            format!("choice {:?}", variants.iter().map(|variant| one(&variant.element)).collect::<Vec<_>>())
        }
        Content::List(element) => format!("list {:?}", one(element)),
        Content::Sole(element) => format!("sole {:?}", one(element)),
    };
    format!("{namespace:?} {:?} {content}", found.name)
}

fn references(content: &Content) -> Vec<TypeId> {
    let mut references = Vec::new();
    let _ = elements::<()>(content, |element, _| {
        references.push(element.value);
        Ok(())
    });
    if let Content::Record(record) = content {
        references.extend(record.attributes.iter().map(|attribute| attribute.value));
    }
    references
}
