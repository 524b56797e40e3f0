//! What a fault of the bus tells in its detail: the names of its elements, and their schema.

use super::markup::Markup;
use crate::namespace;

/// The element, in [`namespace::FAULT`] as all that is in it.
pub const PROBLEM: &str = "problem";
/// Its children, in this order. A stable code, as in problem bodies of REST.
pub const CODE: &str = "code";
pub const MESSAGE: &str = "message";
pub const CORRELATION_ID: &str = "correlationId";
/// When a repeat may succeed; left out if nobody knows.
pub const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";
/// One for each place of an input that was refused, of [`PATH`] (a JSON Pointer) and [`MESSAGE`].
pub const ERROR: &str = "error";
pub const PATH: &str = "path";

/// What the WSDL writes before names in it.
pub(super) const PREFIX: &str = "fault";

pub(super) fn write(markup: &mut Markup) {
    const TEXT: &str = "xs:string";
    let attributes = [("targetNamespace", namespace::FAULT), ("elementFormDefault", "qualified")];
    markup.start("xs:schema", &attributes);
    markup.start("xs:element", &[("name", PROBLEM)]);
    markup.start("xs:complexType", &[]);
    markup.start("xs:sequence", &[]);
    for name in [CODE, MESSAGE, CORRELATION_ID] {
        markup.empty("xs:element", &[("name", name), ("type", TEXT)]);
    }
    markup.empty("xs:element", &[("name", RETRY_AFTER_SECONDS), ("type", "xs:int"), ("minOccurs", "0")]);
    markup.start("xs:element", &[("name", ERROR), ("minOccurs", "0"), ("maxOccurs", "unbounded")]);
    markup.start("xs:complexType", &[]);
    markup.start("xs:sequence", &[]);
    for name in [PATH, MESSAGE] {
        markup.empty("xs:element", &[("name", name), ("type", TEXT)]);
    }
    for _ in 0..7 {
        markup.end();
    }
}
