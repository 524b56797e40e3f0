//! Deliveries: handing a message over, and attempting to get it to its service.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Fault, Name, bounds,
    delivery::{Claimed, NewDelivery, Options, Outcome, Policy, Properties, Settlement, Target, after_fault},
    fault::FaultKind,
    unit::{CommitError, Effects, Unit},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use tokio::time::{Instant, sleep};

use crate::{
    accept::Context,
    authenticate::{authorize_invoke, is_own},
    body::Body,
    catalog::{BoundService, Slot},
    gate::Arrival,
    invoke::{broken, run},
    pipeline::typed,
    ports::{Attempt, Call, Invoker, Ledger, Origin, Outbound, Outlet},
    publish,
    request::{Head, Input, Response},
    unit::{Layer, commit, commit_fault, refused},
};

/// Under which attempts are counted and noted.
pub const CHANNEL: &str = "_delivery";
/// RFC 7240.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";
/// A failed attempt is recorded even where the database is away for a while.
const RECORDING_TRIES: u32 = 30;
const RECORDING_PAUSE: Duration = Duration::from_secs(1);

/// A service hands a message over, as a part of its unit of work. The result is the delivery's id.
pub async fn hand_over(
    origin: &Origin,
    target: &str,
    input: Input,
    options: Options,
) -> Result<String, Fault> {
    let Ok(target) = target.parse::<Target>() else {
        authorize_invoke(&origin.service, target)?;
        return Err(unknown_service());
    };
    match &target {
        Target::Service(name) => {
            authorize_invoke(&origin.service, name.as_str())?;
            // One that is away for the moment will be waited for.
            if matches!(origin.context.catalog.service(name.as_str()), Slot::Unknown) {
                return Err(unknown_service());
            }
        }
        Target::Amqp { connection, .. } => publish::authorize(origin, connection)?,
    }
    stage(origin, target, Properties::default(), input, options).await
}

/// What is allowed to be delivered becomes a part of the caller's unit of work.
pub(crate) async fn stage(
    origin: &Origin,
    target: Target,
    properties: Properties,
    input: Input,
    options: Options,
) -> Result<String, Fault> {
    let source = Some(origin.service.plugin_name.clone());
    let delivery = message(origin.unit.ledger(), &origin.context, target, source, input).await?;
    let delivery = NewDelivery { properties, ..delivery }.with(options).map_err(|text| {
        Fault::new(FaultKind::Rejected, format!("the delivery's options are not valid: {text}"))
            .with_code("invalid-options")
    })?;
    let id = delivery.id.clone();
    origin.unit.stage(|effects| effects.deliver(delivery)).map_err(refused)?;
    Ok(id)
}

fn unknown_service() -> Fault {
    Fault::new(FaultKind::NotFound, "no service has this name").with_code("service-unknown")
}

async fn message(
    ledger: &Arc<dyn Ledger>,
    context: &Context,
    target: Target,
    source: Option<Name>,
    input: Input,
) -> Result<NewDelivery, Fault> {
    let payload = input.body.collect(bounds::DELIVERY_BYTES_MAX).await.map_err(broken)?;
    let now = ledger.now();
    let lifetime = i64::try_from(bounds::DELIVERY_LIFETIME_MS_DEFAULT).unwrap_or(i64::MAX);
    Ok(NewDelivery {
        id: ledger.new_id(),
        target,
        source,
        content_type: input.content_type,
        properties: Properties::default(),
        payload: payload.into(),
        order_key: None,
        policy: Policy::default(),
        due_at: now,
        expires_at: now.plus_ms(lifetime),
        correlation_id: context.correlation.to_string(),
        created_at: now,
        setback: None,
    })
}

/// Whether the caller would rather not wait for the service (`Prefer: respond-async`, RFC 7240, section 4.1).
pub(crate) fn is_wanted(head: &Head) -> bool {
    // Most requests have no preferences, and asking for one header is cheaper than for all.
    let changes = !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
    changes
        && head.headers.contains_key(PREFER)
        && head.headers.get_all(PREFER).iter().any(|value| {
            let text = value.to_str().unwrap_or_default();
            let mut preferences = text.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
            preferences.any(|one| one.eq_ignore_ascii_case(RESPOND_ASYNC))
        })
}

/// The effect and the answer of a request that is to be handled later: 202 with the delivery's id.
pub(crate) async fn accepted(
    ledger: &Arc<dyn Ledger>,
    context: &Context,
    service: &BoundService,
    caller: Option<Name>,
    input: Input,
) -> Result<(Box<Effects>, Response), Fault> {
    let delivery = message(ledger, context, service.name.clone().into(), caller, input).await?;
    let body = serde_json::json!({"id": delivery.id, "service": service.name}).to_string();
    let mut effects = Box::<Effects>::default();
    effects.deliver(delivery).map_err(refused)?;
    let mut response = Response {
        status: Some(StatusCode::ACCEPTED),
        body: Body::Bytes(body.into()),
        ..Response::default()
    };
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    Ok((effects, response))
}

