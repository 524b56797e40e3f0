//! The functions of the contract, answered by the test host of the thread.

use std::cell::RefCell;

use super::TestHost;
use super::host::Host;

thread_local! {
    static INSTALLED: RefCell<Option<TestHost>> = const { RefCell::new(None) };
}

/// While this lives, its host is the thread's.
pub(super) struct Installed {
    before: Option<TestHost>,
}

impl Installed {
    pub(super) fn over(host: &TestHost) -> Self {
        Self { before: INSTALLED.replace(Some(host.clone())) }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        INSTALLED.replace(self.before.take());
    }
}

fn installed() -> TestHost {
    match INSTALLED.with_borrow(Option::clone) {
        Some(host) => host,
        None => panic!("no test host: what asks the bus is called by busbar_sdk::testing::TestHost"),
    }
}

fn with<T>(work: impl FnOnce(&mut Host) -> T) -> T {
    work(&mut installed().0.borrow_mut())
}

pub(crate) mod amqp {
    use super::super::host;
    use super::installed;
    use crate::bindings::busbar::bus::deliver::Options;
    use crate::bindings::busbar::bus::types::Fault;

    pub(crate) use crate::bindings::busbar::bus::amqp::{Message, Properties};

    pub(crate) fn publish(connection: &str, message: Message) -> Result<(), Fault> {
        host::publish(&installed(), connection, message).map_err(Fault::from)
    }

    pub(crate) fn hand_over(connection: &str, message: Message, options: &Options) -> Result<String, Fault> {
        host::hand_over(&installed(), connection, message, options).map_err(Fault::from)
    }
}

pub(crate) mod cache {
    use super::with;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        with(|host| host.cached(key))
    }

    pub(crate) fn put(key: &str, value: &[u8], ttl_ms: Option<u64>) -> bool {
        with(|host| host.cache(key, value, ttl_ms))
    }

    pub(crate) fn delete(key: &str) {
        with(|host| drop(host.cache.remove(key)));
    }
}

pub(crate) mod config {
    use super::with;

    pub(crate) fn get(key: &str) -> Option<String> {
        with(|host| host.config.get(key).map(ToString::to_string))
    }

    pub(crate) fn all() -> String {
        with(|host| host.config.to_string())
    }
}

pub(crate) mod context {
    use super::with;
    use crate::context::RequestHead;

    pub(crate) fn head() -> RequestHead {
        with(|host| host.call.head.clone())
    }

    pub(crate) fn correlation_id() -> String {
        with(|host| host.call.correlation_id.clone())
    }

    pub(crate) fn caller() -> Option<String> {
        with(|host| host.call.caller.clone())
    }

