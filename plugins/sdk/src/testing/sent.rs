//! What was sent to systems of others, and the doubles that answered.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::dictionaries::Dictionary;
use super::sql::Script;
use crate::{Fault, Response, soap, sql};

/// What was sent to systems of others, in the order of sending. It stays, whatever became of the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    pub http: Vec<HttpRequest>,
    pub soap: Vec<SoapCall>,
    pub envelopes: Vec<SoapEnvelope>,
    /// `begin`, `commit` and `rollback` of transactions are there too.
    pub sql: Vec<SqlStatement>,
}

/// A request by `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub connection: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    pub timeout: Option<Duration>,
}

/// A call by `soap::call`.
#[derive(Clone, Debug, PartialEq)]
pub struct SoapCall {
    pub connection: String,
    pub operation: String,
    pub input: Value,
}

/// An envelope by `soap::exchange`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoapEnvelope {
    pub connection: String,
    pub action: String,
    pub content_type: String,
    pub envelope: Vec<u8>,
}

/// A statement by `sql`.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlStatement {
    pub connection: String,
    pub statement: String,
    pub parameters: Vec<sql::Value>,
}

pub(super) type Web = Rc<dyn Fn(&HttpRequest) -> Result<Response, Fault>>;
pub(super) type Partner = Rc<dyn Fn(&SoapCall) -> Result<Value, soap::Error>>;
pub(super) type Endpoint = Rc<dyn Fn(&SoapEnvelope) -> Result<Response, Fault>>;

/// Who answers, by connection or dictionary.
#[derive(Default)]
pub(super) struct Others {
    pub(super) http: BTreeMap<String, Web>,
    pub(super) soap: BTreeMap<String, Partner>,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) sql: BTreeMap<String, Script>,
    pub(super) dictionaries: BTreeMap<String, Dictionary>,
}

impl HttpRequest {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The first header of that name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// As the bus says it of a name that nobody has set up.
pub(super) fn connection_unknown(connection: &str, by: &str) -> Fault {
    let text = format!("no connection has this name; TestHost::{by}({connection:?}, …) gives it a double");
    Fault::reject("connection-unknown", text).status(404)
}
