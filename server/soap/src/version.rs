//! The two versions of SOAP, and in what they differ.

use crate::namespace;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// W3C Note 2000.
    V11,
    /// W3C Recommendation 2007.
    V12,
}

const NEXT_11: &str = "http://schemas.xmlsoap.org/soap/actor/next";
const NEXT_12: &str = "http://www.w3.org/2003/05/soap-envelope/role/next";
const ULTIMATE_RECEIVER_12: &str = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver";

impl Version {
    /// The version whose envelope is in this namespace.
    pub fn of(namespace: &str) -> Option<Self> {
        match namespace {
            namespace::SOAP_11 => Some(Self::V11),
            namespace::SOAP_12 => Some(Self::V12),
            _ => None,
        }
    }

    pub fn namespace(self) -> &'static str {
        match self {
            Self::V11 => namespace::SOAP_11,
            Self::V12 => namespace::SOAP_12,
        }
    }

    /// Without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml",
            Self::V12 => "application/soap+xml",
        }
    }

    /// The `Content-Type` of an envelope that is not in a package.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// The attribute that says whom a header block is for.
    pub fn role_attribute(self) -> &'static str {
        match self {
            Self::V11 => "actor",
            Self::V12 => "role",
        }
    }

    /// Whether a header block of this role is for us, the message's last receiver (1.1, section 4.2.2; 1.2, part 1,
    /// section 2.2).
    pub fn is_for_us(self, role: Option<&str>) -> bool {
        match (self, role.map(str::trim)) {
            (_, None | Some("")) => true,
            (Self::V11, Some(role)) => role == NEXT_11,
            (Self::V12, Some(role)) => role == NEXT_12 || role == ULTIMATE_RECEIVER_12,
        }
    }

    /// The fault code for what the caller did wrong.
    pub fn sender(self) -> &'static str {
        match self {
            Self::V11 => "Client",
            Self::V12 => "Sender",
        }
    }

    /// The fault code for what went wrong here.
    pub fn receiver(self) -> &'static str {
        match self {
            Self::V11 => "Server",
            Self::V12 => "Receiver",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NEXT_11, NEXT_12, ULTIMATE_RECEIVER_12, Version};

    #[test]
    fn a_version_is_told_by_its_namespace() {
        for version in [Version::V11, Version::V12] {
            assert_eq!(Version::of(version.namespace()), Some(version));
        }
        assert_eq!(Version::of("http://www.w3.org/2001/12/soap-envelope"), None);
        assert_eq!(Version::of(""), None);
    }

    #[test]
    fn a_header_is_for_us_by_its_role() {
        let none = "http://www.w3.org/2003/05/soap-envelope/role/none";
        let cases = [
            (None, true, true),
            (Some(""), true, true),
            (Some(NEXT_11), true, false),
            (Some(NEXT_12), false, true),
            (Some(ULTIMATE_RECEIVER_12), false, true),
            (Some(none), false, false),
            (Some("urn:someone"), false, false),
        ];
        for (role, in_11, in_12) in cases {
            assert_eq!(Version::V11.is_for_us(role), in_11, "{role:?}");
            assert_eq!(Version::V12.is_for_us(role), in_12, "{role:?}");
        }
    }
}
