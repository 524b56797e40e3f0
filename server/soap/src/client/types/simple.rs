//! Simple types: what is text in XML (XML Schema, part 2).

use busbar_model::bounds::WSDL_DEPTH_MAX;

use super::{
    Compiler, Problem, Step,
    builtin::builtin,
    facets::{Bound, Facets},
};
use crate::{
    client::{
        components::{Item, Kind},
        rules::Rule,
        tree::{QName, Space},
    },
    namespace,
    shape::{Content, Foreign, Scalar, ScalarKind, TypeId},
};

/// A simple type, as far as it is read.
#[derive(Clone, Debug)]
pub(super) struct Simple {
    pub(super) kind: ScalarKind,
    /// As XML has them.
    values: Vec<String>,
    facets: Facets,
    /// A list or a union: what is said of its length is about something else than characters.
    is_opaque: bool,
}

impl<'d> Compiler<'d> {
    /// The simple type of this name; `item` is what names it. `None`: it is a complex one.
    pub(super) fn simple_named(
        &mut self,
        item: Item<'d>,
        name: &QName,
        depth: usize,
    ) -> Step<Option<Simple>> {
        if &*name.namespace == namespace::XSD {
            return match builtin(&name.local) {
                Some((kind, facets)) => {
                    Ok(Some(Simple { kind, values: Vec::new(), facets, is_opaque: false }))
                }
                None => Err(Self::problem(item, format!("values of xs:{} are not supported", name.local))),
            };
        }
        if &*name.namespace == namespace::SOAP_ENCODING {
            return Err(Self::problem(
                item,
                format!("{name} is of the SOAP encoding, which is not supported"),
            ));
        }
        let found = self.find(item, Kind::Type, name)?;
        match found.node.local {
            "simpleType" => self.simple(found, depth + 1).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn simple(&mut self, item: Item<'d>, depth: usize) -> Step<Simple> {
        self.step(item)?;
        if depth > WSDL_DEPTH_MAX {
            return Err(Self::problem(item, format!("more than {WSDL_DEPTH_MAX} types restrict each other")));
        }
        let Some(way) = item.node.xsd().next() else {
            return Err(Self::problem(item, "a simple type without content"));
        };
        let way_item = Item { node: way, ..item };
        match way.local {
            // An item of a list has no white space, all of it together is one text.
            "list" => Ok(Simple::opaque(ScalarKind::Foreign(Foreign::Token))),
            "union" => Ok(Simple::opaque(ScalarKind::Text)),
            "restriction" => {
                let base = self.base(way_item, depth)?;
                self.restricted(way_item, base)
            }
            other => Err(Self::problem(way_item, format!("xs:{other} in a simple type"))),
        }
    }

    fn base(&mut self, restriction: Item<'d>, depth: usize) -> Step<Simple> {
        let named = Self::name_in(restriction, "base")?;
        if let Some(name) = named {
            return self
                .simple_named(restriction, name, depth)?
                .ok_or_else(|| Self::problem(restriction, format!("{name} is no simple type")));
        }
        match restriction.node.child(Space::Xsd, "simpleType") {
            Some(node) => self.simple(Item { node, ..restriction }, depth + 1),
            None => Err(Self::problem(restriction, "a restriction without a base")),
        }
    }

    /// What a restriction leaves of its base.
    pub(super) fn restricted(&mut self, restriction: Item<'d>, mut simple: Simple) -> Step<Simple> {
        let mut values = Vec::new();
        for facet in restriction.node.xsd() {
            let item = Item { node: facet, ..restriction };
            self.step(item)?;
            let Some(value) = facet.literal("value") else { continue };
            let number =
                || Bound { value: value.trim().to_owned(), is_exclusive: facet.local.ends_with("Exclusive") };
            let length = || value.trim().parse::<u64>().ok();
            match facet.local {
                "enumeration" => values.push(value.to_owned()),
                "whiteSpace" if value == "collapse" && simple.kind == ScalarKind::Text => {
                    simple.kind = ScalarKind::Foreign(Foreign::Token);
                }
                "minLength" if !simple.is_opaque => simple.facets.length_min = length(),
                "maxLength" if !simple.is_opaque => simple.facets.length_max = length(),
                "length" if !simple.is_opaque => {
                    (simple.facets.length_min, simple.facets.length_max) = (length(), length());
                }
                "minInclusive" | "minExclusive" => simple.facets.least = Some(number()),
                "maxInclusive" | "maxExclusive" => simple.facets.greatest = Some(number()),
                _ => {}
            }
        }
        if !values.is_empty() {
            simple.values = values;
        }
        Ok(simple)
    }

    /// The type of a simple type that `item` declares or uses.
    pub(super) fn add_simple(&mut self, item: Item<'d>, simple: Simple) -> Step<TypeId> {
        if simple.values.is_empty() && simple.facets.is_empty() {
            return self.scalar(item, simple.kind);
        }
        let facets = simple.applicable();
        let values = simple.values(item)?;
        self.count(item, values.len() / 8)?;
        let id = self.add(item, Content::Scalar(Scalar { kind: simple.kind, values }))?;
        if !facets.is_empty() {
            self.extras[id.0].rules.push(Rule::Facets(facets));
        }
        Ok(id)
    }
}

impl Simple {
    fn opaque(kind: ScalarKind) -> Self {
        Self { kind, values: Vec::new(), facets: Facets::default(), is_opaque: true }
    }

    /// Bounds of dates are left to the partner, and the lengths of what is not text in JSON.
    fn applicable(&self) -> Facets {
        let mut facets = self.facets.clone();
        if !self.is_number() {
            (facets.least, facets.greatest) = (None, None);
        }
        let is_text = matches!(self.kind, ScalarKind::Text | ScalarKind::Foreign(Foreign::Token));
        if !is_text || facets.pattern.is_some() {
            (facets.length_min, facets.length_max) = (None, None);
        }
        facets
    }

    fn is_number(&self) -> bool {
        matches!(
            self.kind,
            ScalarKind::Integer(_)
                | ScalarKind::Double
                | ScalarKind::Decimal
                | ScalarKind::Foreign(Foreign::Whole)
        )
    }

    /// The allowed values as JSON has them, texts without quotes.
    fn values(&self, item: Item<'_>) -> Step<Vec<String>> {
        let mut values: Vec<String> = Vec::with_capacity(self.values.len());
        let mut seen = std::collections::HashSet::new();
        for value in &self.values {
            let value = match self.kind {
                ScalarKind::Text => value.clone(),
                ScalarKind::Boolean => match value.trim() {
                    "1" | "true" => "true".to_owned(),
                    _ => "false".to_owned(),
                },
                ScalarKind::Integer(_) | ScalarKind::Foreign(Foreign::Whole) => {
                    match value.trim().parse::<i128>() {
                        Ok(number) => number.to_string(),
                        Err(_) => {
                            return Err(Problem {
                                schema: item.schema,
                                offset: item.node.offset,
                                text: format!("{value:?} among the values of integers"),
                            });
                        }
                    }
                }
                // Numbers and names have many forms, of which JSON knows one: their values are left to the partner.
                ScalarKind::Double | ScalarKind::Foreign(Foreign::Name) => return Ok(Vec::new()),
                _ => value.trim().to_owned(),
            };
            if seen.insert(value.clone()) {
                values.push(value);
            }
        }
        Ok(values)
    }
}
