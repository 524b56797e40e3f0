//! Faults: what a caller gets instead of a reply (1.1, section 4.4; 1.2, part 1, section 5.4).

mod detail;

pub use self::detail::Detail;

use std::fmt::Write as _;

use crate::{
    envelope::{self, ReplyHeaders},
    escape::{Place, escape_lossy},
    namespace,
    refusal::{Cause, Refusal},
    version::Version,
    xml::is_ncname,
};

/// A failure as SOAP tells it.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    pub cause: &'a Cause,
    /// For people.
    pub reason: &'a str,
    /// For programs. Its code is the subcode of SOAP 1.2 where `cause` has none of its own.
    pub detail: Option<Detail<'a>>,
}

impl<'a> Fault<'a> {
    pub fn of(refusal: &'a Refusal, correlation_id: &'a str) -> Self {
        Self {
            cause: &refusal.cause,
            reason: &refusal.message,
            detail: Some(Detail {
                code: &refusal.code,
                message: &refusal.message,
                correlation_id,
                retry_after_s: None,
                errors: &refusal.errors,
            }),
        }
    }
}

/// The whole envelope. `reply` is there if the request had addressing headers; its action is not used.
pub fn write(version: Version, fault: &Fault<'_>, reply: Option<&ReplyHeaders>) -> String {
    let mut blocks = String::new();
    if let Some(reply) = reply {
        reply.push(&mut blocks, reply.fault_action(matches!(fault.cause, Cause::Addressing(_))));
    }
    push_blocks(&mut blocks, version, fault);
    let mut text = envelope::open_with(version, &blocks);
    match version {
        Version::V11 => push_11(&mut text, fault),
        Version::V12 => push_12(&mut text, fault),
    }
    envelope::close(&mut text);
    text
}

/// The HTTP status of a fault. `http` is what it were without SOAP: what is about the request of HTTP itself stays,
/// else it is 500 in SOAP 1.1 (section 6.2) and in SOAP 1.2 (part 2, section 7.5.2.2) unless the sender is at fault.
/// Clients look for a fault under no other status: JAX-WS takes 503 for a broken server.
pub fn status(version: Version, cause: &Cause, http: u16) -> u16 {
    match (http, version) {
        (401 | 405 | 413 | 415 | 429, _) => http,
        (_, Version::V12) if code(version, cause) == version.sender() => 400,
        _ => 500,
    }
}

/// The local name of the fault code in the envelope's namespace.
fn code(version: Version, cause: &Cause) -> &'static str {
    match cause {
        Cause::Version => "VersionMismatch",
        Cause::MustUnderstand(_) => "MustUnderstand",
        Cause::DataEncoding if version == Version::V12 => "DataEncodingUnknown",
        Cause::Server => version.receiver(),
        Cause::DataEncoding
        | Cause::Message
        | Cause::Header
        | Cause::MediaType
        | Cause::Security(_)
        | Cause::Addressing(_) => version.sender(),
    }
}