    pub(crate) fn remaining_ms() -> u64 {
        with(|host| u64::try_from(host.call.remaining.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn idempotency_key() -> Option<String> {
        with(|host| host.call.idempotency_key.clone())
    }

    pub(crate) fn attempt() -> u32 {
        with(|host| host.call.attempt)
    }
}

pub(crate) mod deliver {
    use super::super::host;
    use super::installed;
    use crate::Request;
    use crate::bindings::busbar::bus::types::Fault;

    pub(crate) use crate::bindings::busbar::bus::deliver::Options;

    pub(crate) fn send(service: &str, request: Request, options: &Options) -> Result<String, Fault> {
        host::send(&installed(), service, request, options).map_err(Fault::from)
    }
}

pub(crate) mod dictionaries {
    use super::installed;
    use crate::bindings::busbar::bus::types::Fault;

    pub(crate) fn translate(
        dictionary: &str,
        key: &str,
        from: &str,
        to: &str,
        on: Option<&str>,
    ) -> Result<Option<String>, Fault> {
        Ok(installed().translate(dictionary, key, from, to, on)?)
    }

    pub(crate) fn entries(dictionary: &str, on: Option<&str>) -> Result<Vec<Vec<(String, String)>>, Fault> {
        Ok(installed().entries(dictionary, on)?)
    }
}

pub(crate) mod http {
    use super::super::http;
    use super::installed;
    use crate::Response;
    use crate::bindings::busbar::bus::types::Fault;

    pub(crate) use crate::bindings::busbar::bus::http::Request;

    pub(crate) fn send(connection: &str, request: Request) -> Result<Response, Fault> {
        Ok(http::send(&installed(), connection, request)?)
    }
}

pub(crate) mod invoke {
    use super::super::{doubles, host};
    use super::installed;
    use crate::bindings::busbar::bus::types::Fault;
    use crate::{Request, Response};

    pub(crate) use crate::bindings::busbar::bus::invoke::Target;

    pub(crate) fn call(service: &str, request: Request) -> Result<Response, Fault> {
        doubles::call(&installed(), service, request)
    }

    pub(crate) fn all(targets: Vec<Target>) -> Vec<Result<Response, Fault>> {
        targets.into_iter().map(|target| call(&target.service, target.request)).collect()
    }

    pub(crate) fn start(service: &str, request: Request) -> Result<String, Fault> {
        host::start(&installed(), service, request).map_err(Fault::from)
    }
}

pub(crate) mod kv {
    use super::with;

    pub(crate) use crate::bindings::busbar::bus::kv::{Entry, KvError, Page};

    pub(crate) fn get(key: &str) -> Result<Option<Entry>, KvError> {
        with(|host| host.staging.kv.get(&host.store, host.now, key))
    }

    pub(crate) fn put(
        key: &str,
        value: &[u8],
        expected: Option<u64>,
        ttl_ms: Option<u64>,
    ) -> Result<(), KvError> {
        with(|host| host.staging.kv.put(host.now, key, value, expected, ttl_ms))
    }

    pub(crate) fn delete(key: &str, expected: Option<u64>) -> Result<(), KvError> {
        with(|host| host.staging.kv.delete(key, expected))
    }

    pub(crate) fn increment(key: &str, by: i64) -> Result<i64, KvError> {
        with(|host| host.staging.kv.increment(&host.store, host.now, key, by))
    }

    pub(crate) fn list(prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, KvError> {
        with(|host| host.staging.kv.list(&host.store, host.now, prefix, after, limit))
    }
}

pub(crate) mod log {
    use super::super::LogLine;
    use super::with;
    use crate::log::Level;

    pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        let line = LogLine { level, message: message.to_owned(), fields: fields.to_vec() };
        with(|host| host.logs.push(line));
    }
}

pub(crate) mod secrets {
    use super::with;

    pub(crate) use crate::bindings::busbar::bus::secrets::SecretError;

    pub(crate) fn get(name: &str) -> Result<String, SecretError> {
        with(|host| host.secrets.get(name).cloned()).ok_or(SecretError::Unknown)
    }
}

pub(crate) mod soap {
    use super::super::soap;
    use super::installed;
    use crate::bindings::busbar::bus::types::Fault;
    use crate::{Payload, Response};

    pub(crate) use crate::bindings::busbar::bus::soap::{Operation, PartnerFault, SoapError};

    pub(crate) fn call(connection: &str, operation: &str, input: &str) -> Result<String, SoapError> {
        soap::call(&installed(), connection, operation, input).map_err(soap::to_bus)
    }

    pub(crate) fn exchange(
        connection: &str,
        action: &str,
        content_type: &str,
        envelope: Payload,
    ) -> Result<Response, Fault> {
        Ok(soap::exchange(&installed(), connection, action, content_type, envelope)?)
    }

    pub(crate) fn operations(connection: &str) -> Result<Vec<Operation>, Fault> {
        Ok(soap::operations(&installed(), connection)?)
    }
}

pub(crate) mod sql {
    use super::installed;
    use crate::bindings::busbar::bus::types::Fault;

    pub(crate) use super::super::sql::{Cursor, Transaction};
    pub(crate) use crate::bindings::busbar::bus::sql::{Column, Isolation, Options, Rows, Value};

    pub(crate) fn query(connection: &str, statement: &str, parameters: &[Value]) -> Result<Rows, Fault> {
        Ok(installed().query(connection, statement, parameters)?)
    }

    pub(crate) fn execute(connection: &str, statement: &str, parameters: &[Value]) -> Result<u64, Fault> {
        Ok(installed().execute(connection, statement, parameters)?)
    }

    pub(crate) fn open(connection: &str, statement: &str, parameters: &[Value]) -> Result<Cursor, Fault> {
        Ok(Cursor::over(installed().query(connection, statement, parameters)?))
    }

    pub(crate) fn begin(connection: &str, _: Options) -> Result<Transaction, Fault> {
        Ok(Transaction::begin(installed(), connection)?)
    }
}

pub(crate) mod wasi {
    use std::time::SystemTime;

    use super::with;

    pub(crate) fn now() -> SystemTime {
        with(|host| host.now)
    }

    pub(crate) fn random(length: usize) -> Vec<u8> {
        with(|host| host.chance.bytes(length))
    }
}
