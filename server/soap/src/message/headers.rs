//! Header blocks: which of them are for us, and which of those we understand.

use std::borrow::Cow;

use busbar_model::bounds::{SOAP_HEADER_BLOCKS_MAX, SOAP_HEADER_VALUE_BYTES_MAX};

use super::{Addressing, Security, started};
use crate::{namespace, refusal::Refusal, version::Version, xml::Reader};

/// What the header blocks that are for us say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    pub addressing: Option<Addressing>,
    pub security: Option<Security>,
    /// `wsse:Security` must be understood: whether it is depends on the channel.
    pub security_must_understand: bool,
    /// Namespaces and local names of the blocks that must be understood and are not, `wsse:Security` not among them.
    pub not_understood: Vec<(String, String)>,
}

impl Headers {
    /// Reads the Header that was just started to its end.
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, Refusal> {
        let mut headers = Self::default();
        let mut blocks = 0;
        while started(reader)? {
            blocks += 1;
            if blocks > SOAP_HEADER_BLOCKS_MAX {
                return Err(Refusal::header(format!("more than {SOAP_HEADER_BLOCKS_MAX} header blocks")));
            }
            headers.block(reader, version)?;
        }
        Ok(headers)
    }

    /// Refuses a message with header blocks that must be understood and are not. `security` says whether
    /// `wsse:Security` is understood here.
    pub fn check_understood(&self, security: bool) -> Result<(), Refusal> {
        let mut blocks = self.not_understood.clone();
        if self.security_must_understand && !security {
            blocks.push((namespace::SECURITY.to_owned(), "Security".to_owned()));
        }
        match blocks.is_empty() {
            true => Ok(()),
            false => Err(Refusal::must_understand(blocks)),
        }
    }

    fn block(&mut self, reader: &mut Reader<'_>, version: Version) -> Result<(), Refusal> {
        let envelope = version.namespace();
        if !version.is_for_us(reader.attribute(envelope, version.role_attribute())) {
            return Ok(reader.skip()?);
        }
        let must_understand = match reader.attribute(envelope, "mustUnderstand").map(str::trim) {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(_) => {
                return Err(Refusal::header("a header block has a mustUnderstand that is neither 0 nor 1"));
            }
        };
        if reader.namespace() == namespace::SECURITY && reader.local() == "Security" {
            self.security_must_understand |= must_understand;
            return Security::read(reader, &mut self.security);
        }
        if let Some(spoken) = Addressing::spoken(self.addressing.as_ref(), reader) {
            return Addressing::read(reader, spoken, &mut self.addressing);
        }
        if must_understand {
            // It is kept for each block, and one declaration may serve all of them.
            if reader.namespace().len() > SOAP_HEADER_VALUE_BYTES_MAX {
                return Err(Refusal::header(format!(
                    "the namespace of a header block has more than {SOAP_HEADER_VALUE_BYTES_MAX} bytes"
                )));
            }
            self.not_understood.push((reader.namespace().to_owned(), reader.local().to_owned()));
        }
        Ok(reader.skip()?)
    }
}

/// The text of the header element that was just started, which has no elements in it.
pub(super) fn value<'x>(reader: &mut Reader<'x>) -> Result<Cow<'x, str>, Refusal> {
    let local = reader.local();
    match reader.content()? {
        Some(text) if text.len() <= SOAP_HEADER_VALUE_BYTES_MAX => Ok(text),
        Some(_) => Err(Refusal::header(format!(
            "the header element {local} has more than {SOAP_HEADER_VALUE_BYTES_MAX} bytes"
        ))),
        None => Err(Refusal::header(format!("the header element {local} has elements in it"))),
    }
}

/// The same without white space around it.
pub(super) fn token(reader: &mut Reader<'_>) -> Result<String, Refusal> {
    value(reader).map(|text| text.trim_ascii().to_owned())
}