/// One attempt. If it succeeds, that is committed together with its effects.
pub(crate) async fn attempt(
    ledger: &Arc<dyn Ledger>,
    context: &Arc<Context>,
    service: Arc<BoundService>,
    claimed: &Claimed,
    invoker: Arc<dyn Invoker>,
) -> Result<Response, Fault> {
    let deadline = Instant::now() + Duration::from_millis(claimed.attempt_ms(service.limits.timeout_ms));
    let body = Body::from(Bytes::from(claimed.payload.clone()));
    let input = typed(&service, Input { content_type: claimed.content_type.clone(), body }).await?;
    let place = service.gate.enter(deadline, Arrival::Whole).await?;
    let layer = Layer::new(Arc::clone(ledger));
    let response = run(Box::new(Call {
        context: Arc::clone(context),
        service,
        deadline,
        depth: 0,
        above: None,
        caller: claimed.source.clone(),
        head: head(&claimed.properties),
        params: Vec::new(),
        input,
        invoker,
        unit: Arc::clone(&layer),
        attempt: Attempt { number: claimed.attempt, key: Some(claimed.id.as_str().into()) },
        place,
    }))
    .await?;
    unanswered(&response)?;
    let effects = layer.take().map(|effects| *effects).unwrap_or_default();
    let settlement =
        Settlement { output: output(claimed, &response), ..settlement(claimed, Outcome::Confirmed) };
    let settlement = Some(settlement);
    commit(ledger, Unit { effects, settlement, ..Unit::default() }, deadline).await.map_err(commit_fault)?;
    Ok(response)
}

/// What a message that came with headers has of a request's head.
fn head(properties: &Properties) -> Option<Head> {
    let parsed = |(name, value): &(String, String)| {
        let name = HeaderName::try_from(name).ok().filter(|name| !is_own(name))?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    };
    let headers: HeaderMap = properties.headers.iter().filter_map(parsed).collect();
    (!headers.is_empty()).then(|| Head { method: Method::POST, headers, ..Head::default() })
}

/// What is left of a response that nobody is told, which has to be one of success.
pub(crate) fn unanswered(response: &Response) -> Result<Response, Fault> {
    match response.status {
        Some(status) if status.is_client_error() || status.is_server_error() => {
            let text = format!("the service answered with status {}", status.as_u16());
            Err(Fault::new(FaultKind::Failed, text))
        }
        status => Ok(Response { status, ..Response::default() }),
    }
}

/// Gets one to a system of others. That it was confirmed is recorded by itself: there are no other effects.
pub(crate) async fn send(
    ledger: &Arc<dyn Ledger>,
    outlet: Option<&Arc<dyn Outlet>>,
    claimed: &Claimed,
) -> Result<(), Fault> {
    let deadline = Instant::now() + Duration::from_millis(bounds::OUTLET_TIMEOUT_MS);
    let Some(message) = Outbound::of(claimed.clone(), deadline) else {
        return Err(Fault::internal(FaultKind::Failed));
    };
    publish::send(outlet, message).await?;
    let unit = Unit { settlement: Some(settlement(claimed, Outcome::Confirmed)), ..Unit::default() };
    commit(ledger, unit, Instant::now() + RECORDING_PAUSE).await.map_err(commit_fault)
}

fn settlement(claimed: &Claimed, outcome: Outcome) -> Settlement {
    Settlement { id: claimed.id.clone(), claim: claimed.claim.clone(), outcome, output: None }
}

/// What the service that follows a run may be told of the answer: one that is not large.
fn output(claimed: &Claimed, response: &Response) -> Option<Vec<u8>> {
    match &response.body {
        Body::Bytes(bytes) if claimed.carries.is_some() && bytes.len() <= bounds::RUN_OUTPUT_BYTES_MAX => {
            Some(bytes.to_vec())
        }
        _ => None,
    }
}

/// Records that an attempt failed, and what is to become of the delivery.
pub(crate) async fn settle_failed(ledger: &Arc<dyn Ledger>, claimed: &Claimed, fault: &Fault, random: f64) {
    let outcome = after_fault(claimed, fault, ledger.now(), random);
    if let Outcome::GivenUp { state, .. } = &outcome {
        tracing::warn!(
            delivery = claimed.id,
            target = %claimed.target,
            correlation_id = claimed.correlation_id,
            %state,
            attempts = claimed.attempt,
            code = fault.code,
            "delivery was given up"
        );
    }
    let settlement = settlement(claimed, outcome);
    for _ in 0..RECORDING_TRIES {
        let unit = Unit { settlement: Some(settlement.clone()), ..Unit::default() };
        match commit(ledger, unit, Instant::now() + RECORDING_PAUSE).await {
            // Where it was lost, the claim had expired, and the delivery is in doubt already.
            Ok(()) | Err(CommitError::ClaimLost) => return,
            Err(error) => {
                tracing::debug!(delivery = claimed.id, %error, "a failed attempt can't be recorded yet")
            }
        }
        sleep(RECORDING_PAUSE).await;
    }
    tracing::warn!(delivery = claimed.id, "a failed attempt could not be recorded; its claim will expire");
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::{PREFER, is_wanted};
    use crate::request::Head;

    #[test]
    fn reads_preferences() {
        let wanted = |method: Method, value: &'static str| {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]);
            is_wanted(&Head { method, headers, ..Head::default() })
        };
        for good in ["respond-async", "wait=10, Respond-Async", "respond-async; x=1"] {
            assert!(wanted(Method::POST, good), "{good}");
        }
        assert!(!wanted(Method::POST, "return=minimal") && !wanted(Method::GET, "respond-async"));
        assert!(!is_wanted(&Head { method: Method::POST, ..Head::default() }));
    }
}
