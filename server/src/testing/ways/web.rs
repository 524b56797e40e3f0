//! Replies to requests, and to calls of operations.

use std::fmt;

use busbar_engine::{
    Body,
    request::Response,
    ways::{
        http::Outgoing,
        soap::{Failure as Refusal, PartnerFault},
    },
};
use busbar_model::{Fault, bounds::BODY_BYTES_DEFAULT, fault::FaultKind};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;

use crate::testing::{
    case::{
        AnsweredFault,
        connection::{HttpAnswer, Replied, SoapAnswer},
    },
    comparison::{Members, compare, fits},
    double::value,
};

/// A request whose body is read.
pub(super) struct Asked {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Value,
}

impl Asked {
    pub(super) async fn read(request: Outgoing) -> Result<Self, Fault> {
        let body = request.body.collect(BODY_BYTES_DEFAULT).await;
        let body = body.map_err(|_| Fault::new(FaultKind::TooLarge, "the request's body can't be read"))?;
        let (method, path) = (request.method.to_string(), request.path.to_string());
        Ok(Self { method, path, headers: request.headers, body: value(&body) })
    }

    pub(super) fn is_met_by(&self, answer: &HttpAnswer) -> bool {
        answer.method.as_ref().is_none_or(|method| *method == self.method)
            && answer.path.as_ref().is_none_or(|path| fits(path, &self.path))
            && answer.body.as_ref().is_none_or(|body| is_same(body, &self.body))
            && answer.headers.iter().all(|(name, expected)| {
                let found =
                    self.headers.get(name.as_str()).map(|value| String::from_utf8_lossy(value.as_bytes()));
                found.is_some_and(|found| fits(expected, &found))
            })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if self.body.is_null() { Ok(()) } else { write!(f, " with {}", self.body) }
    }
}

impl HttpAnswer {
    /// What it waits for.
    pub(super) fn asked(&self) -> String {
        let given = |text: &Option<String>| text.clone().unwrap_or_else(|| "*".to_owned());
        format!("{} {}", given(&self.method), given(&self.path))
    }
}

impl SoapAnswer {
    /// What it waits for.
    pub(super) fn asked(&self) -> &str {
        self.operation.as_deref().or(self.action.as_deref()).unwrap_or_default()
    }

    pub(super) fn is_to(&self, operation: &str, input: &[u8]) -> bool {
        self.operation.as_deref() == Some(operation)
            && self.input.as_ref().is_none_or(|expected| is_same(expected, &value(input)))
    }

    pub(super) fn outcome(self) -> Result<Bytes, Refusal> {
        if let Some(fault) = self.fault {
            return Err(Fault::from(fault).into());
        }
        if let Some(fault) = self.partner_fault {
            return Err(Refusal::Partner(Box::new(PartnerFault {
                code: fault.code,
                subcodes: fault.subcodes,
                message: fault.message,
                role: fault.role,
                detail: fault.detail,
                described: fault.described.map(|(name, value)| (name, value.to_string())),
            })));
        }
        Ok(Bytes::from(self.output.unwrap_or_default().to_string()))
    }
}

pub(super) fn is_same(expected: &Value, found: &Value) -> bool {
    let mut differences = Vec::new();
    compare("", expected, found, Members::Exactly, &mut differences);
    differences.is_empty()
}

/// An empty one if the answer says nothing.
pub(super) fn reply(reply: Option<Replied>, fault: Option<AnsweredFault>) -> Result<Response, Fault> {
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    let Replied { status, headers, json, text } = reply.unwrap_or_default();
    let mut response = Response { status: Some(StatusCode::NO_CONTENT), ..Response::default() };
    let body = match (json, text) {
        (Some(json), _) => Some((json.to_string(), "application/json")),
        (None, Some(text)) => Some((text, "text/plain; charset=utf-8")),
        (None, None) => None,
    };
    if let Some((body, content_type)) = body {
        response.status = Some(StatusCode::OK);
        response.body = Body::from(Bytes::from(body));
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, text) in headers {
        let parsed = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(text).ok());
        let (name, value) =
            parsed.ok_or_else(|| wrong(format!("the reply's header {name:?} can't be sent")))?;
        response.headers.insert(name, value);
    }
    response.status =
        status.map(StatusCode::from_u16).transpose().map_err(|error| wrong(error.to_string()))?;
    Ok(response)
}

/// Of the case, not of the service.
fn wrong(text: String) -> Fault {
    Fault::new(FaultKind::Failed, text).with_code("answer-invalid")
}
