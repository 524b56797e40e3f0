//! What a SOAP channel says of itself beside its address.

use serde::{Deserialize, Serialize};

use crate::{
    bounds::{SOAP_NAMESPACE_CHARS_MAX, SOAP_OPERATION_CHARS_MAX},
    name::Name,
};

/// Absent members have their defaults: those of [`operation`] and [`namespace`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Soap {
    /// Target namespace of the channel's messages: a URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// An NCName (Namespaces in XML 1.0, section 3); at one address each channel has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// The operation that a channel was given, else the last word of its service's name.
pub fn operation<'s>(soap: &'s Soap, service: &'s Name) -> &'s str {
    match soap.operation.as_deref() {
        Some(given) => given,
        None => {
            let service = service.as_str();
            service.rsplit_once('.').map_or(service, |(_, last)| last)
        }
    }
}

/// The namespace of a plugin's channels that were given none: `urn:busbar:PLUGIN:vMAJOR`. The major version is
/// the whole number that `version` begins with, 0 if it begins with none.
pub fn namespace(plugin: &Name, version: &str) -> String {
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
    let major = match digits.trim_start_matches('0') {
        "" => "0",
        major => major,
    };
    format!("urn:busbar:{plugin}:v{major}")
}

/// Refuses what can't be an operation: letters, digits, '.', '-' and '_', beginning with a letter or '_'. Those
/// are NCNames that every tool takes.
pub fn check_operation(text: &str) -> Result<(), String> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let consists = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if begins && consists && text.len() <= SOAP_OPERATION_CHARS_MAX {
        return Ok(());
    }
    let text: String = text.chars().take(SOAP_OPERATION_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not an operation's name: letters, digits, '.', '-' and '_', beginning with a letter or '_', \
         {SOAP_OPERATION_CHARS_MAX} characters at most"
    ))
}

/// Refuses what can't be a namespace: a URI with its scheme (RFC 3986, section 3), of any characters that XML
/// and URIs don't forbid.
pub fn check_namespace(text: &str) -> Result<(), String> {
    let fits = (1..=SOAP_NAMESPACE_CHARS_MAX).contains(&text.chars().count())
        && has_scheme(text)
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(&c));
    if fits {
        return Ok(());
    }
    let text: String = text.chars().take(SOAP_NAMESPACE_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not a namespace: a URI like \"urn:example:orders\", of 1 to {SOAP_NAMESPACE_CHARS_MAX} \
         characters without white space and <>\"{{}}|\\^`"
    ))
}

/// What no URI contains, and U+FFFE and U+FFFF, which no XML contains.
const FORBIDDEN: [char; 11] = ['<', '>', '"', '{', '}', '|', '\\', '^', '`', '\u{fffe}', '\u{ffff}'];

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::{Soap, check_namespace, check_operation, namespace, operation};

    #[test]
    fn an_operation_is_given_or_the_services_last_word() {
        let service = "shop.orders.submit".parse().unwrap();
        assert_eq!(operation(&Soap::default(), &service), "submit");
        let soap = Soap { operation: Some("SubmitOrder".to_owned()), ..Soap::default() };
        assert_eq!(operation(&soap, &service), "SubmitOrder");
        assert_eq!(operation(&Soap::default(), &"echo".parse().unwrap()), "echo");
    }

    #[test]
    fn a_namespace_has_the_plugins_major_version() {
        let of = |version: &str| namespace(&"shop.orders".parse().unwrap(), version);
        for (version, major) in
            [("1.2.3", "1"), ("0.9", "0"), ("", "0"), ("beta", "0"), ("12-rc1", "12"), ("007", "7")]
        {
            assert_eq!(of(version), format!("urn:busbar:shop.orders:v{major}"), "{version}");
        }
    }

    #[test]
    fn an_operation_is_a_name_of_xml() {
        for good in ["submit", "_x", "Submit-Order.v2", "a1", &"x".repeat(128)] {
            assert_eq!(check_operation(good), Ok(()), "{good}");
        }
        for bad in ["", "7zip", "-a", ".a", "a b", "a:b", "é", "a\n", &"x".repeat(129)] {
            assert!(check_operation(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_namespace_is_a_uri() {
        for good in ["urn:a", "http://example.com/orders?v=1#x", "tag:x,2024:é", "urn:busbar:orders:v1"] {
            assert_eq!(check_namespace(good), Ok(()), "{good}");
        }
        let long = format!("urn:{}", "x".repeat(509));
        for bad in ["", "orders", "urn:", "1:x", "urn:a b", "urn:<a>", "urn:a\u{7f}", "urn:\u{a0}", &long] {
            assert!(check_namespace(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(serde_json::from_str::<Soap>(r#"{"operations": "x"}"#).is_err());
        assert_eq!(serde_json::to_string(&Soap::default()).unwrap(), "{}");
    }
}
