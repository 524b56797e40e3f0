//! The content type of a message: which kind it is, and what its parameters say.

mod parameters;

pub(crate) use self::parameters::Parameters;
pub use self::parameters::quoted;

use crate::{refusal::Refusal, version::Version};

/// A `Content-Type` that a message may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    pub kind: Kind,
    /// As it was given; of a package it is that of its root part ([`crate::mtom::Package::root_charset`]).
    pub charset: Option<String>,
    /// The `action` parameter of SOAP 1.2 (RFC 3902, section 4.1), in a package that of its root.
    pub action: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `text/xml` or `application/xml`: SOAP 1.1, unless the envelope says otherwise.
    Xml11,
    /// `application/soap+xml`
    Xml12,
    /// `multipart/related` with `application/xop+xml` as its root (MTOM, section 3).
    Mtom(Related),
}

/// RFC 2387, section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub boundary: String,
    /// The root's content id without `<>`; the first part where there is none.
    pub start: Option<String>,
    /// The content type that the root had outside of a package.
    pub start_info: Option<String>,
}

impl ContentType {
    /// `header` is the value of `Content-Type`. What is none of ours is refused as a media type.
    pub fn parse(header: Option<&str>) -> Result<Self, Refusal> {
        let header = header.ok_or_else(|| Refusal::media_type("the message has no Content-Type"))?;
        let (name, parameters) = Parameters::of(header).map_err(Refusal::media_type)?;
        match name.to_ascii_lowercase().as_str() {
            "text/xml" | "application/xml" => Ok(Self::single(Kind::Xml11, &parameters)),
            "application/soap+xml" => Ok(Self::single(Kind::Xml12, &parameters)),
            "multipart/related" => Self::related(&parameters),
            _ => Err(Refusal::media_type(
                "the Content-Type is none of text/xml, application/soap+xml and multipart/related",
            )),
        }
    }

    /// The version that the content type stands for, where it does.
    pub fn version(&self) -> Option<Version> {
        let of_name = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
            "text/xml" => Some(Version::V11),
            "application/soap+xml" => Some(Version::V12),
            _ => None,
        };
        match &self.kind {
            Kind::Xml11 => Some(Version::V11),
            Kind::Xml12 => Some(Version::V12),
            Kind::Mtom(related) => {
                let info = related.start_info.as_deref()?;
                of_name(info.split_once(';').map_or(info, |(name, _)| name))
            }
        }
    }

    fn single(kind: Kind, parameters: &Parameters) -> Self {
        let of = |name| parameters.get(name).map(str::to_owned);
        Self { kind, charset: of("charset"), action: of("action") }
    }

    fn related(parameters: &Parameters) -> Result<Self, Refusal> {
        let root = parameters.get("type").unwrap_or_default();
        let root = root.split_once(';').map_or(root, |(name, _)| name).trim();
        if !root.eq_ignore_ascii_case("application/xop+xml") {
            return Err(Refusal::media_type(
                "the multipart/related is no MTOM: its type is not application/xop+xml",
            ));
        }
        let boundary = parameters.get("boundary").unwrap_or_default();
        // RFC 2046, section 5.1.1.
        if !(1..=70).contains(&boundary.len()) || !boundary.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Refusal::media_type("the multipart/related has no boundary that may be one"));
        }
        let start_info = parameters.get("start-info");
        let inner = start_info.and_then(|info| Parameters::of(info).ok());
        let inner_action = inner.as_ref().and_then(|(_, inner)| inner.get("action"));
        Ok(Self {
            charset: None,
            action: parameters.get("action").or(inner_action).map(str::to_owned),
            kind: Kind::Mtom(Related {
                boundary: boundary.trim_end().to_owned(),
                start: parameters.get("start").map(|id| bare(id).to_owned()),
                start_info: start_info.map(str::to_owned),
            }),
        })
    }
}

/// A content id without its `<>`.
pub(crate) fn bare(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

#[cfg(test)]
mod tests;
