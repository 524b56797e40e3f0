//! Fourth stage: the service runs within its limits.
//!
//! Effects that a call from outside staged are committed after it succeeded and before its response leaves
//! this stage; they are dropped when it fails.

use std::{pin::Pin, sync::Arc, time::Duration};

use busbar_model::{
    Fault, bounds,
    fault::FaultKind,
    unit::{CommitError, Effects, Unit},
};
use http::{HeaderMap, header::CONTENT_TYPE};
use tokio::time::{Instant, timeout_at};

use crate::{
    accept::Context,
    authenticate::Permit,
    body::{Body, BodyError},
    buffers::Buffers,
    catalog::BoundService,
    contract, deliver,
    gate::Arrival,
    idempotency::Keyed,
    pipeline::Pipeline,
    ports::{Attempt, Call, Invoker, Ledger},
    request::{Head, Input, Response},
    respond,
    route::Routed,
    unit::{self, Layer},
};

/// All that is known of a call from outside before it runs.
pub(crate) struct Inbound<'c> {
    pub(crate) context: &'c Arc<Context>,
    pub(crate) routed: Routed<'c>,
    pub(crate) permit: Permit,
    pub(crate) head: Head,
    pub(crate) body: Body,
    /// What tells the request from others of its caller: repeated, it is answered with the same reply.
    pub(crate) key: Option<String>,
    /// 1 for the first.
    pub(crate) attempt: u32,
    /// Whether anyone is told the response. Otherwise nothing of it is kept, and one that has the status of an error
    /// is a failure.
    pub(crate) is_answered: bool,
    /// `None`: the response is the reply as it is.
    pub(crate) encode: Option<&'c dyn Encode>,
}

/// An adapter's way to put a response into its protocol. It is done before what the call did is committed: of
/// what can't be told to the caller, nothing happened.
pub(crate) trait Encode: Send + Sync {
    fn encode<'e>(&'e self, response: Response) -> Encoding<'e>;
}

pub(crate) type Encoding<'e> = Pin<Box<dyn Future<Output = Result<Response, Fault>> + Send + 'e>>;

async fn encoded(encode: Option<&dyn Encode>, response: Response) -> Result<Response, Fault> {
    match encode {
        Some(encode) => encode.encode(response).await,
        None => Ok(response),
    }
}

/// Not `async` itself: an argument of such a function takes its room twice, and one that is taken apart thrice.
pub(crate) fn inbound<'c>(
    service: &'c Arc<BoundService>,
    inbound: Inbound<'c>,
    pipeline: &'c Arc<Pipeline>,
) -> impl Future<Output = Result<Response, Fault>> + Send + 'c {
    let ledger = pipeline.ledger();
    let buffers = pipeline.buffers();
    let Inbound { context, routed, permit, head, mut body, key, attempt, is_answered, encode } = inbound;
    async move {
        let timeout_ms = routed.timeout_ms.min(service.limits.timeout_ms);
        let deadline = Instant::from_std(context.accepted_at) + Duration::from_millis(timeout_ms);
        let mut keyed = None;
        // What most calls do not do is boxed: all that waits for a call would be larger by it.
        if let Some(key) = key {
            let reading = Box::pin(Keyed::of(key, &routed, permit.caller.as_ref(), &head, body, buffers));
            let (known, read) = timeout_at(deadline, reading).await.map_err(|_| late())??;
            if let Some(reply) = known.answered(ledger).await? {
                return encoded(encode, reply).await;
            }
            (keyed, body) = (Some(known), read);
        }
        if deliver::is_wanted(&head) {
            let later = async move {
                let reading = async {
                    let input = input(service, &head, body, &routed, buffers).await?;
                    let body = buffers.collect(input.body, bounds::DELIVERY_BYTES_MAX).await?.into();
                    Ok::<_, Fault>(Input { body, ..input })
                };
                let input = timeout_at(deadline, reading).await.map_err(|_| late())??;
                let (effects, response) =
                    deliver::accepted(ledger, context, service, permit.caller, input).await?;
                conclude(ledger, Some(effects), response, keyed, encode, deadline).await
            };
            return Box::pin(later).await;
        }
        // Before it takes a place of the service, so that a slow sender takes nobody's. What is handed over while it
        // still arrives has places of its own.
        let reading = input(service, &head, body, &routed, buffers);
        let input = timeout_at(deadline, reading).await.map_err(|_| late())??;
        let arrival = if matches!(input.body, Body::Stream(_)) { Arrival::Streaming } else { Arrival::Whole };
        let place = service.gate.enter(deadline, arrival).await?;
        let layer = Layer::new(Arc::clone(ledger));
        let key = keyed.as_ref().map(|keyed| keyed.key.key.as_str().into());
        let response = run(Box::new(Call {
            context: Arc::clone(context),
            service: Arc::clone(service),
            deadline,
            depth: 0,
            above: None,
            caller: permit.caller,
            head: Some(head),
            params: routed.params,
            input,
            invoker: Arc::clone(pipeline) as Arc<dyn Invoker>,
            unit: Arc::clone(&layer),
            attempt: Attempt { number: attempt, key },
            place,
        }))
        .await?;
        let response = if is_answered { response } else { deliver::unanswered(&response)? };
        let effects = layer.take();
        if effects.is_none() && keyed.is_none() {
            return encoded(encode, response).await;
        }
        Box::pin(conclude(ledger, effects, response, keyed, encode, deadline)).await
    }
}

