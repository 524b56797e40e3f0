//! SOAP 1.1 and 1.2 as pure functions: no I/O, no clock, no randomness of its own.
//!
//! A service's JSON Schemas are compiled once into a [`Shape`] each. By it a request's XML becomes JSON text, a reply's
//! JSON text becomes XML, and WSDL describes both.

pub mod compile;
mod json;
pub mod namespace;
pub mod operation;
pub mod read;
pub mod shape;
pub mod xml;

pub use self::{
    operation::{Operation, Payload},
    shape::Shape,
};
