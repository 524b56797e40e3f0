//! What stands in for the services that a case does not test, and around the one that it does.

use std::sync::{Arc, Mutex, PoisonError};

use busbar_engine::{
    body::Body,
    ports::{Attempt, Call, CallFuture, Plugin},
    request::Response,
};
use busbar_model::{
    Digest, Fault, Name,
    bounds::BODY_BYTES_DEFAULT,
    fault::FaultKind,
    plugin::{Description, Kind},
    service::ServiceDescription,
};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

use super::{
    case::{Answer, AnsweredFault, Given},
    comparison::{Failure, Members, compare},
};

/// The plugin that all doubles belong to.
pub(super) const PLUGIN: &str = "busbar-test-doubles";

/// Answers for services as the case says.
pub(super) struct Doubles {
    services: Vec<(Name, Vec<Answer>)>,
    /// Calls that the case gives no answer for.
    unanswered: Arc<Mutex<Vec<Failure>>>,
}

impl Doubles {
    pub(super) fn new(services: Vec<(Name, Vec<Answer>)>) -> Self {
        Self { services, unanswered: Arc::default() }
    }

    pub(super) fn digest() -> Digest {
        Digest::of(PLUGIN.as_bytes())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        self.services.iter().map(|(name, _)| name)
    }

    pub(super) fn description(&self, name: Name) -> Description {
        let service = |name: &Name| ServiceDescription {
            name: name.clone(),
            summary: None,
            input_schema: None,
            output_schema: None,
            channels: Vec::new(),
            calls_per_instance: None,
        };
        Description {
            kind: Kind::Bus,
            name,
            version: String::new(),
            services: self.names().map(service).collect(),
            invokes: Vec::new(),
            secrets: Vec::new(),
            imports: Vec::new(),
        }
    }

    pub(super) fn unanswered(&self) -> Vec<Failure> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Plugin for Doubles {
    fn digest(&self) -> Digest {
        Self::digest()
    }

    fn call(&self, call: Box<Call>) -> CallFuture {
        let name = call.service.name.clone();
        let answers = self.services.iter().find(|(known, _)| *known == name);
        let answers = answers.map_or_else(Vec::new, |(_, answers)| answers.clone());
        let unanswered = Arc::clone(&self.unanswered);
        Box::pin(async move {
            let bytes = call.input.body.collect(BODY_BYTES_DEFAULT).await;
            let input = value(&bytes.unwrap_or_default());
            match answers.into_iter().find(|answer| answer.is_to(&input)) {
                Some(Answer { fault: Some(fault), .. }) => Err(fault.into()),
                Some(Answer { output, .. }) => Ok(json(&output.unwrap_or_default())),
                None => {
                    let place = format!("services/{name}: the case gives no answer to {input}");
                    let failure = Failure::new(place, None, None);
                    unanswered.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
                    Err(Fault::internal(FaultKind::Failed).with_code("no-answer-given"))
                }
            }
        })
    }
}

/// JSON, or text that is none; null of nothing.
pub(super) fn value(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn json(output: &Value) -> Response {
    let mut response =
        Response { body: Body::from(bytes::Bytes::from(output.to_string())), ..Response::default() };
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Answer {
    fn is_to(&self, input: &Value) -> bool {
        let Some(expected) = &self.input else { return true };
        let mut differences = Vec::new();
        compare("", expected, input, Members::Exactly, &mut differences);
        differences.is_empty()
    }
}

impl From<AnsweredFault> for Fault {
    fn from(given: AnsweredFault) -> Self {
        let AnsweredFault { code, message, status, retry_after_s } = given;
        let mut fault = match status {
            400..=499 => Self::new(FaultKind::Rejected, message),
            503 => Self::new(FaultKind::RetryLater, message).with_retry_after_s(retry_after_s.unwrap_or(1)),
            _ => Self::internal(FaultKind::Failed),
        };
        fault.status = Some(status);
        fault.with_code(code)
    }
}

/// The plugin under test; calls from outside have the surroundings that the case gives.
pub(super) struct Surrounded {
    pub(super) plugin: Arc<dyn Plugin>,
    pub(super) caller: Option<Name>,
    pub(super) attempt: Attempt,
}

impl Surrounded {
    pub(super) fn new(plugin: Arc<dyn Plugin>, given: &Given) -> Self {
        let key = given.idempotency_key.as_deref().map(Arc::from);
        Self { plugin, caller: given.caller.clone(), attempt: Attempt { number: given.attempt, key } }
    }
}

impl Plugin for Surrounded {
    fn digest(&self) -> Digest {
        self.plugin.digest()
    }

    fn call(&self, mut call: Box<Call>) -> CallFuture {
        if call.depth == 0 {
            call.caller.clone_from(&self.caller);
            call.attempt = self.attempt.clone();
        }
        self.plugin.call(call)
    }
}
