//! Complex types: what has elements or attributes (XML Schema, part 1, section 3.4).

use std::collections::HashMap;

use busbar_model::bounds::WSDL_DEPTH_MAX;

use super::{
    Compiler, Step,
    attributes::Found,
    element::is_true,
    particles::{Choice, Flat, Particle, Wildcard},
    simple::Simple,
    text_element,
};
use crate::{
    client::{
        components::{Item, Kind},
        rules::{self, Rule},
    },
    namespace,
    shape::{Attribute, Content, Foreign, Member, Namespace, Occurs, Record, Scalar, ScalarKind, TypeId},
};

/// The member that the text of an element with attributes is.
const VALUE: &str = "$value";

/// A type and those that it is derived of, put together.
#[derive(Default)]
struct Gathered<'d> {
    flat: Flat<'d>,
    attributes: Vec<Found>,
    text: Option<Simple>,
    /// Only XML can tell what is in it.
    is_markup: bool,
    /// Anything may be in it: beside elements that are known it is passed over, without any it is all there is.
    is_open: bool,
}

impl<'d> Compiler<'d> {
    pub(super) fn complex(&mut self, id: TypeId, item: Item<'d>) -> Step<Content> {
        let mut gathered = Gathered::default();
        self.gather(item, &mut gathered, 0)?;
        if gathered.is_markup || (gathered.is_open && gathered.flat.particles.is_empty()) {
            let kind = ScalarKind::Foreign(Foreign::Markup);
            return Ok(Content::Scalar(Scalar { kind, values: Vec::new() }));
        }
        let attributes = gathered.attributes;
        match gathered.text {
            Some(simple) => self.text(id, item, simple, attributes),
            None => self.record(id, item, gathered.flat, attributes),
        }
    }

    fn gather(&mut self, item: Item<'d>, gathered: &mut Gathered<'d>, depth: usize) -> Step {
        self.step(item)?;
        if depth > WSDL_DEPTH_MAX {
            let text = format!("more than {WSDL_DEPTH_MAX} types extend each other, maybe in a circle");
            return Err(Self::problem(item, text));
        }
        gathered.is_markup |= item.node.get("mixed").is_some_and(is_true);
        for node in item.node.xsd() {
            let content = Item { node, ..item };
            let Some(derivation) = node.xsd().find(|way| matches!(way.local, "extension" | "restriction"))
            else {
                continue;
            };
            let derivation = Item { node: derivation, ..item };
            match node.local {
                "simpleContent" => return self.simple_content(derivation, gathered, depth),
                "complexContent" => {
                    gathered.is_markup |= node.get("mixed").is_some_and(is_true);
                    return self.derived(derivation, gathered, depth);
                }
                _ => self.step(content)?,
            }
        }
        self.own(item, gathered)
    }

    fn own(&mut self, item: Item<'d>, gathered: &mut Gathered<'d>) -> Step {
        match Self::wildcard(item) {
            Wildcard::None => {}
            Wildcard::Optional => gathered.is_open = true,
            Wildcard::Required => gathered.is_markup = true,
        }
        if !gathered.is_markup {
            self.particles(item, &mut gathered.flat)?;
        }
        self.attributes(item, &mut gathered.attributes, 0)
    }

    fn derived(&mut self, derivation: Item<'d>, gathered: &mut Gathered<'d>, depth: usize) -> Step {
        let base = Self::name_in(derivation, "base")?;
        let base = base.ok_or_else(|| Self::problem(derivation, "a derived type without a base"))?;
        if &*base.namespace == namespace::SOAP_ENCODING {
            let text = format!("{base} is of the SOAP encoding, which is not supported");
            return Err(Self::problem(derivation, text));
        }
        if !(&*base.namespace == namespace::XSD && &*base.local == "anyType") {
            let found = self.find(derivation, Kind::Type, base)?;
            if found.node.local != "complexType" {
                return Err(Self::problem(derivation, format!("{base} is no complex type")));
            }
            self.gather(found, gathered, depth + 1)?;
            // A restriction says all that it leaves, but for attributes.
            if derivation.node.local == "restriction" {
                gathered.flat = Flat::default();
                (gathered.is_markup, gathered.is_open) = (false, false);
            }
        }
        self.own(derivation, gathered)
    }

    fn simple_content(&mut self, derivation: Item<'d>, gathered: &mut Gathered<'d>, depth: usize) -> Step {
        let base = Self::name_in(derivation, "base")?;
        let base = base.ok_or_else(|| Self::problem(derivation, "a derived type without a base"))?;
        let simple = match self.simple_named(derivation, base, 0)? {
            Some(simple) => simple,
            None => {
                let found = self.find(derivation, Kind::Type, base)?;
                self.gather(found, gathered, depth + 1)?;
                let text = gathered.text.take();
                text.ok_or_else(|| Self::problem(derivation, format!("{base} has no simple content")))?
            }
        };
        gathered.text = Some(match derivation.node.local {
            "restriction" => self.restricted(derivation, simple)?,
            _ => simple,
        });
        self.attributes(derivation, &mut gathered.attributes, 0)
    }

