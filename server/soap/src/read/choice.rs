//! Contents of elements that are no records: one of several, a list, or one alone.

use super::{
    Reading,
    failure::{Step, invalid},
    push_key, tag,
};
use crate::{
    json,
    shape::{Element, Type, Variant, VariantForm},
};

impl<'s> Reading<'s, '_, '_> {
    /// Whether the element that was just started is this one.
    fn is(&self, element: &'s Element) -> bool {
        self.xml.local() == element.name && self.xml.namespace() == self.names.uri(&element.namespace)
    }

    fn unknown(&self, elements: impl Iterator<Item = &'s Element>) -> String {
        let named = elements.map(|element| (self.names.uri(&element.namespace), element.name.as_str()));
        tag::unknown(self.xml, self.namespace, named)
    }

    /// `more`: the first child was just started; else the element has ended.
    pub(super) fn choice(&mut self, variants: &'s [Variant], more: bool) -> Step {
        if !more {
            let names: Vec<_> = variants.iter().map(|variant| variant.element.name.as_str()).collect();
            return Err(invalid(format!("has to have one of these elements: {}", names.join(", "))));
        }
        let Some(variant) = variants.iter().find(|variant| self.is(&variant.element)) else {
            return Err(invalid(self.unknown(variants.iter().map(|variant| &variant.element))));
        };
        match &variant.form {
            VariantForm::Unit(text) => {
                self.unit(self.shape.of(variant.element.value))?;
                json::push_string(&mut self.out, text);
            }
            VariantForm::External(name) => {
                self.open('{')?;
                push_key(&mut self.out, name);
                self.element(&variant.element).map_err(|failure| failure.within(name))?;
                self.close('}');
            }
            // Its tag is the record's own.
            VariantForm::Internal { .. } => {
                if self.is_nil()? {
                    return Err(invalid("can't be null"));
                }
                self.value(variant.element.value)?;
            }
        }
        match self.child()? {
            false => Ok(()),
            true => Err(invalid("can have one element only")),
        }
    }

    /// An element that says all by its name.
    fn unit(&mut self, declared: &Type) -> Step {
        if self.is_nil()? {
            return Err(invalid("can't be null"));
        }
        self.bare(declared)?;
        match self.child()? {
            false => Ok(()),
            true => Err(invalid("has an element in one that has to be empty")),
        }
    }

    pub(super) fn list(&mut self, element: &'s Element, mut more: bool) -> Step {
        self.open('[')?;
        let mut count = 0;
        while more {
            if !self.is(element) {
                return Err(invalid(self.unknown(std::iter::once(element))));
            }
            if count > 0 {
                self.out.push(',');
            }
            self.deeper().and_then(|()| self.element(element)).map_err(|failure| failure.within(count))?;
            self.shallower();
            count += 1;
            more = self.child()?;
        }
        self.close(']');
        Ok(())
    }

    pub(super) fn sole(&mut self, element: &'s Element, more: bool) -> Step {
        match more {
            true if self.is(element) => self.element(element)?,
            true => return Err(invalid(self.unknown(std::iter::once(element)))),
            false if element.nillable => {
                self.out.push_str("null");
                return Ok(());
            }
            false => return Err(invalid(format!("lacks its element {:?}", element.name))),
        }
        match self.child()? {
            false => Ok(()),
            true => Err(invalid("can have one element only")),
        }
    }
}
