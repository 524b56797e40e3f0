//! accept → route → authenticate → invoke → respond.
//!
//! Every call goes through here and knows nothing of the protocol it came by: requests through
//! [`Pipeline::handle`], calls of services by services through [`Invoker`].

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use busbar_model::{
    Fault, bounds,
    correlation::CorrelationId,
    delivery::{Claimed, Target},
    fault::FaultKind,
};
use tokio::time::Instant;

use crate::{
    accept::{Context, accept, unread},
    authenticate::{authenticate, authorize_invoke},
    body::Body,
    buffers::Buffers,
    catalog::{Catalog, Slot},
    contract,
    cors::{self, Page},
    deliver,
    gate::Arrival,
    idempotency,
    invoke::{self, Inbound, run},
    metrics::{Meter, Metrics},
    ports::{Above, Access, AccessLog, Call, CallFuture, Invoker, Ledger, Origin, Outlet, OutletFuture},
    publish::{self, Message},
    request::{Head, Input, Reply, Request, Response},
    respond::respond,
    route::{Way, live, route},
    soap,
    ways::Ways,
};

pub struct Pipeline {
    catalog: ArcSwap<Catalog>,
    metrics: Arc<Metrics>,
    /// Counts requests that reached no channel.
    unrouted: Arc<Meter>,
    access_log: Arc<dyn AccessLog>,
    ledger: Arc<dyn Ledger>,
    outward: Outward,
    buffers: Buffers,
}

/// By what calls and deliveries leave the bus. What is not there, nothing leaves by.
#[derive(Clone, Default)]
pub struct Outward {
    /// For deliveries, and messages to brokers.
    pub outlet: Option<Arc<dyn Outlet>>,
    /// For what services ask of others within a call.
    pub ways: Option<Arc<dyn Ways>>,
}

impl Outward {
    /// By all that there is.
    pub fn by(outlet: Arc<dyn Outlet>, ways: Arc<dyn Ways>) -> Self {
        Self { outlet: Some(outlet), ways: Some(ways) }
    }
}

impl Pipeline {
    pub fn new(
        metrics: Arc<Metrics>,
        access_log: Arc<dyn AccessLog>,
        ledger: Arc<dyn Ledger>,
        outward: Outward,
    ) -> Arc<Self> {
        let unrouted = metrics.meter("", "");
        let buffers = Buffers::default();
        let catalog = ArcSwap::default();
        Arc::new(Self { catalog, metrics, unrouted, access_log, ledger, outward, buffers })
    }

    /// New calls meet this catalog; calls under way keep theirs.
    pub fn switch(&self, catalog: Catalog) {
        self.catalog.store(Arc::new(catalog));
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// What requests that reached no channel are counted by.
    pub fn unrouted(&self) -> &Arc<Meter> {
        &self.unrouted
    }

    pub(crate) fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Bodies that are read whole.
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Whether deliveries get to systems of others.
    pub fn has_outlet(&self) -> bool {
        self.outward.outlet.is_some()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes a request through all stages. `unique` is 128 bits that no other request has. Not `async` itself, as the
    /// request would be in the future twice.
    pub fn handle<'p>(
        self: &'p Arc<Self>,
        mut request: Request,
        unique: u128,
    ) -> impl Future<Output = Reply> + Send + 'p {
        let context = Arc::new(accept(&mut request, self.catalog(), unique));
        async move {
            if let Some((about, answer)) = cors::preflight(&context.catalog, &request) {
                let channel = about.channel.name.as_str();
                let line = Line::of(&request.head);
                let noted = Noted { meter: &self.unrouted, channel, service: "", caller: None, line };
                return self.finish(&context, noted, Ok(answer));
            }
            let routed = match route(&context, &request) {
                Ok(Way::Service(routed)) => routed,
                // Apart, since its state is large and most calls are none of these.
                Ok(Way::Message(address)) => {
                    return Box::pin(soap::exchange(self, &context, address, request, unique)).await;
                }
                Err(fault) => return self.finish_unrouted(&context, &request, Err(fault)),
            };
            let meter = routed.meter.unwrap_or(&self.unrouted);
            let (channel, service_name) = (routed.channel, routed.service_name);
            let line = Line::of(&request.head);
            let page = routed.cors.map(|policy| Page::of(policy, &request.head.headers));
            let mut caller = None;
            let outcome = async {
                let shown = context.certificate.as_deref();
                let permit = authenticate(routed.admission, shown, &mut request.head.headers).await?;
                caller.clone_from(&permit.caller);
                let service = live(routed.service)?;
                let key = idempotency::key(&request.head)?;
                let inbound = Inbound {
                    context: &context,
                    routed,
                    permit,
                    head: request.head,
                    body: request.body,
                    key,
                    attempt: 1,
                    is_answered: true,
                    encode: None,
                };
                invoke::inbound(service, inbound, self).await
            }
            .await;
            let caller = caller.as_ref().map(|name| name.as_str());
            let noted = Noted { meter, channel, service: service_name, caller, line };
            let mut reply = self.finish(&context, noted, outcome);
            if let Some(page) = page {
                page.mark(&mut reply.headers);
            }
            reply
        }
    }

