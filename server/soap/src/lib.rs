//! SOAP 1.1 and 1.2 as pure functions: no I/O, no clock, no randomness of its own.
//!
//! A service's JSON Schemas are compiled once into a [`Shape`] each. By it a request's XML becomes JSON text, a reply's
//! JSON text becomes XML, and WSDL describes both.

pub mod address;
pub mod binding;
pub mod charset;
pub mod client;
pub mod compile;
pub mod envelope;
mod escape;
#[cfg(test)]
mod examples;
pub mod fault;
mod json;
pub mod media;
pub mod message;
pub mod mtom;
pub mod namespace;
pub mod operation;
pub mod read;
pub mod refusal;
#[cfg(test)]
mod roundtrip;
pub mod shape;
pub mod username_token;
pub mod version;
pub mod write;
pub mod wsdl;
pub mod xml;

pub use self::{
    address::Address,
    client::Client,
    message::Message,
    operation::{Operation, Payload},
    refusal::{Cause, Refusal, SecurityFault},
    shape::Shape,
    version::Version,
};
