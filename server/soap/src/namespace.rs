//! Namespaces, by the specification that made them.

/// SOAP 1.1 (W3C Note 2000), section 3.
pub const SOAP_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// SOAP 1.2 (W3C Recommendation 2007), part 1, section 1.1.
pub const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// XML Schema (W3C Recommendation 2004), part 1, section 2.6.
pub const XSD: &str = "http://www.w3.org/2001/XMLSchema";
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Bound to `xml` always (Namespaces in XML 1.0, section 3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// WSDL 1.1 (W3C Note 2001), section 1.2, and its SOAP bindings.
pub const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
pub const WSDL_SOAP_11: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
pub const WSDL_SOAP_12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
/// WSDL 1.1, section 4: its binding to HTTP without SOAP.
pub const WSDL_HTTP: &str = "http://schemas.xmlsoap.org/wsdl/http/";
/// SOAP 1.1, section 5: the encoding that XML Schema took the place of.
pub const SOAP_ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
pub const SOAP_HTTP_TRANSPORT: &str = "http://schemas.xmlsoap.org/soap/http";
/// WS-Addressing 1.0 (W3C Recommendation 2006) and the submission of 2004 that older clients speak.
pub const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
pub const ADDRESSING_2004: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
/// WS-Addressing 1.0 Metadata (2007), section 4.4: the action of an operation in WSDL.
pub const ADDRESSING_METADATA: &str = "http://www.w3.org/2007/05/addressing/metadata";
/// Its draft of 2006, which JAX-WS and .NET still write.
pub const ADDRESSING_WSDL_2006: &str = "http://www.w3.org/2006/05/addressing/wsdl";
/// WS-Security 1.0 (OASIS 2004).
pub const SECURITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub const SECURITY_UTILITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// XML-binary Optimized Packaging (W3C Recommendation 2005).
pub const XOP: &str = "http://www.w3.org/2004/08/xop/include";
/// Assigning Media Types to Binary Data in XML (W3C Note 2005), which JAX-WS imports from where it was published.
pub const MEDIA_TYPES: &str = "http://www.w3.org/2005/05/xmlmime";
/// What a fault of the bus tells in its detail.
pub const FAULT: &str = "urn:busbar:fault";