    /// Replies to a request that goes to no channel: it is counted and noted like any other.
    pub fn answer(&self, request: &Request, unique: u128, outcome: Result<Response, Fault>) -> Reply {
        let context = unread(request, self.catalog(), unique);
        self.finish_unrouted(&context, request, outcome)
    }

    /// Attempts a delivery. Its settlement is committed with the effects of the call if that succeeds,
    /// alone if it fails; if that can't be done, the claim expires. `random` is in 0.0..1.0.
    pub async fn deliver(self: &Arc<Self>, claimed: Claimed, unique: u128, random: f64) {
        let correlation = CorrelationId::parse(&claimed.correlation_id);
        let context = Arc::new(Context {
            correlation: correlation.unwrap_or_else(|| CorrelationId::from_unique(unique)),
            trace: None,
            catalog: self.catalog(),
            accepted_at: std::time::Instant::now(),
            certificate: None,
        });
        let (meter, outcome) = match &claimed.target {
            Target::Service(name) => {
                let service = context.catalog.service(name.as_str());
                let meter = match service {
                    Slot::Live(service) => Arc::clone(&service.delivery_meter),
                    Slot::NotLive | Slot::Quarantined | Slot::Unknown => Arc::clone(&self.unrouted),
                };
                let outcome = async {
                    let service = Arc::clone(live(service)?);
                    let invoker = Arc::clone(self) as Arc<dyn Invoker>;
                    deliver::attempt(&self.ledger, &context, service, &claimed, invoker).await
                }
                .await;
                (meter, outcome)
            }
            Target::Amqp { .. } => {
                let sent = deliver::send(&self.ledger, self.outward.outlet.as_ref(), &claimed).await;
                (self.metrics.meter("", deliver::CHANNEL), sent.map(|()| Response::default()))
            }
        };
        let target = claimed.target.to_string();
        let source = claimed.source.as_ref().map(|name| name.as_str());
        let line = Line { method: http::Method::POST, uri: http::Uri::default() };
        let noted =
            Noted { meter: &meter, channel: deliver::CHANNEL, service: &target, caller: source, line };
        let failed = outcome.as_ref().err().cloned();
        self.finish(&context, noted, outcome);
        if let Some(fault) = failed {
            deliver::settle_failed(&self.ledger, &claimed, &fault, random).await;
        }
    }

    fn finish_unrouted(
        &self,
        context: &Context,
        request: &Request,
        outcome: Result<Response, Fault>,
    ) -> Reply {
        let line = Line::of(&request.head);
        self.finish(
            context,
            Noted { meter: &self.unrouted, channel: "", service: "", caller: None, line },
            outcome,
        )
    }

    pub(crate) fn finish(
        &self,
        context: &Context,
        noted: Noted<'_>,
        outcome: Result<Response, Fault>,
    ) -> Reply {
        let (reply, fault) = respond(context, outcome);
        self.note(context, noted, &reply, fault.as_ref());
        reply
    }

