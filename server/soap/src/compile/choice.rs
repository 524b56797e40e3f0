//! `oneOf`: which element stands for which branch.

use std::collections::{HashMap, HashSet};

use super::{
    Compiler, Unmappable,
    look::{Kind, Look},
    object::Object,
    place::Place,
    table::Use,
};
use crate::shape::{Element, Scalar, ScalarKind, Variant, VariantForm};

/// What a branch is in JSON.
enum Branch<'p, 'a> {
    /// Strings.
    Units(&'p [String]),
    Object {
        object: Object<'a>,
        /// Required members that have one value only, which is a string.
        tags: Vec<(&'a str, String)>,
    },
}

impl<'a> Compiler<'a> {
    pub(super) fn choice(
        &mut self,
        place: &Place<'a>,
        looks: &[Look<'a>],
        depth: usize,
    ) -> Result<Vec<Variant>, Unmappable> {
        let mut branches = Vec::new();
        for look in looks {
            branches.push(self.branch(look)?);
        }
        let tag = pick_tag(place, &branches)?;
        let mut variants = Vec::new();
        for (look, branch) in looks.iter().zip(&branches) {
            self.document.spend(&look.core, 1)?;
            match branch {
                Branch::Units(values) => {
                    for value in *values {
                        variants.push((&look.core, self.unit(look, value)?));
                    }
                }
                Branch::Object { object, tags } => {
                    let variant = match tags.iter().find(|(name, _)| Some(*name) == tag) {
                        Some((tag, value)) => self.internal(look, tag, value, depth)?,
                        None => self.external(look, object, tag, depth)?,
                    };
                    variants.push((&look.core, variant));
                }
            }
        }
        distinct(&variants)?;
        Ok(variants.into_iter().map(|(_, variant)| variant).collect())
    }

    fn branch<'p>(&self, look: &'p Look<'a>) -> Result<Branch<'p, 'a>, Unmappable> {
        match &look.kind {
            Kind::Scalar(Scalar { kind: ScalarKind::Text, values }) if !values.is_empty() => {
                Ok(Branch::Units(values))
            }
            Kind::Record => {
                let object = self.document.object(&look.core)?;
                let tags = self.tags(&object);
                Ok(Branch::Object { object, tags })
            }
            Kind::Choice(_) => {
                Err(look.core.refuse("is a choice within a choice: list its branches in the outer one"))
            }
            _ => {
                Err(look.core.refuse("is a branch without a tag: make it an object with one required member"))
            }
        }
    }

    /// What can't be looked at is refused when the record is made.
    fn tags(&self, object: &Object<'a>) -> Vec<(&'a str, String)> {
        let required = object.members.iter().filter(|(name, _)| object.required.contains(name));
        let tag = |(name, member): &(&'a str, Place<'a>)| {
            let look = self.document.look(member).ok().filter(|look| !look.nullable)?;
            match look.kind {
                Kind::Scalar(Scalar { kind: ScalarKind::Text, mut values }) if values.len() == 1 => {
                    values.pop().map(|value| (*name, value))
                }
                _ => None,
            }
        };
        required.filter_map(tag).collect()
    }

    fn unit(&mut self, look: &Look<'a>, value: &str) -> Result<Variant, Unmappable> {
        let (namespace, name) = look.xml.element(&look.core, value)?;
        let element = Element {
            namespace,
            name,
            nillable: false,
            value: self.table.unit(&look.core)?,
            documentation: look.documentation.clone(),
        };
        Ok(Variant { element, form: VariantForm::Unit(value.to_owned()) })
    }

    fn internal(
        &mut self,
        look: &Look<'a>,
        tag: &str,
        value: &str,
        depth: usize,
    ) -> Result<Variant, Unmappable> {
        let (tag, value) = (tag.to_owned(), value.to_owned());
        let used = Use::Tagged { tag: tag.clone(), value: value.clone() };
        let mut element = self.element(&look.core, look, &value, used, depth)?;
        // A `null` is one of the choice, not of the variant.
        element.nillable = false;
        Ok(Variant { element, form: VariantForm::Internal { tag, value } })
    }

    fn external(
        &mut self,
        look: &Look<'a>,
        object: &Object<'a>,
        tag: Option<&str>,
        depth: usize,
    ) -> Result<Variant, Unmappable> {
        let (json, place) = match object.members.as_slice() {
            [(json, place)] if object.required.contains(json) && Some(*json) != tag => (json, place),
            _ => {
                let missing = match tag {
                    Some(tag) => {
                        format!("is a branch without the tag {tag:?}: require it, with a const string")
                    }
                    None => {
                        "is a branch without a tag: require a member with a const string, or one member alone"
                            .to_owned()
                    }
                };
                return Err(look.core.refuse(missing));
            }
        };
        let value = self.document.look(place)?;
        let mut element = self.element(place, &value, json, Use::Plain, depth)?;
        element.documentation = element.documentation.or_else(|| look.documentation.clone());
        Ok(Variant { element, form: VariantForm::External((*json).to_owned()) })
    }
}

/// The member that tells branches from each other, if any does: that of the `discriminator`, else the first with
/// another value in each of them.
fn pick_tag<'a>(place: &Place<'a>, branches: &[Branch<'_, 'a>]) -> Result<Option<&'a str>, Unmappable> {
    if let Some(told) = place.get("discriminator").and_then(|said| said.get("propertyName")?.as_str()) {
        return Ok(Some(told));
    }
    let tagged = branches.iter().filter_map(|branch| match branch {
        Branch::Object { object, tags } if !tags.is_empty() => Some((object, tags)),
        _ => None,
    });
    let tagged: Vec<_> = tagged.collect();
    let Some((_, first)) = tagged.first() else { return Ok(None) };
    let mut values: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (tag, value) in tagged.iter().flat_map(|(_, tags)| tags.iter()) {
        values.entry(tag).or_default().insert(value);
    }
    // One value for each branch: all have the tag, and no two the same value.
    let tells = |tag: &str| values.get(tag).is_some_and(|values| values.len() == tagged.len());
    if let Some((tag, _)) = first.iter().find(|(tag, _)| tells(tag)) {
        return Ok(Some(tag));
    }
    if tagged.iter().all(|(object, _)| object.members.len() == 1) {
        return Ok(None);
    }
    let reason = "has branches that no tag tells apart: require the same member in each, \
                  with a const string of its own";
    Err(place.refuse(reason))
}

fn distinct(variants: &[(&Place<'_>, Variant)]) -> Result<(), Unmappable> {
    let (mut elements, mut forms) = (HashSet::new(), HashSet::new());
    for (place, Variant { element, form }) in variants {
        if !elements.insert((&element.namespace, &element.name)) {
            return Err(place
                .refuse(format!("makes a second element {:?} in one choice: set xml.name", element.name)));
        }
        let form = match form {
            VariantForm::Unit(value) => ("a string", value),
            VariantForm::External(name) => ("a member", name),
            VariantForm::Internal { value, .. } => ("a tag", value),
        };
        if !forms.insert(form) {
            return Err(place.refuse(format!("is the second branch with {} {:?}", form.0, form.1)));
        }
    }
    Ok(())
}
