//! A partner's faults (SOAP 1.1, section 4.4; 1.2, part 1, section 5.4).

use super::{
    Unreadable,
    envelope::{child, finish},
};
use crate::{
    client::{Client, Operation},
    namespace,
    read::{self, Parts},
    version::Version,
    xml::Reader,
};

/// A failure as a partner tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerFault {
    pub code: Code,
    /// From the general to the closest; SOAP 1.1 has none.
    pub subcodes: Vec<Code>,
    /// `faultstring`, or the Reason's text, the English one where there are several.
    pub message: String,
    /// `faultactor`, or Role.
    pub role: Option<String>,
    /// What stands in the detail: elements as XML, one behind the other.
    pub detail: Option<String>,
    /// The name of the declared fault, and its JSON text, where the detail is one and can be read.
    pub declared: Option<(String, String)>,
}

/// A fault's code. Codes of SOAP are `Client`, `Server`, `Sender`, `Receiver` and others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// `None`: it has no prefix, or one that is not declared.
    pub namespace: Option<String>,
    pub local: String,
}

impl Client {
    /// The fault that was just started.
    pub(super) fn fault(
        &self,
        operation: &Operation,
        version: Version,
        xml: &mut Reader<'_>,
        parts: &mut dyn Parts,
    ) -> Result<PartnerFault, Unreadable> {
        let mut fault = PartnerFault::default();
        while child(xml)? {
            match (version, xml.local()) {
                (Version::V11, "faultcode") => fault.code = code(xml)?,
                (Version::V11, "faultstring") => fault.message = text(xml)?,
                (Version::V11, "faultactor") | (Version::V12, "Role") => {
                    fault.role = Some(text(xml)?).filter(|role| !role.is_empty());
                }
                (Version::V11, "detail") | (Version::V12, "Detail") => {
                    self.detail(operation, xml, parts, &mut fault)?;
                }
                (Version::V12, "Code") => codes(xml, &mut fault)?,
                (Version::V12, "Reason") => fault.message = reason(xml)?,
                _ => xml.skip()?,
            }
        }
        finish(xml)?;
        Ok(fault)
    }

    fn detail(
        &self,
        operation: &Operation,
        xml: &mut Reader<'_>,
        parts: &mut dyn Parts,
        fault: &mut PartnerFault,
    ) -> Result<(), Unreadable> {
        let mut detail = String::new();
        while child(xml)? {
            let (namespace, local) = (xml.namespace(), xml.local());
            let declared = operation
                .faults
                .iter()
                .find(|fault| local == &*fault.element.local && namespace == &*fault.element.namespace);
            let element = read::raw(xml)?;
            if let (Some(declared), None) = (declared, &fault.declared) {
                let mut xml = Reader::new(&element)?;
                xml.next()?;
                // What can't be read is told as XML: it is a fault all the same.
                let json = read::foreign(&self.shape, declared.root, false, &mut xml, parts).ok();
                fault.declared = json.map(|json| (declared.name.clone(), json));
            }
            detail.push_str(&element);
        }
        fault.detail = Some(detail).filter(|detail| !detail.is_empty());
        Ok(())
    }
}

/// Text without white space around it, of the element that was just started; elements in it are passed over.
fn text(xml: &mut Reader<'_>) -> Result<String, Unreadable> {
    let mut said = String::new();
    loop {
        match xml.next()? {
            crate::xml::Event::Text(text) => said.push_str(&text),
            crate::xml::Event::Start => xml.skip()?,
            crate::xml::Event::End | crate::xml::Event::Eof => break,
        }
    }
    Ok(said.trim_ascii().to_owned())
}

/// The prefix is that of the scope in which the name stands.
fn code(xml: &mut Reader<'_>) -> Result<Code, Unreadable> {
    // At its end the element's own declarations are in force still.
    let said = text(xml)?;
    let resolved = xml.resolve(&said).map(|(uri, local)| (uri.to_owned(), local.to_owned()));
    Ok(match resolved {
        Some((uri, local)) => Code { namespace: Some(uri).filter(|uri| !uri.is_empty()), local },
        None => Code { namespace: None, local: said },
    })
}

/// A code of SOAP 1.2 with its subcodes, one within the other.
fn codes(xml: &mut Reader<'_>, fault: &mut PartnerFault) -> Result<(), Unreadable> {
    let mut depth = 1;
    while depth > 0 {
        if !child(xml)? {
            depth -= 1;
            continue;
        }
        match xml.local() {
            "Value" if depth == 1 => fault.code = code(xml)?,
            "Value" => {
                let code = code(xml)?;
                fault.subcodes.push(code);
            }
            "Subcode" => depth += 1,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn reason(xml: &mut Reader<'_>) -> Result<String, Unreadable> {
    let mut chosen: Option<(bool, String)> = None;
    while child(xml)? {
        let is_english = xml.attribute(namespace::XML, "lang").is_some_and(|lang| lang.starts_with("en"));
        let said = text(xml)?;
        if chosen.as_ref().is_none_or(|(was_english, _)| is_english && !was_english) {
            chosen = Some((is_english, said));
        }
    }
    Ok(chosen.map(|(_, said)| said).unwrap_or_default())
}
