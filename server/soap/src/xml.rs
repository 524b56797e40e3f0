//! XML 1.0 with namespaces, as SOAP allows it: neither DOCTYPE nor processing instructions, and within limits.

mod character;
mod reader;
mod scope;

pub use self::{
    character::{is_ncname, is_xml},
    reader::{Attribute, Event, Reader},
};

pub(crate) use self::character::{is_name, is_name_start};

use std::borrow::Cow;

/// Text that is not the XML that SOAP allows.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{reason} (at byte {offset})")]
pub struct Malformed {
    pub offset: usize,
    pub reason: Cow<'static, str>,
}
