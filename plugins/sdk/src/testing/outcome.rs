//! What came of a call.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Sent;
use crate::amqp::Message;
use crate::log::Level;
use crate::{DeliveryOptions, Fault, Response};

/// What came of a call: its result, what it had committed, what it logged.
#[derive(Debug)]
pub struct Outcome<T> {
    pub result: Result<T, Fault>,
    /// Empty if the call ended with a fault: that discards them.
    pub effects: Effects,
    /// Stay whatever happens.
    pub published: Vec<Published>,
    /// To systems of others. Likewise.
    pub sent: Sent,
    /// Likewise.
    pub logs: Vec<LogLine>,
}

/// What was committed when the call had succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// What became of each key that was written.
    pub kv: BTreeMap<String, Written>,
    /// In the order of sending.
    pub deliveries: Vec<Delivery>,
    /// Asynchronous calls, in the order of starting.
    pub invocations: Vec<Delivery>,
    /// For brokers, in the order of handing over.
    pub messages: Vec<HandedOver>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// None if it was deleted.
    pub value: Option<Vec<u8>>,
    pub expires: Option<SystemTime>,
}

/// A message that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What the call was given for it: `delivery-1` is the first of a test host.
    pub id: String,
    pub service: String,
    pub content_type: Option<String>,
    pub payload: Vec<u8>,
    pub options: DeliveryOptions,
}

/// A message for a broker that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// What the call was given for it.
    pub id: String,
    pub connection: String,
    pub message: Message,
    pub options: DeliveryOptions,
}

/// A message that a broker has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub connection: String,
    pub message: Message,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub level: Level,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

/// What a service answered, as a caller over HTTP sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Effects {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kv.is_empty()
            && self.deliveries.is_empty()
            && self.invocations.is_empty()
            && self.messages.is_empty()
    }

    /// The value that was put under a key, if it is JSON.
    #[must_use]
    pub fn json(&self, key: &str) -> Option<Value> {
        serde_json::from_slice(self.kv.get(key)?.value.as_ref()?).ok()
    }
}

impl Delivery {
    /// The payload as JSON; null if it is none.
    #[must_use]
    pub fn input(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }
}

impl<T> Outcome<T> {
    /// What the call returned.
    ///
    /// # Panics
    /// With the fault, if it ended with one.
    #[track_caller]
    pub fn value(&self) -> &T {
        match &self.result {
            Ok(value) => value,
            Err(fault) => panic!("the call ended with a fault: {fault} {:?}", fault.errors),
        }
    }

    /// The fault that the call ended with.
    ///
    /// # Panics
    /// If it succeeded.
    #[track_caller]
    pub fn fault(&self) -> &Fault {
        match &self.result {
            Ok(_) => panic!("the call succeeded, where a fault was looked for"),
            Err(fault) => fault,
        }
    }
}

impl Outcome<Answer> {
    /// The service's output.
    ///
    /// # Panics
    /// If the call ended with a fault, or the output is no `Out`.
    #[track_caller]
    #[must_use]
    pub fn output<Out: DeserializeOwned>(&self) -> Out {
        let body = &self.value().body;
        match serde_json::from_slice(body) {
            Ok(output) => output,
            Err(error) => panic!("the output is not as expected: {error}: {}", String::from_utf8_lossy(body)),
        }
    }
}

impl Answer {
    pub(super) fn of(response: Response) -> Result<Self, Fault> {
        let Response { status, content_type, headers, payload } = response;
        let body = payload.into_bytes()?;
        let status = status.unwrap_or(if body.is_empty() { 204 } else { 200 });
        if !(200..=599).contains(&status) {
            return Err(Fault::fail(format!("a response can't have the status {status}")));
        }
        Ok(Self { status, content_type, headers, body })
    }

    /// The first header of that name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
