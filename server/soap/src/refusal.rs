//! Why a message is not taken.

use std::borrow::Cow;

use busbar_model::fault::FieldError;

use crate::{message::Addressing, version::Version, xml::Malformed};

/// A message that is refused, as its sender is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub cause: Cause,
    /// Stable, lower-case, dashes.
    pub code: Cow<'static, str>,
    /// External text.
    pub message: String,
    pub errors: Vec<FieldError>,
    /// The message's version, where its envelope told it before it was refused.
    pub version: Option<Version>,
    /// The message's own addressing headers, where they were read before it was refused.
    pub addressing: Option<Box<Addressing>>,
}

/// What a fault is about, which decides its code and where its details stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The sender's fault, in the body or the message as a whole: Client or Sender.
    Message,
    /// The sender's fault, in a header.
    Header,
    /// An envelope of a version that we don't speak.
    Version,
    /// Header blocks that must be understood and are not, as namespace and local name.
    MustUnderstand(Vec<(String, String)>),
    /// A body in an encoding that is not XML's (SOAP 1.2, part 1, section 5.4.6).
    DataEncoding,
    /// A content type or charset that no message may have: HTTP status 415.
    MediaType,
    Security(SecurityFault),
    Addressing(AddressingFault),
    /// Our fault, or the service's: Server or Receiver.
    Server,
}

/// The faults of WS-Security 1.0, section 12, in the namespace of `wsse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityFault {
    UnsupportedSecurityToken,
    UnsupportedAlgorithm,
    InvalidSecurity,
    InvalidSecurityToken,
    FailedAuthentication,
    FailedCheck,
    SecurityTokenUnavailable,
}

impl SecurityFault {
    /// The local name of its code.
    pub fn local(self) -> &'static str {
        match self {
            Self::UnsupportedSecurityToken => "UnsupportedSecurityToken",
            Self::UnsupportedAlgorithm => "UnsupportedAlgorithm",
            Self::InvalidSecurity => "InvalidSecurity",
            Self::InvalidSecurityToken => "InvalidSecurityToken",
            Self::FailedAuthentication => "FailedAuthentication",
            Self::FailedCheck => "FailedCheck",
            Self::SecurityTokenUnavailable => "SecurityTokenUnavailable",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::UnsupportedSecurityToken => "unsupported-security-token",
            Self::UnsupportedAlgorithm => "unsupported-algorithm",
            Self::InvalidSecurity => "invalid-security",
            Self::InvalidSecurityToken => "invalid-security-token",
            Self::FailedAuthentication => "unauthenticated",
            Self::FailedCheck => "failed-check",
            Self::SecurityTokenUnavailable => "security-token-unavailable",
        }
    }
}

/// A fault of WS-Addressing (1.0 SOAP binding, section 6.4; the submission of 2004, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressingFault {
    /// That of the message's own addressing headers.
    pub namespace: &'static str,
    pub problem: AddressingProblem,
    /// The local name of the header that it is about.
    pub header: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressingProblem {
    /// A header that is required is missing.
    Required,
    /// A header that is given more often than it may be.
    Cardinality,
    /// An endpoint without an address.
    MissingAddress,
    /// A reply is wanted elsewhere than on the connection of the request.
    OnlyAnonymous,
    /// Another action than the SOAPAction.
    ActionMismatch,
}

impl AddressingFault {
    /// The local name of its code.
    pub fn subcode(self) -> &'static str {
        let is_2004 = self.namespace == crate::namespace::ADDRESSING_2004;
        match (self.problem, is_2004) {
            (AddressingProblem::Required, false) => "MessageAddressingHeaderRequired",
            (AddressingProblem::Required, true) => "MessageInformationHeaderRequired",
            (_, false) => "InvalidAddressingHeader",
            (_, true) => "InvalidMessageInformationHeader",
        }
    }

    /// The local name of its closer code.
    pub fn subsubcode(self) -> Option<&'static str> {
        match self.problem {
            _ if self.namespace == crate::namespace::ADDRESSING_2004 => None,
            AddressingProblem::Required => None,
            AddressingProblem::Cardinality => Some("InvalidCardinality"),
            AddressingProblem::MissingAddress => Some("MissingAddressInEPR"),
            AddressingProblem::OnlyAnonymous => Some("OnlyAnonymousAddressSupported"),
            AddressingProblem::ActionMismatch => Some("ActionMismatch"),
        }
    }
}