/// Codes of specifications besides SOAP, from the general to the closest: prefix, namespace and local name.
fn subcodes(cause: &Cause) -> Vec<(&'static str, &'static str, &'static str)> {
    match cause {
        Cause::Security(fault) => vec![("wsse", namespace::SECURITY, fault.local())],
        Cause::Addressing(fault) => {
            let locals = [Some(fault.subcode()), fault.subsubcode()];
            locals.into_iter().flatten().map(|local| ("wsa", fault.namespace, local)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the fault is about a header: SOAP 1.1 has no `detail` then, but tells it in a header of its own.
fn is_about_header(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::Header | Cause::Version | Cause::MustUnderstand(_) | Cause::Security(_) | Cause::Addressing(_)
    )
}

fn push_blocks(text: &mut String, version: Version, fault: &Fault<'_>) {
    match fault.cause {
        // 1.2, part 1, sections 5.4.7 and 5.4.8. Appendix A has the first in an envelope of 1.1 too.
        Cause::Version => {
            let soap_12 = namespace::SOAP_12;
            let _ = write!(text, "<up:Upgrade xmlns:up=\"{soap_12}\">");
            for supported in [namespace::SOAP_12, namespace::SOAP_11] {
                let _ = write!(text, "<up:SupportedEnvelope qname=\"q:Envelope\" xmlns:q=\"{supported}\"/>");
            }
            text.push_str("</up:Upgrade>");
        }
        Cause::MustUnderstand(blocks) if version == Version::V12 => {
            for (namespace, local) in blocks {
                text.push_str("<soap:NotUnderstood qname=\"");
                // A name without a namespace has no prefix, and no default namespace is in force.
                text.push_str(if namespace.is_empty() { "" } else { "q:" });
                escape_lossy(text, local, Place::Attribute);
                if !namespace.is_empty() {
                    text.push_str("\" xmlns:q=\"");
                    escape_lossy(text, namespace, Place::Attribute);
                }
                text.push_str("\"/>");
            }
        }
        _ => {}
    }
    if version == Version::V11 && is_about_header(fault.cause) {
        push_problem_header(text, fault.cause, "FaultDetail");
        fault.detail.iter().for_each(|detail| detail.push(text));
    }
}

fn push_11(text: &mut String, fault: &Fault<'_>) {
    text.push_str("<soap:Fault><faultcode");
    // The closest one (WS-Addressing 1.0 SOAP binding, section 6.2).
    match subcodes(fault.cause).last() {
        Some((prefix, namespace, local)) => {
            let _ = write!(text, " xmlns:{prefix}=\"{namespace}\">{prefix}:{local}");
        }
        None => {
            let _ = write!(text, ">soap:{}", code(Version::V11, fault.cause));
        }
    }
    text.push_str("</faultcode><faultstring>");
    escape_lossy(text, fault.reason, Place::Content);
    text.push_str("</faultstring>");
    if let Some(detail) = fault.detail.filter(|_| !is_about_header(fault.cause)) {
        text.push_str("<detail>");
        detail.push(text);
        text.push_str("</detail>");
    }
    text.push_str("</soap:Fault>");
}

fn push_12(text: &mut String, fault: &Fault<'_>) {
    let code = code(Version::V12, fault.cause);
    let _ = write!(text, "<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value>");
    let mut subcodes = subcodes(fault.cause);
    let own = fault.detail.map(|detail| detail.code).filter(|code| is_ncname(code));
    if let (Some(own), true) = (own, subcodes.is_empty()) {
        let own = format!("<soap:Value xmlns:f=\"{}\">f:{own}</soap:Value>", namespace::FAULT);
        let _ = write!(text, "<soap:Subcode>{own}</soap:Subcode>");
    }
    let depth = subcodes.len();
    for (prefix, namespace, local) in subcodes.drain(..) {
        let _ = write!(
            text,
            "<soap:Subcode><soap:Value xmlns:{prefix}=\"{namespace}\">{prefix}:{local}</soap:Value>"
        );
    }
    text.push_str(&"</soap:Subcode>".repeat(depth));
    text.push_str("</soap:Code><soap:Reason><soap:Text xml:lang=\"en\">");
    escape_lossy(text, fault.reason, Place::Content);
    text.push_str("</soap:Text></soap:Reason>");
    if fault.detail.is_some() || matches!(fault.cause, Cause::Addressing(_)) {
        text.push_str("<soap:Detail>");
        push_problem_header(text, fault.cause, "");
        fault.detail.iter().for_each(|detail| detail.push(text));
        text.push_str("</soap:Detail>");
    }
    text.push_str("</soap:Fault>");
}

/// Which addressing header is wrong (1.0 SOAP binding, section 6.3), maybe in an element around it.
fn push_problem_header(text: &mut String, cause: &Cause, around: &str) {
    let Cause::Addressing(fault) = cause else { return };
    if fault.namespace != namespace::ADDRESSING {
        return;
    }
    let name = format!(
        "<wsa:ProblemHeaderQName xmlns:wsa=\"{0}\">wsa:{1}</wsa:ProblemHeaderQName>",
        fault.namespace, fault.header
    );
    let _ = match around {
        "" => write!(text, "{name}"),
        around => write!(text, "<wsa:{around} xmlns:wsa=\"{}\">{name}</wsa:{around}>", fault.namespace),
    };
}

#[cfg(test)]
mod tests;
