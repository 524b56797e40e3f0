//! Calls of other services: answered by doubles, or by services of the same plugin.

use std::rc::Rc;

use serde_json::Value;

use super::TestHost;
use crate::bindings::busbar::bus::types;
use crate::{Disposition, Fault, Request, Response};

/// What a service that fails tells of it: the cause is the log's.
const FAILED: &str =
    "the service could not complete the call; the log has the cause under the correlation id";

/// Who answers for a service.
#[derive(Clone)]
pub(super) enum Double {
    Answers(Rc<dyn Fn(Value) -> Result<Value, Fault>>),
    /// The service itself.
    Is(Handle),
}

type Handle = fn(Request) -> Result<Response, Fault>;

pub(super) fn call(host: &TestHost, service: &str, request: Request) -> Result<Response, types::Fault> {
    // Nothing is borrowed while it runs: it may ask the bus too.
    let double = host.0.borrow().doubles.get(service).cloned();
    let outcome = match double {
        Some(Double::Answers(answer)) => answered(&*answer, request),
        Some(Double::Is(handle)) => nested(host, service, handle, request),
        None => {
            let text =
                format!("no service has this name; TestHost::service({service:?}, …) gives it a double");
            Err(Fault::reject("service-unknown", text).status(404))
        }
    };
    outcome.map_err(|fault| seen_by_caller(fault).into())
}

fn answered(answer: &dyn Fn(Value) -> Result<Value, Fault>, request: Request) -> Result<Response, Fault> {
    let bytes = request.into_bytes()?;
    Response::json(&answer(serde_json::from_slice(&bytes).unwrap_or_default())?)
}

/// The call takes part in the unit of work: a fault discards what it alone has staged.
fn nested(host: &TestHost, service: &str, handle: Handle, request: Request) -> Result<Response, Fault> {
    // Services are named after their plugin.
    let plugin = service.split('.').next().unwrap_or_default();
    let (staged, call) = {
        let mut host = host.0.borrow_mut();
        let nested = host.call.nested(plugin);
        (host.staging.clone(), std::mem::replace(&mut host.call, nested))
    };
    let outcome = handle(request);
    let mut host = host.0.borrow_mut();
    host.call = call;
    if outcome.is_err() {
        host.staging = staged;
    }
    outcome
}

/// As the bus passes it on.
fn seen_by_caller(fault: Fault) -> Fault {
    match fault.disposition {
        Disposition::Reject => Fault { status: fault.status.or(Some(400)), ..fault },
        Disposition::RetryAfter(_) => Fault { status: None, ..fault },
        Disposition::Fail => Fault { status: None, message: FAILED.to_owned(), errors: Vec::new(), ..fault },
    }
}
