//! What the processes of a cluster tell each other past the ODB: that it changed, and questions about how they are.
//!
//! Nothing here is the only copy of anything. An event that is lost makes others look at their next poll, or leaves a
//! question without an answer.

mod broker;
mod local;

use std::sync::Arc;

use busbar_model::bounds::EVENT_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use self::{
    broker::{Ask, Broker, Responder},
    local::Local,
};

/// Says that the ODB changed, to whoever follows it. It never waits.
pub(crate) trait Hints: Send + Sync {
    fn changed(&self);
}

/// Several ways to say it.
pub(crate) struct All(pub(crate) Vec<Arc<dyn Hints>>);

impl Hints for All {
    fn changed(&self) {
        self.0.iter().for_each(|one| one.changed());
    }
}

/// One message between processes, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// A UUID.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) name: String,
    /// The process that says it.
    pub(crate) from: String,
    /// Of an answer: the id of what it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<String>,
    /// Of a question: the queue that answers go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
    /// Of an answer that others follow: how far it is. Without it, it is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<Progress>,
    #[serde(default)]
    pub(crate) body: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) of: u64,
}

/// The ODB changed.
pub(crate) const CHANGED: &str = "changed";

impl Event {
    pub(crate) fn new(name: &str, from: &str, body: Value) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            name: name.to_owned(),
            from: from.to_owned(),
            correlation: None,
            reply_to: None,
            progress: None,
            body,
        }
    }

    /// What a message holds, if that is an event.
    fn read(body: &[u8]) -> Option<Self> {
        (body.len() <= EVENT_BYTES_MAX).then(|| serde_json::from_slice(body).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::bounds::EVENT_BYTES_MAX;
    use serde_json::json;

    use super::{Event, Progress};

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = Event {
            correlation: Some("q-1".to_owned()),
            progress: Some(Progress { done: 1, of: 2 }),
            ..Event::new("status", "a/1", json!({"pid": 7}))
        };
        let text = serde_json::to_vec(&event).unwrap();
        assert_eq!(Event::read(&text), Some(event));
    }

    #[test]
    fn what_is_no_event_is_none() {
        let large = format!(r#"{{"id":"1","name":"n","from":"f","body":"{}"}}"#, "x".repeat(EVENT_BYTES_MAX));
        for bad in ["", "changed", "{}", r#"{"id":1,"name":"n","from":"f"}"#, &large] {
            assert_eq!(Event::read(bad.as_bytes()), None);
        }
    }
}