/// How many header blocks a message for people names.
const NAMES_TOLD: usize = 5;

impl Refusal {
    fn new(cause: Cause, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            cause,
            code: code.into(),
            message: message.into(),
            errors: Vec::new(),
            version: None,
            addressing: None,
        }
    }

    /// About the body or the whole.
    pub fn message(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Cause::Message, code, message)
    }

    pub fn header(message: impl Into<String>) -> Self {
        Self::new(Cause::Header, "invalid-header", message)
    }

    pub fn envelope(message: impl Into<String>) -> Self {
        Self::new(Cause::Message, "invalid-envelope", message)
    }

    pub fn version() -> Self {
        Self::new(Cause::Version, "version-mismatch", "the envelope is neither of SOAP 1.1 nor of SOAP 1.2")
    }

    pub fn must_understand(blocks: Vec<(String, String)>) -> Self {
        // All of them stand in the fault of SOAP 1.2; a person has enough of a few.
        let names = blocks.iter().take(NAMES_TOLD);
        let names: Vec<_> = names.map(|(namespace, local)| format!("{{{namespace}}}{local}")).collect();
        let message = format!("header blocks that must be understood are not: {}", names.join(", "));
        Self::new(Cause::MustUnderstand(blocks), "must-understand", message)
    }

    pub(crate) fn data_encoding() -> Self {
        let message = "the body has an encodingStyle; it is taken as literal XML only";
        Self::new(Cause::DataEncoding, "data-encoding-unknown", message)
    }

    pub fn media_type(message: impl Into<String>) -> Self {
        Self::new(Cause::MediaType, "unsupported-media-type", message)
    }

    pub fn security(fault: SecurityFault, message: impl Into<String>) -> Self {
        Self::new(Cause::Security(fault), fault.code(), message)
    }

    pub(crate) fn addressing(fault: AddressingFault, message: impl Into<String>) -> Self {
        Self::new(Cause::Addressing(fault), "invalid-addressing", message)
    }

    /// The same in a message whose version is known.
    #[must_use]
    pub fn in_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// The HTTP status before SOAP has its say: see [`crate::fault::status`].
    pub fn http_status(&self) -> u16 {
        match self.cause {
            Cause::MediaType => 415,
            Cause::Server => 500,
            _ => 400,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::message("malformed-xml", format!("the message is not well-formed: {malformed}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressingFault, AddressingProblem, Cause, Refusal};
    use crate::{namespace, version::Version, xml::Malformed};

    #[test]
    fn malformed_xml_says_where() {
        let refusal = Refusal::from(Malformed { offset: 7, reason: "a DOCTYPE".into() });
        assert_eq!(refusal.cause, Cause::Message);
        assert_eq!(refusal.code, "malformed-xml");
        assert_eq!(refusal.message, "the message is not well-formed: a DOCTYPE (at byte 7)");
        assert_eq!(refusal.in_version(Version::V12).version, Some(Version::V12));
    }

    #[test]
    fn the_codes_of_addressing_are_those_of_its_version() {
        let cases = [
            (namespace::ADDRESSING, AddressingProblem::Required, "MessageAddressingHeaderRequired", None),
            (
                namespace::ADDRESSING_2004,
                AddressingProblem::Required,
                "MessageInformationHeaderRequired",
                None,
            ),
            (
                namespace::ADDRESSING,
                AddressingProblem::OnlyAnonymous,
                "InvalidAddressingHeader",
                Some("OnlyAnonymousAddressSupported"),
            ),
            (
                namespace::ADDRESSING_2004,
                AddressingProblem::Cardinality,
                "InvalidMessageInformationHeader",
                None,
            ),
        ];
        for (namespace, problem, subcode, subsubcode) in cases {
            let fault = AddressingFault { namespace, problem, header: "To" };
            assert_eq!((fault.subcode(), fault.subsubcode()), (subcode, subsubcode));
        }
    }
}
