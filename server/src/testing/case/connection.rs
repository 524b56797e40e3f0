//! What a case gives for systems of others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AnsweredFault, present};

/// Answers by one connection, of one kind. Each is given once: to the first that it fits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct Others {
    pub(in super::super) http: Option<Vec<HttpAnswer>>,
    pub(in super::super) soap: Option<Vec<SoapAnswer>>,
    pub(in super::super) sql: Option<Vec<SqlAnswer>>,
}

/// To a request; what is not given is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HttpAnswer {
    pub(in super::super) method: Option<String>,
    /// With the query; may end in `*`.
    pub(in super::super) path: Option<String>,
    #[serde(default)]
    pub(in super::super) headers: BTreeMap<String, String>,
    /// JSON, or text that is none.
    #[serde(default, deserialize_with = "present")]
    pub(in super::super) body: Option<Value>,
    pub(in super::super) reply: Option<Replied>,
    pub(in super::super) fault: Option<AnsweredFault>,
}

/// A reply; 200, or 204 if it has no body, unless it says otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct Replied {
    pub(in super::super) status: Option<u16>,
    pub(in super::super) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "present")]
    pub(in super::super) json: Option<Value>,
    pub(in super::super) text: Option<String>,
}

/// To the call of an operation, or to an envelope that is sent as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SoapAnswer {
    pub(in super::super) operation: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(in super::super) input: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(in super::super) output: Option<Value>,
    pub(in super::super) partner_fault: Option<PartnerFault>,
    /// Of an envelope.
    pub(in super::super) action: Option<String>,
    pub(in super::super) reply: Option<Replied>,
    pub(in super::super) fault: Option<AnsweredFault>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PartnerFault {
    pub(in super::super) code: String,
    #[serde(default)]
    pub(in super::super) message: String,
    #[serde(default)]
    pub(in super::super) subcodes: Vec<String>,
    pub(in super::super) role: Option<String>,
    pub(in super::super) detail: Option<String>,
    /// The name of the detail's element, and what is in it.
    pub(in super::super) described: Option<(String, Value)>,
}

/// To a statement, whatever its white space; `begin`, `commit` and `rollback` of transactions are statements too, that
/// need no answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SqlAnswer {
    pub(in super::super) statement: String,
    pub(in super::super) parameters: Option<Vec<Value>>,
    pub(in super::super) rows: Option<Vec<Map<String, Value>>>,
    /// Of columns whose values are more than their JSON says.
    #[serde(default)]
    pub(in super::super) types: BTreeMap<String, Type>,
    pub(in super::super) affected: Option<u64>,
    pub(in super::super) fault: Option<AnsweredFault>,
}

/// What a text is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Type {
    Decimal,
    /// In base64.
    Bytes,
    Date,
    Time,
    Timestamp,
    Uuid,
    Json,
}

impl Others {
    /// What can't be meant.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let kinds = [self.http.is_some(), self.soap.is_some(), self.sql.is_some()];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Some("a connection has answers of one kind: http, soap or sql");
        }
        let several = |answers: &[bool]| answers.iter().filter(|given| **given).count() > 1;
        if self.http.iter().flatten().any(|one| several(&[one.reply.is_some(), one.fault.is_some()])) {
            return Some("an answer by http is a reply or a fault, not both");
        }
        for one in self.soap.iter().flatten() {
            if one.operation.is_some() == one.action.is_some() {
                return Some("an answer by soap is to an operation or to an envelope's action");
            }
            let (output, reply) = (one.output.is_some(), one.reply.is_some());
            if several(&[output, reply, one.partner_fault.is_some(), one.fault.is_some()]) {
                return Some("an answer by soap is one of output, reply, partner_fault and fault");
            }
            if (one.action.is_some() && (output || one.partner_fault.is_some()))
                || (one.operation.is_some() && reply)
            {
                return Some("an operation has an output or a partner_fault, an envelope a reply");
            }
        }
        let sql =
            |one: &SqlAnswer| several(&[one.rows.is_some(), one.affected.is_some(), one.fault.is_some()]);
        if self.sql.iter().flatten().any(sql) {
            return Some("an answer by sql is one of rows, affected and fault");
        }
        let replies = self.http.iter().flatten().filter_map(|one| one.reply.as_ref());
        let replies = replies.chain(self.soap.iter().flatten().filter_map(|one| one.reply.as_ref()));
        if replies.into_iter().any(|reply| reply.json.is_some() && reply.text.is_some()) {
            return Some("a reply is json or text, not both");
        }
        None
    }
}
