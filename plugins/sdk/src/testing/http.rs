//! Systems of others that are reached by HTTP.

use std::rc::Rc;
use std::time::Duration;

use super::TestHost;
use super::sent::{HttpRequest, connection_unknown};
use crate::bindings::busbar::bus::http;
use crate::{Fault, Response};

impl TestHost {
    /// A double for a connection by HTTP: what it replies to each request. A fault is one of the bus's: nobody was
    /// reached.
    #[must_use]
    pub fn http(
        self,
        connection: &str,
        reply: impl Fn(&HttpRequest) -> Result<Response, Fault> + 'static,
    ) -> Self {
        self.with(|host| host.others.http.insert(connection.to_owned(), Rc::new(reply)))
    }
}

pub(super) fn send(host: &TestHost, connection: &str, request: http::Request) -> Result<Response, Fault> {
    let double = host.0.borrow().others.http.get(connection).cloned();
    let double = double.ok_or_else(|| connection_unknown(connection, "http"))?;
    let http::Request { method, path, headers, content_type, payload, timeout_ms } = request;
    let (connection, body) = (connection.to_owned(), payload.into_bytes()?);
    let timeout = timeout_ms.map(Duration::from_millis);
    let request = HttpRequest { connection, method, path, headers, content_type, body, timeout };
    host.0.borrow_mut().sent.http.push(request.clone());
    // Nothing is borrowed while it runs: it may ask the bus too.
    double(&request)
}
