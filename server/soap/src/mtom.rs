//! MTOM: an envelope whose binary values are parts beside it (SOAP Message Transmission Optimization Mechanism, W3C 2005),
//! packed as XOP says (section 4) into MIME's multipart/related (RFC 2387).

mod header;
mod package;
mod part;
mod write;

pub use self::{package::Package, part::Part, write::package};
