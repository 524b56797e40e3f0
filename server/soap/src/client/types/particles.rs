//! Groups of elements, made flat: the members of one JSON object.
//!
//! An element of a choice is a member that may be missing; what goes together is kept beside it.

use busbar_model::bounds::WSDL_DEPTH_MAX;

use super::{Compiler, Step, element::is_true};
use crate::{
    client::components::{Item, Kind},
    shape::Element,
};

/// An element of a group.
pub(super) struct Particle<'d> {
    pub(super) item: Item<'d>,
    pub(super) element: Element,
    pub(super) is_array: bool,
    pub(super) required: bool,
    /// Of an array that repeats by itself.
    pub(super) least: u32,
    pub(super) most: Option<u32>,
    /// The choices that it stands in, and by which of their ways.
    way: Vec<(usize, usize)>,
    pub(super) default: Option<String>,
    pub(super) fixed: Option<String>,
}

#[derive(Default)]
pub(super) struct Choice {
    /// There has to be one of its ways.
    pub(super) required: bool,
    pub(super) ways: Vec<Way>,
}

/// The particles of one way of a choice, and those of them that it can't be without.
#[derive(Default)]
pub(super) struct Way {
    pub(super) all: Vec<usize>,
    pub(super) required: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcard {
    None,
    Optional,
    Required,
}

#[derive(Default)]
pub(super) struct Flat<'d> {
    pub(super) particles: Vec<Particle<'d>>,
    pub(super) choices: Vec<Choice>,
}

/// What holds around a group.
#[derive(Clone, Default)]
struct Around {
    optional: bool,
    repeated: bool,
    way: Vec<(usize, usize)>,
    depth: usize,
}

impl<'d> Compiler<'d> {
    /// Adds what stands in `item`, a type, an extension or a restriction.
    pub(super) fn particles(&mut self, item: Item<'d>, flat: &mut Flat<'d>) -> Step {
        for node in item.node.xsd() {
            if matches!(node.local, "sequence" | "all" | "choice" | "group") {
                self.group(Item { node, ..item }, flat, &Around::default())?;
            }
        }
        Ok(())
    }

    fn group(&mut self, item: Item<'d>, flat: &mut Flat<'d>, around: &Around) -> Step {
        self.step(item)?;
        if around.depth > WSDL_DEPTH_MAX {
            return Err(Self::problem(item, "groups within each other, maybe in a circle"));
        }
        let (least, most) = occurs(item);
        if most == Some(0) {
            return Ok(());
        }
        let mut inner = around.clone();
        inner.depth += 1;
        inner.optional |= least == 0;
        inner.repeated |= most != Some(1);
        match item.node.local {
            "group" => {
                let name = Self::name_in(item, "ref")?;
                let Some(name) = name else { return Ok(()) };
                let found = self.find(item, Kind::Group, name)?;
                let mut children = found.node.xsd().filter(|node| node.local != "annotation");
                match children.next() {
                    Some(node) => self.group(Item { node, ..found }, flat, &inner),
                    None => Ok(()),
                }
            }
            "choice" if inner.repeated => {
                inner.optional = true;
                item.node.xsd().try_for_each(|node| self.one(Item { node, ..item }, flat, &inner))
            }
            "choice" => self.choice(item, flat, inner),
            _ => {
                if inner.repeated && item.node.xsd().filter(|node| node.local != "any").nth(1).is_some() {
                    return Err(Self::problem(
                        item,
                        "a group of several elements that repeats: JSON has no order among members",
                    ));
                }
                item.node.xsd().try_for_each(|node| self.one(Item { node, ..item }, flat, &inner))
            }
        }
    }

    fn choice(&mut self, item: Item<'d>, flat: &mut Flat<'d>, around: Around) -> Step {
        let at = flat.choices.len();
        let required = !around.optional && around.way.is_empty();
        flat.choices.push(Choice { required, ways: Vec::new() });
        for (nth, node) in item.node.xsd().enumerate() {
            flat.choices[at].ways.push(Way::default());
            let mut inner = Around { optional: false, ..around.clone() };
            inner.way.push((at, nth));
            self.one(Item { node, ..item }, flat, &inner)?;
        }
        // A way that can be empty is one without any member.
        let can_be_empty = flat.choices[at].ways.iter().any(|way| way.required.is_empty());
        flat.choices[at].required &= !can_be_empty;
        Ok(())
    }

    fn one(&mut self, item: Item<'d>, flat: &mut Flat<'d>, around: &Around) -> Step {
        match item.node.local {
            "element" => self.particle(item, flat, around),
            "sequence" | "all" | "choice" | "group" => self.group(item, flat, around),
            // What it stands for is passed over in replies and never sent.
            _ => self.step(item),
        }
    }

    fn particle(&mut self, item: Item<'d>, flat: &mut Flat<'d>, around: &Around) -> Step {
        let (least, most) = occurs(item);
        if most == Some(0) {
            return Ok(());
        }
        let reference = Self::name_in(item, "ref")?;
        let (declared, is_global) = match reference {
            Some(name) => (self.find(item, Kind::Element, name)?, true),
            None => (item, false),
        };
        let mut element = self.element(declared, is_global)?;
        element.documentation = item.node.documentation.clone().or(element.documentation);
        element.nillable |= item.node.get("nillable").is_some_and(is_true);
        let at = flat.particles.len();
        for (choice, way) in &around.way {
            flat.choices[*choice].ways[*way].all.push(at);
        }
        if let Some((choice, way)) = around.way.last()
            && least > 0
            && !around.optional
        {
            flat.choices[*choice].ways[*way].required.push(at);
        }
        flat.particles.push(Particle {
            item,
            element,
            is_array: around.repeated || most != Some(1),
            required: least > 0 && !around.optional && around.way.is_empty(),
            least: if around.repeated { 0 } else { least },
            most: if around.repeated { None } else { most },
            way: around.way.clone(),
            default: declared.node.literal("default").map(str::to_owned),
            fixed: declared.node.literal("fixed").map(str::to_owned),
        });
        Ok(())
    }

    /// Whether there are wildcards in a type, an extension or a restriction.
    pub(super) fn wildcard(item: Item<'_>) -> Wildcard {
        let mut found = Wildcard::None;
        let mut waiting = vec![item.node];
        while let Some(node) = waiting.pop() {
            for child in node.xsd() {
                match child.local {
                    "any" if occurs(Item { node: child, ..item }).0 > 0 => return Wildcard::Required,
                    "any" => found = Wildcard::Optional,
                    "sequence" | "all" | "choice" => waiting.push(child),
                    _ => {}
                }
            }
        }
        found
    }
}

impl Particle<'_> {
    /// Whether never both are there: they stand in different ways of a choice.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        self.way.iter().any(|(choice, way)| other.way.iter().any(|(c, w)| c == choice && w != way))
    }
}

/// `minOccurs` and `maxOccurs`; `None` is unbounded.
fn occurs(item: Item<'_>) -> (u32, Option<u32>) {
    let least = item.node.get("minOccurs").map_or(1, |text| text.parse().unwrap_or(u32::MAX));
    let most = match item.node.get("maxOccurs") {
        None => Some(1),
        Some("unbounded") => None,
        Some(text) => Some(text.parse().unwrap_or(u32::MAX)),
    };
    (least, most)
}
