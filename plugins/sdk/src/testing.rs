//! A bus for unit tests: services are called as functions of the machine's own, by `cargo test`, with doubles
//! for all that they ask of the bus.
//!
//! ```
//! use busbar_sdk::prelude::*;
//! use busbar_sdk::testing::TestHost;
//! use serde_json::json;
//!
//! #[input]
//! struct Visit {
//!     name: String,
//! }
//!
//! /// Counts visits, and tells the door.
//! #[service(name = "visits.count", invokes = "doors.open")]
//! fn count(visit: Visit) -> Result<i64, Fault> {
//!     invoke::<()>("doors.open", &())?;
//!     kv::increment(&visit.name, 1)
//! }
//!
//! let host = TestHost::new().kv("Ada", &41).service("doors.open", |_| Ok(json!(null)));
//! let outcome = host.call::<count>(&json!({"name": "Ada"}));
//! assert_eq!(outcome.output::<i64>(), 42);
//! assert_eq!(outcome.effects.json("Ada"), Some(json!(42)));
//!
//! let host = host.service("doors.open", |_| Err(Fault::retry_after(1, "it is stuck")));
//! let outcome = host.call::<count>(&json!({"name": "Ada"}));
//! assert_eq!(outcome.fault().code, "unavailable");
//! assert!(outcome.effects.is_empty(), "a fault discards them");
//! ```
//!
//! The rules are those of the bus: what a call that succeeded has written, later calls of the same host see; a
//! fault discards it; versions, expectations and expiry of `kv` hold, by the host's own clock. Not there are
//! limits of time, memory and number, grants, and the merging of body, query and path into one input: the input
//! is given merged. Statics outlive a call, where the bus makes a fresh instance. `busbar test` runs the
//! component itself on the bus's own host.

pub(crate) mod imports;

mod chance;
mod dictionaries;
mod doubles;
mod host;
mod http;
mod outcome;
mod sent;
mod soap;
mod sql;
mod store;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

pub use self::dictionaries::Dictionary;
use self::doubles::Double;
use self::host::{Host, Staging};
use self::imports::Installed;
pub use self::outcome::{Answer, Delivery, Effects, HandedOver, LogLine, Outcome, Published, Written};
pub use self::sent::{HttpRequest, Sent, SoapCall, SoapEnvelope, SqlStatement};
pub use self::sql::Script;
use crate::amqp::Message;
use crate::context::RequestHead;
use crate::{Fault, Payload, Request, Service};

/// A bus of one test, with one plugin. Clones are the same bus.
#[derive(Clone, Default)]
pub struct TestHost(Rc<RefCell<Host>>);

impl fmt::Debug for TestHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TestHost").finish_non_exhaustive()
    }
}

/// What it is given.
impl TestHost {
    /// A bus that knows no service, with nothing kept, no config and no secrets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A double for calls of another service; it may ask the bus itself. A fault reaches the caller as the bus
    /// passes it on: without the text of a failure.
    #[must_use]
    pub fn service(self, name: &str, answer: impl Fn(Value) -> Result<Value, Fault> + 'static) -> Self {
        self.with(|host| host.doubles.insert(name.to_owned(), Double::Answers(Rc::new(answer))))
    }

    /// Calls of a service of the same plugin run it, as a part of the caller's unit of work.
    #[must_use]
    pub fn own<S: Service>(self) -> Self {
        self.with(|host| host.doubles.insert(S::DECLARATION.name.to_owned(), Double::Is(S::handle)))
    }

    /// A double for a broker: what it makes of each message that is published. Brokers without one confirm all.
    #[must_use]
    pub fn broker(self, connection: &str, answer: impl Fn(&Message) -> Result<(), Fault> + 'static) -> Self {
        self.with(|host| host.brokers.insert(connection.to_owned(), Rc::new(answer)))
    }

    /// A value that is kept as JSON.
    #[must_use]
    #[track_caller]
    pub fn kv(self, key: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.put(key, &json(value));
        self
    }

    /// The plugin's config: a JSON object.
    #[must_use]
    pub fn config(self, config: Value) -> Self {
        assert!(config.is_object(), "a config is a JSON object, not {config}");
        self.with(|host| host.config = config)
    }