/// Commits what the call staged, with the reply where it is to be kept.
async fn conclude(
    ledger: &Arc<dyn Ledger>,
    effects: Option<Box<Effects>>,
    response: Response,
    keyed: Option<Keyed>,
    encode: Option<&dyn Encode>,
    deadline: Instant,
) -> Result<Response, Fault> {
    let mut work = Unit { effects: effects.map(|effects| *effects).unwrap_or_default(), ..Unit::default() };
    let mut response = response;
    if let Some(keyed) = &keyed {
        let (same, stored) = keyed.keep(response).await?;
        response = same;
        work.reply = Some((keyed.key.clone(), stored));
    }
    let response = encoded(encode, response).await?;
    match (unit::commit(ledger, work, deadline).await, keyed) {
        (Ok(()), _) => Ok(response),
        // Someone was faster with the same request: theirs is the reply, and theirs are the effects.
        (Err(CommitError::KeyTaken), Some(keyed)) => {
            let reply = keyed.answered(ledger).await?;
            encoded(encode, reply.ok_or_else(|| unit::commit_fault(CommitError::KeyTaken))?).await
        }
        (Err(error), _) => Err(unit::commit_fault(error)),
    }
}

/// Runs a call until its deadline. Each attempt of the plugin to overstay ends here.
pub(crate) async fn run(call: Box<Call>) -> Result<Response, Fault> {
    let deadline = call.deadline;
    let (service, context) = (Arc::clone(&call.service), Arc::clone(&call.context));
    let work = async {
        let response = service.plugin.call(call).await?;
        contract::output(&service, &context, respond::check(response)?).await
    };
    timeout_at(deadline, work).await.map_err(|_| timed_out())?
}

pub(crate) fn timed_out() -> Fault {
    Fault::new(FaultKind::Timeout, "the call reached its time limit")
}

/// The request's body was not whole in the time of its call.
pub(crate) fn late() -> Fault {
    Fault::new(FaultKind::RequestTimeout, "the body did not arrive in time")
}

/// A typed service gets one JSON input, any other the body as it came.
async fn input(
    service: &BoundService,
    head: &Head,
    body: Body,
    routed: &Routed<'_>,
    buffers: &Buffers,
) -> Result<Input, Fault> {
    let limit = routed.body_bytes_max;
    if body.length().is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    if !service.contract.is_typed() {
        let body = match body {
            Body::Stream(stream) => buffers.small(stream, limit).await?,
            body => body,
        };
        return Ok(Input { content_type: content_type(&head.headers), body });
    }
    Box::pin(async move {
        let bytes = buffers.collect(body, limit).await?;
        let query = decoded_query(head.uri.query().unwrap_or_default())?;
        contract::merged_input(service, bytes, query, &routed.params).await.map(Input::json)
    })
    .await
}

/// The same for a typed input, which holds text only.
fn decoded_query(raw: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs = query(raw);
    let is_text = |raw: &str| percent_encoding::percent_decode_str(raw).decode_utf8().is_ok();
    match is_text(raw) {
        true => Ok(pairs),
        false => {
            let text = "the query is not UTF-8 once it is percent-decoded";
            Err(Fault::new(FaultKind::InvalidInput, "the input is not valid").with_error("", text))
        }
    }
}

/// Pairs of a query, decoded as forms are: `+` is a space. What is no UTF-8 becomes U+FFFD.
pub fn query(raw: &str) -> Vec<(String, String)> {
    if raw.is_empty() {
        return Vec::new();
    }
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

pub(crate) fn too_large(limit: u64) -> Fault {
    Fault::new(FaultKind::TooLarge, format!("the body is larger than {limit} bytes"))
}

pub(crate) fn broken(error: BodyError) -> Fault {
    match error {
        BodyError::TooLarge { limit } => too_large(limit),
        BodyError::Broken(_) => Fault::new(FaultKind::InvalidInput, "the body ended early"),
        BodyError::Late => late(),
    }
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn a_query_is_decoded_as_forms_are() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query("a=1&b=x+y%26z&&c&a=%C3%A9"),
            [pair("a", "1"), pair("b", "x y&z"), pair("c", ""), pair("a", "é")]
        );
        assert!(query("").is_empty());
    }
}
