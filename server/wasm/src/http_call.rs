//! A call of a plain `wasi:http` component, which knows nothing of the bus.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use busbar_engine::{
    Body, BodyError,
    body::Stream,
    ports::Call,
    request::{Head, Input, Response},
};
use busbar_model::Fault;
use bytes::Bytes;
use http::{
    HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST},
};
use http_body::Frame;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout_at};
use wasmtime_wasi_http::{
    Error as HttpError, WasiHttpView as _,
    p2::{
        bindings::{
            ProxyPre,
            http::types::{ErrorCode, Scheme},
        },
        body::HyperOutgoingBody,
    },
};

use crate::{
    bus_call::hostcall_bytes,
    call_log::Subject,
    compile::store,
    cpu::{CpuBudget, counted},
    fault,
    plugin::Loaded,
    state::{CallData, CallState},
};

type Answer = Result<hyper::Response<HyperOutgoingBody>, ErrorCode>;

pub(crate) async fn run(
    loaded: &Arc<Loaded>,
    pre: &ProxyPre<CallState>,
    call: Box<Call>,
) -> Result<Response, Fault> {
    let (limits, plugin) = (call.service.limits.clone(), call.service.plugin_name.clone());
    let deadline = call.deadline;
    let is_head = call.head.as_ref().is_some_and(|head| head.method == Method::HEAD);
    let (answer, answered) = oneshot::channel();
    // The guest may go on after it has begun to answer, so it runs on its own.
    let guest = guest(Arc::clone(loaded), pre.clone(), call, answer);
    let told = Arc::clone(loaded);
    let mut guest = Guest(Some(tokio::spawn(async move {
        timeout_at(deadline, told.told(guest)).await.unwrap_or_else(|_| {
            Err(Fault::new(busbar_model::fault::FaultKind::Timeout, "the call reached its time limit"))
        })
    })));
    match answered.await {
        Ok(Ok(response)) => {
            let (parts, body) = response.into_parts();
            if is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
                // Nobody reads this body, and the guest may have work to do after it.
                guest.release();
                return Ok(Response {
                    status: Some(parts.status),
                    headers: parts.headers,
                    body: Body::Empty,
                });
            }
            let body = Body::Stream(Stream::new(Answered { body, guest: Some(guest) }, limits.output_bytes));
            Ok(Response { status: Some(parts.status), headers: parts.headers, body })
        }
        Ok(Err(code)) => {
            let code = format!("{code:?}");
            let code = loaded.engine.shared.redactions.apply(plugin.as_str(), &code);
            tracing::error!(%code, "component answered with an error");
            Err(Fault::internal(busbar_model::fault::FaultKind::Failed))
        }
        Err(_) => Err(guest.fault().await),
    }
}

async fn guest(
    loaded: Arc<Loaded>,
    pre: ProxyPre<CallState>,
    call: Box<Call>,
    answer: oneshot::Sender<Answer>,
) -> Result<(), Fault> {
    let _running = loaded.engine.shared.clock.enter();
    let subject = Subject::of(&call);
    let limits = call.service.limits.clone();
    let cpu = CpuBudget::of_ms(limits.cpu_ms);
    let (mut data, input) = CallData::of(call);
    let request = request(data.head.take(), input);
    let mut state =
        CallState::new(&loaded.engine, limits.memory_bytes, cpu, Arc::clone(&loaded.cache), subject.clone());
    state.call.call = Some(data);
    let mut store = store(&loaded.engine, state);
    store.set_hostcall_fuel(hostcall_bytes(&limits));
    let turns = store.data().cpu.turns();
    let running = async {
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let out = http.new_response_outparam(answer)?;
        let proxy = pre.instantiate_async(&mut store).await?;
        proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
    };
    let outcome = counted(turns, running).await;
    store.data().log.end();
    outcome.map_err(|error| fault::of_instantiation(&error, store.data(), &subject))
}

/// The request as the component sees it: the head as it came, or one made up for a nested call.
fn request(head: Option<Head>, input: Input) -> hyper::Request<Incoming> {
    let head =
        head.unwrap_or_else(|| Head { method: Method::POST, uri: Uri::from_static("/"), ..Head::default() });
    let mut request = hyper::Request::new(Incoming(input.body));
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert(HeaderValue::from_static("busbar"));
    if let Some(value) = input.content_type.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(CONTENT_TYPE, value);
    }
    request
}

/// A request's body in the words of `wasi:http`.
struct Incoming(Body);

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| match error {
                BodyError::TooLarge { limit } => HttpError::HttpRequestBodySize(Some(limit)),
                BodyError::Broken(_) => HttpError::ConnectionTerminated,
                BodyError::Late => HttpError::ConnectionReadTimeout,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

/// The guest's task. Dropped before the answer is whole, it ends the guest.
struct Guest(Option<JoinHandle<Result<(), Fault>>>);

impl Guest {
    /// Why the guest ended without an answer.
    async fn fault(&mut self) -> Fault {
        let silent = || {
            tracing::error!("component returned without setting a response");
            Fault::internal(busbar_model::fault::FaultKind::Failed)
        };
        match self.0.take() {
            Some(task) => match task.await {
                Ok(Err(fault)) => fault,
                _ => silent(),
            },
            None => silent(),
        }
    }

    /// Lets the guest finish what it has to do after its answer.
    fn release(&mut self) {
        self.0 = None;
    }

    /// Whether the guest ended badly; one that did not is let go on.
    fn failed(&mut self, context: &mut Context<'_>) -> bool {
        match self.0.take().map(|mut task| Pin::new(&mut task).poll(context)) {
            None | Some(Poll::Pending | Poll::Ready(Ok(Ok(())))) => false,
            Some(Poll::Ready(_)) => true,
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// A component's answer, and the guest that is still writing it.
struct Answered {
    body: HyperOutgoingBody,
    guest: Option<Guest>,
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none()
            && let Some(mut guest) = self.guest.take()
            && guest.failed(cx)
        {
            // The host takes a guest that is gone for one that has finished its body.
            return Poll::Ready(Some(Err(BodyError::Broken(
                "the service ended before its reply".to_owned(),
            ))));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| BodyError::Broken(error.to_string()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