    #[must_use]
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.with(|host| host.secrets.insert(name.to_owned(), value.to_owned()))
    }

    /// The security definition that lets callers in.
    #[must_use]
    pub fn caller(self, name: &str) -> Self {
        self.with(|host| host.call.caller = Some(name.to_owned()))
    }

    /// Adds a header to the requests.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|host| host.call.head.headers.push((name.to_ascii_lowercase(), value.to_owned())))
    }

    /// The protocol's view of the requests; replaces the headers too.
    #[must_use]
    pub fn head(self, head: RequestHead) -> Self {
        self.with(|host| host.call.head = head)
    }

    #[must_use]
    pub fn idempotency_key(self, key: &str) -> Self {
        self.with(|host| host.call.idempotency_key = Some(key.to_owned()))
    }

    /// Calls are this attempt at a delivery.
    #[must_use]
    pub fn attempt(self, number: u32) -> Self {
        self.with(|host| host.call.attempt = number)
    }

    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        self.with(|host| host.call.correlation_id = id.to_owned())
    }

    /// What calls are told of the time they have; 30 s if it is not given. It does not run down.
    #[must_use]
    pub fn remaining(self, time: Duration) -> Self {
        self.with(|host| host.call.remaining = time)
    }

    /// The time; 2026-01-01T00:00:00Z if it is not given. It stands still.
    #[must_use]
    pub fn now(self, time: SystemTime) -> Self {
        self.with(|host| host.now = time)
    }

    /// The next random bytes. After them, and without them, comes a sequence that is the same in every run.
    #[must_use]
    pub fn random(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(|host| host.chance.give(bytes.into()))
    }

    fn with<T>(self, give: impl FnOnce(&mut Host) -> T) -> Self {
        give(&mut self.0.borrow_mut());
        self
    }
}

/// What happens beside the calls.
impl TestHost {
    /// Sets a value as another call would: also while one is under way.
    pub fn put(&self, key: &str, value: &[u8]) {
        self.0.borrow_mut().store.put(key, value.to_vec(), None);
    }

    /// What is kept under a key.
    #[must_use]
    pub fn kept(&self, key: &str) -> Option<Vec<u8>> {
        let host = self.0.borrow();
        host.store.value(key, host.now).map(<[u8]>::to_vec)
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.0.borrow_mut().now += time;
    }
}

/// Calls.
impl TestHost {
    /// Calls a service with an input.
    #[track_caller]
    pub fn call<S: Service>(&self, input: &(impl Serialize + ?Sized)) -> Outcome<Answer> {
        let content_type = Some("application/json".to_owned());
        self.call_raw::<S>(Request { content_type, payload: Payload::Bytes(json(input)) })
    }

    /// Calls a service with a body as it comes.
    #[track_caller]
    pub fn call_raw<S: Service>(&self, request: Request) -> Outcome<Answer> {
        self.run(|| Answer::of(S::handle(request)?))
    }

    /// Runs any code as a call: what it asks of the bus, this host answers.
    ///
    /// # Panics
    /// If a call of this host is under way: services of the plugin that are invoked are given by
    /// [`TestHost::own`].
    #[track_caller]
    pub fn run<T>(&self, work: impl FnOnce() -> Result<T, Fault>) -> Outcome<T> {
        let call = UnderWay::begin(self);
        let result = work();
        drop(call);
        let mut host = self.0.borrow_mut();
        let (result, effects) = match result {
            Ok(value) => match host.commit() {
                Ok(effects) => (Ok(value), effects),
                Err(fault) => (Err(fault), Effects::default()),
            },
            Err(fault) => (Err(fault), Effects::default()),
        };
        let (published, sent) = (std::mem::take(&mut host.published), std::mem::take(&mut host.sent));
        let logs = std::mem::take(&mut host.logs);
        Outcome { result, effects, published, sent, logs }
    }
}

/// Ends even if the call panics: the host can be asked afterwards.
struct UnderWay<'h> {
    host: &'h TestHost,
    _installed: Installed,
}

impl<'h> UnderWay<'h> {
    #[track_caller]
    fn begin(host: &'h TestHost) -> Self {
        let mut state = host.0.borrow_mut();
        assert!(!state.busy, "a call of this test host is under way");
        state.busy = true;
        state.staging = Staging::default();
        state.logs.clear();
        state.published.clear();
        state.sent = Sent::default();
        Self { host, _installed: Installed::over(host) }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.host.0.borrow_mut().busy = false;
    }
}

#[track_caller]
fn json(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes,
        Err(error) => panic!("this has no JSON form: {error}"),
    }
}
