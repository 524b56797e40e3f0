//! The state of a test host: what was given, what is kept, and the call under way.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::chance::Chance;
use super::doubles::Double;
use super::sent::Others;
use super::store::{Committed, Refused, Staged, Store};
use super::{Delivery, Effects, HandedOver, LogLine, Published, Sent, TestHost, Written};
use crate::amqp::Message;
use crate::bindings::busbar::bus::amqp;
use crate::bindings::busbar::bus::deliver::Options;
use crate::context::RequestHead;
use crate::{DeliveryOptions, Fault, Request};

/// 2026-01-01T00:00:00Z, in seconds.
const BEGINNING_S: u64 = 1_767_225_600;
/// As the bus gives a call by default.
const REMAINING: Duration = Duration::from_secs(30);
/// The limit of the bus.
const CACHE_VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Its refusal of a message, if it refuses.
pub(super) type Broker = Rc<dyn Fn(&Message) -> Result<(), Fault>>;

pub(super) struct Host {
    pub(super) doubles: BTreeMap<String, Double>,
    pub(super) config: Value,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) call: Surroundings,
    pub(super) now: SystemTime,
    pub(super) chance: Chance,
    pub(super) store: Store,
    pub(super) cache: BTreeMap<String, (Vec<u8>, Option<SystemTime>)>,
    pub(super) staging: Staging,
    pub(super) logs: Vec<LogLine>,
    /// Those that publishing is refused by; the others confirm everything.
    pub(super) brokers: BTreeMap<String, Broker>,
    pub(super) published: Vec<Published>,
    pub(super) others: Others,
    pub(super) sent: Sent,
    pub(super) busy: bool,
    deliveries: u64,
}

/// What surrounds a call.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) head: RequestHead,
    pub(super) caller: Option<String>,
    pub(super) correlation_id: String,
    pub(super) idempotency_key: Option<String>,
    pub(super) attempt: u32,
    pub(super) remaining: Duration,
}

/// The unit of work of the call under way.
#[derive(Clone, Default)]
pub(super) struct Staging {
    pub(super) kv: Staged,
    deliveries: Vec<Delivery>,
    invocations: Vec<Delivery>,
    messages: Vec<HandedOver>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            doubles: BTreeMap::new(),
            config: Value::Object(Map::new()),
            secrets: BTreeMap::new(),
            call: Surroundings::default(),
            now: UNIX_EPOCH + Duration::from_secs(BEGINNING_S),
            chance: Chance::default(),
            store: Store::default(),
            cache: BTreeMap::new(),
            staging: Staging::default(),
            logs: Vec::new(),
            brokers: BTreeMap::new(),
            published: Vec::new(),
            others: Others::default(),
            sent: Sent::default(),
            busy: false,
            deliveries: 0,
        }
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            head: no_head(),
            caller: None,
            correlation_id: "test".to_owned(),
            idempotency_key: None,
            attempt: 1,
            remaining: REMAINING,
        }
    }
}

/// What a call has that came by no protocol.
fn no_head() -> RequestHead {
    let (method, path) = (String::new(), String::new());
    RequestHead { method, path, query: Vec::new(), headers: Vec::new(), params: Vec::new() }
}

impl Surroundings {
    /// Of a call that the call makes: the protocol's part is not passed on.
    pub(super) fn nested(&self, plugin: &str) -> Self {
        Self { head: no_head(), caller: Some(plugin.to_owned()), ..self.clone() }
    }
}

impl Host {
    pub(super) fn cached(&self, key: &str) -> Option<Vec<u8>> {
        let (value, expires) = self.cache.get(key)?;
        expires.is_none_or(|expires| expires > self.now).then(|| value.clone())
    }

    pub(super) fn cache(&mut self, key: &str, value: &[u8], ttl_ms: Option<u64>) -> bool {
        if key.len() + value.len() > CACHE_VALUE_BYTES_MAX {
            return false;
        }
        let expires = ttl_ms.and_then(|ttl_ms| self.now.checked_add(Duration::from_millis(ttl_ms)));
        self.cache.insert(key.to_owned(), (value.to_vec(), expires));
        true
    }

    fn delivery(
        &mut self,
        service: &str,
        content_type: Option<String>,
        payload: Vec<u8>,
        options: DeliveryOptions,
    ) -> Delivery {
        self.deliveries += 1;
        let id = format!("delivery-{}", self.deliveries);
        Delivery { id, service: service.to_owned(), content_type, payload, options }
    }

    /// Commits what the call has staged.
    pub(super) fn commit(&mut self) -> Result<Effects, Fault> {
        let Staging { kv, deliveries, invocations, messages } = std::mem::take(&mut self.staging);
        let committed = self.store.commit(kv, self.now).map_err(|refused| match refused {
            Refused::Conflict => {
                let text = "another call changed what this one was based on; try again";
                Fault::reject("conflict", text).status(409)
            }
            Refused::NotANumber => {
                Fault::fail("a value to be incremented is no integer").code("not-a-number")
            }
        })?;
        let written = |Committed { key, value, expires }| (key, Written { value, expires });
        Ok(Effects { kv: committed.into_iter().map(written).collect(), deliveries, invocations, messages })
    }
}

pub(super) fn send(
    host: &TestHost,
    service: &str,
    request: Request,
    options: &Options,
) -> Result<String, Fault> {
    let options = wanted(options);
    let content_type = request.content_type.clone();
    let payload = request.into_bytes()?;
    let mut host = host.0.borrow_mut();
    let delivery = host.delivery(service, content_type, payload, options);
    let id = delivery.id.clone();
    host.staging.deliveries.push(delivery);
    Ok(id)
}

fn wanted(options: &Options) -> DeliveryOptions {
    let time = |ms: Option<u64>| ms.map(Duration::from_millis);
    DeliveryOptions {
        attempts: options.attempts,
        backoff: time(options.backoff_ms),
        backoff_max: time(options.backoff_max_ms),
        expires: time(options.expires_ms),
        delay: time(options.delay_ms),
        order_key: options.order_key.clone(),
    }
}

pub(super) fn publish(host: &TestHost, connection: &str, message: amqp::Message) -> Result<(), Fault> {
    let message = Message::received(message)?;
    // Nothing is borrowed while it runs: it may ask the bus too.
    let broker = host.0.borrow().brokers.get(connection).cloned();
    if let Some(broker) = broker {
        broker(&message)?;
    }
    let published = Published { connection: connection.to_owned(), message };
    host.0.borrow_mut().published.push(published);
    Ok(())
}

pub(super) fn hand_over(
    host: &TestHost,
    connection: &str,
    message: amqp::Message,
    options: &Options,
) -> Result<String, Fault> {
    let message = Message::received(message)?;
    let mut host = host.0.borrow_mut();
    host.deliveries += 1;
    let id = format!("delivery-{}", host.deliveries);
    let (connection, options) = (connection.to_owned(), wanted(options));
    host.staging.messages.push(HandedOver { id: id.clone(), connection, message, options });
    Ok(id)
}

pub(super) fn start(host: &TestHost, service: &str, request: Request) -> Result<String, Fault> {
    let content_type = request.content_type.clone();
    let payload = request.into_bytes()?;
    let mut host = host.0.borrow_mut();
    let delivery = host.delivery(service, content_type, payload, DeliveryOptions::default());
    let id = delivery.id.clone();
    host.staging.invocations.push(delivery);
    Ok(id)
}