    /// Counts a call that has ended, and writes its line.
    pub(crate) fn note(&self, context: &Context, noted: Noted<'_>, reply: &Reply, fault: Option<&Fault>) {
        let took = context.accepted_at.elapsed();
        noted.meter.record(reply.status.as_u16(), took);
        if let Some(fault) = fault {
            self.metrics.error(fault.kind);
        }
        self.access_log.record(&Access {
            correlation: &context.correlation,
            trace_id: context.trace.map(|trace| trace.trace_id),
            method: noted.line.method.as_str(),
            path: noted.line.uri.path(),
            channel: noted.channel,
            service: noted.service,
            caller: noted.caller,
            status: reply.status.as_u16(),
            bytes: reply.body.length(),
            took,
            fault: fault.map(|fault| fault.code.as_str()),
        });
    }
}

/// What the access log says of a request, kept while the request itself moves into the call.
pub(crate) struct Line {
    method: http::Method,
    uri: http::Uri,
}

impl Line {
    pub(crate) fn of(head: &Head) -> Self {
        Self { method: head.method.clone(), uri: head.uri.clone() }
    }
}

pub(crate) struct Noted<'a> {
    pub(crate) meter: &'a Meter,
    pub(crate) channel: &'a str,
    pub(crate) service: &'a str,
    pub(crate) caller: Option<&'a str>,
    pub(crate) line: Line,
}

/// The same five stages for a call from within.
async fn nested(
    pipeline: Arc<Pipeline>,
    from: Origin,
    name: String,
    input: Input,
) -> Result<Response, Fault> {
    let started = Instant::now();
    let depth = from.depth + 1;
    if depth > bounds::CALL_DEPTH_MAX {
        let text = format!("calls are nested deeper than {}", bounds::CALL_DEPTH_MAX);
        return Err(Fault::new(FaultKind::NestingLimit, text));
    }
    let permit = authorize_invoke(&from.service, &name)?;
    let context = Arc::clone(&from.context);
    let service = Arc::clone(live(context.catalog.service(&name))?);
    let deadline = from.deadline.min(started + Duration::from_millis(service.limits.timeout_ms));
    let meter = Arc::clone(&service.invoke_meter);
    let outcome: Result<Response, Fault> = async {
        let input = typed(&service, input).await?;
        let place = match from.holds(&service.name) {
            true => service.gate.enter_now()?,
            false => service.gate.enter(deadline, Arrival::Whole).await?,
        };
        let invoker = Arc::clone(&pipeline) as Arc<dyn Invoker>;
        let caller = permit.caller;
        let layer = from.unit.above();
        let response = run(Box::new(Call {
            context,
            service,
            deadline,
            depth,
            above: Some(Arc::new(Above { service: from.service.name.clone(), above: from.above.clone() })),
            caller,
            head: None,
            params: Vec::new(),
            input,
            invoker,
            unit: Arc::clone(&layer),
            attempt: from.attempt,
            place,
        }))
        .await?;
        from.unit.absorb(&layer)?;
        Ok(response)
    }
    .await;
    let status = match &outcome {
        Ok(response) => response.status.map_or(200, |status| status.as_u16()),
        Err(fault) => fault.status(),
    };
    meter.record(status, started.elapsed());
    if let Err(fault) = &outcome {
        pipeline.metrics.error(fault.kind);
    }
    outcome
}

/// A typed service is called with JSON in memory, from within as from outside.
pub(crate) async fn typed(service: &crate::catalog::BoundService, input: Input) -> Result<Input, Fault> {
    if !service.contract.is_typed() {
        return Ok(input);
    }
    let bytes = input.body.collect(bounds::BODY_BYTES_DEFAULT).await.map_err(invoke::broken)?;
    let bytes = contract::input(service, bytes).await?;
    Ok(Input { content_type: input.content_type, body: Body::Bytes(bytes) })
}

impl Invoker for Pipeline {
    fn invoke(self: Arc<Self>, from: Origin, service: String, input: Input) -> CallFuture {
        Box::pin(nested(self, from, service, input))
    }

    fn publish(self: Arc<Self>, from: Origin, message: Message) -> OutletFuture {
        Box::pin(async move { publish::publish(&from, self.outward.outlet.as_ref(), message).await })
    }

    fn ways(&self) -> Option<&Arc<dyn Ways>> {
        self.outward.ways.as_ref()
    }
}
