//! Second stage: from the request's target to a channel and a service.

use std::sync::Arc;

use busbar_model::{
    Fault, bounds, definitions,
    fault::FaultKind,
    router::{Match, Parameters},
};

use crate::{
    accept::Context,
    authenticate::Guard,
    catalog::{Admission, BoundService, Route, Slot},
    cors::Policy,
    metrics::Meter,
    request::{Request, Target},
};

/// Where a request goes. Names and limits are the channel's, or those of calls by name.
pub(crate) struct Routed<'c> {
    pub(crate) channel: &'c str,
    pub(crate) service_name: &'c str,
    pub(crate) service: &'c Slot,
    pub(crate) admission: Admitted<'c>,
    /// `None`: counted with the requests that reached no channel.
    pub(crate) meter: Option<&'c Arc<Meter>>,
    pub(crate) params: Parameters,
    pub(crate) body_bytes_max: u64,
    pub(crate) timeout_ms: u64,
    pub(crate) cors: Option<&'c Policy>,
}

#[derive(Clone, Copy)]
pub(crate) enum Admitted<'c> {
    Everyone,
    By(&'c Guard),
    Nobody,
}

/// Where a request's head leads.
pub(crate) enum Way<'c> {
    Service(Routed<'c>),
    /// To an address whose messages tell more: of SOAP, by its index in the catalog.
    Message(usize),
}

pub(crate) fn route<'c>(context: &'c Context, request: &Request) -> Result<Way<'c>, Fault> {
    match &request.target {
        Target::Path => by_path(context, request),
        Target::Service(name) => Ok(Way::Service(by_name(context, name))),
    }
}

fn by_path<'c>(context: &'c Context, request: &Request) -> Result<Way<'c>, Fault> {
    let (router, routes) = context.catalog.routes();
    match router.find(request.head.method.as_str(), request.head.uri.path()) {
        Match::Unknown => Err(Fault::not_found()),
        Match::WrongMethod { allow } => {
            let mut fault = Fault::new(FaultKind::MethodNotAllowed, "this address does not take the method");
            fault.allow = allow;
            Err(fault)
        }
        Match::Found { target: definitions::Target::Rest(at), parameters } => match routes.get(*at) {
            Some(route) => Ok(Way::Service(to_channel(route, parameters))),
            None => Err(Fault::not_found()),
        },
        Match::Found { target: definitions::Target::Soap(at), .. } => Ok(Way::Message(*at)),
    }
}

pub(crate) fn admitted(admission: &Admission) -> Admitted<'_> {
    match admission {
        Admission::Open => Admitted::Everyone,
        Admission::Guarded(guard) => Admitted::By(guard),
        Admission::Closed => Admitted::Nobody,
    }
}

pub(crate) fn to_channel(route: &Route, params: Parameters) -> Routed<'_> {
    Routed {
        channel: route.channel.name.as_str(),
        service_name: route.channel.service.as_str(),
        service: &route.service,
        admission: admitted(&route.guard),
        meter: Some(&route.meter),
        params,
        body_bytes_max: route.channel.body_bytes_max,
        timeout_ms: route.channel.timeout_ms,
        cors: route.cors.as_ref(),
    }
}

/// Whether the service exists is told to those only who are let in.
fn by_name<'c>(context: &'c Context, name: &str) -> Routed<'c> {
    let service = context.catalog.service(name);
    let live = match service {
        Slot::Live(live) => Some(live),
        Slot::NotLive | Slot::Quarantined | Slot::Unknown => None,
    };
    Routed {
        channel: "_by-name",
        service_name: live.map_or("", |service| service.name.as_str()),
        service,
        admission: context.catalog.invoker().map_or(Admitted::Nobody, |guard| Admitted::By(guard)),
        meter: live.map(|service| &service.by_name_meter),
        params: Vec::new(),
        body_bytes_max: bounds::BODY_BYTES_DEFAULT,
        timeout_ms: bounds::CALL_TIMEOUT_MS_CEILING,
        cors: None,
    }
}

pub(crate) fn live(slot: &Slot) -> Result<&Arc<BoundService>, Fault> {
    match slot {
        Slot::Live(service) => Ok(service),
        Slot::NotLive => Err(Fault::new(FaultKind::NotDeployed, "the service is not deployed at present")
            .with_retry_after_s(5)),
        Slot::Quarantined => {
            let text = "the service is out of service: processes died while it was called; it waits for a new \
                        version or for someone to release it";
            Err(Fault::new(FaultKind::Quarantined, text).with_retry_after_s(5))
        }
        Slot::Unknown => {
            Err(Fault::new(FaultKind::NotFound, "no service has this name").with_code("service-unknown"))
        }
    }
}