    /// Text with attributes: an object whose member `$value` it is. Without attributes it is the text alone.
    fn text(&mut self, id: TypeId, item: Item<'d>, simple: Simple, attributes: Vec<Found>) -> Step<Content> {
        let value = self.add_simple(item, simple)?;
        if attributes.is_empty() {
            self.extras[id.0].rules = self.extras[value.0].rules.clone();
            return Ok(self.types[value.0].content.clone());
        }
        let member = Member {
            json: VALUE.to_owned(),
            element: text_element(value),
            occurs: Occurs::Content,
            required: true,
            nullable: false,
        };
        let attributes = self.named(id, item, attributes, &mut HashMap::new())?;
        Ok(Content::Record(Record { attributes, members: vec![member], tag: None }))
    }

    fn record(
        &mut self,
        id: TypeId,
        item: Item<'d>,
        mut flat: Flat<'d>,
        attributes: Vec<Found>,
    ) -> Step<Content> {
        let names = Self::unite(&mut flat.particles)?;
        let mut taken: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<Member> = Vec::new();
        // Which member each particle has become.
        let mut jsons: Vec<String> = Vec::new();
        for (particle, first) in flat.particles.into_iter().zip(names) {
            if let Some(first) = first {
                jsons.push(jsons[first].clone());
                continue;
            }
            let json = unused(&mut taken, &particle.element.name);
            jsons.push(json.clone());
            self.member_rules(id, &json, &particle);
            members.push(Member {
                json,
                required: particle.required,
                // What is missing may be told as `null` too.
                nullable: !particle.required || (particle.element.nillable && !particle.is_array),
                occurs: if particle.is_array { Occurs::Repeated } else { Occurs::Once },
                element: particle.element,
            });
        }
        self.count(item, members.len())?;
        let choices = flat.choices.into_iter().filter_map(|choice| choice_rule(choice, &jsons));
        self.extras[id.0].rules.extend(choices);
        let attributes = self.named(id, item, attributes, &mut taken)?;
        Ok(Content::Record(Record { attributes, members, tag: None }))
    }

    /// For each particle the first one that it is the same element as, if it is: only in ways that exclude each other.
    fn unite(particles: &mut [Particle<'d>]) -> Step<Vec<Option<usize>>> {
        let mut first: HashMap<(Namespace, String), usize> = HashMap::new();
        let mut united = Vec::with_capacity(particles.len());
        for at in 0..particles.len() {
            let element = &particles[at].element;
            let key = (element.namespace.clone(), element.name.clone());
            let known = *first.entry(key).or_insert(at);
            if known == at {
                united.push(None);
                continue;
            }
            let (one, other) = (&particles[known], &particles[at]);
            let is_same = one.element.value == other.element.value && one.is_array == other.is_array;
            if !is_same || !one.excludes(other) {
                let text = format!("the element {:?} twice in one type", other.element.name);
                return Err(Self::problem(other.item, text));
            }
            united.push(Some(known));
        }
        Ok(united)
    }

    fn member_rules(&mut self, id: TypeId, json: &str, particle: &Particle<'_>) {
        let rules = &mut self.extras[id.0].rules;
        let least = particle.least;
        // None at all is another matter where the member may be missing.
        if particle.is_array && (least > 0 || particle.most.is_some()) {
            rules.push(Rule::Items { member: json.to_owned(), least, most: particle.most });
        }
        if !particle.is_array {
            given(rules, json, particle.default.clone(), particle.fixed.clone());
        }
    }

    fn named(
        &mut self,
        id: TypeId,
        item: Item<'d>,
        found: Vec<Found>,
        taken: &mut HashMap<String, usize>,
    ) -> Step<Vec<Attribute>> {
        self.count(item, found.len())?;
        let rules = &mut self.extras[id.0].rules;
        let name = |Found { mut attribute, default, fixed }: Found| {
            if taken.contains_key(&attribute.json) {
                attribute.json.insert(0, '@');
            }
            attribute.json = unused(taken, &attribute.json);
            given(rules, &attribute.json, default, fixed);
            attribute
        };
        Ok(found.into_iter().map(name).collect())
    }
}

fn given(rules: &mut Vec<Rule>, json: &str, default: Option<String>, fixed: Option<String>) {
    let is_fixed = fixed.is_some();
    if let Some(value) = fixed.or(default) {
        rules.push(Rule::Given { member: json.to_owned(), value, is_fixed });
    }
}

/// The name, with a number behind it if another member has it: elements of two namespaces may share it.
fn unused(taken: &mut HashMap<String, usize>, name: &str) -> String {
    let count = taken.entry(name.to_owned()).or_insert(0);
    *count += 1;
    match *count {
        1 => name.to_owned(),
        count => unused(taken, &format!("{name}_{count}")),
    }
}

fn choice_rule(choice: Choice, jsons: &[String]) -> Option<Rule> {
    let names =
        |at: Vec<usize>| -> Vec<String> { at.into_iter().filter_map(|at| jsons.get(at).cloned()).collect() };
    let ways = choice.ways.into_iter();
    let ways: Vec<_> = ways
        .map(|way| rules::Way { all: names(way.all), required: names(way.required) })
        .filter(|way| !way.all.is_empty())
        .collect();
    (!ways.is_empty()).then_some(Rule::Choice { ways, required: choice.required })
}
