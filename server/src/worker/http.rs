//! HTTP in front of the pipeline: the adapter of REST channels, calls by name and the bus's own
//! addresses below `/_busbar/`.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use busbar_engine::{
    Body, BodyError, Pipeline, Reply, Request,
    body::Stream,
    metrics::Meter,
    request::{Head, Hop, Response, Target},
};
use busbar_model::{Fault, bounds::BODY_BYTES_CEILING, fault::FaultKind, path::decode_segment};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Version,
    header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST},
};
use http_body::Frame;
use hyper::body::Incoming;
use tokio::{runtime::Handle, sync::watch, time::timeout};
use uuid::Uuid;

use crate::{
    feed::Duty,
    worker::seat::{OpenBody, Seat},
};

/// What all connections of a worker share.
pub(crate) struct Front {
    pipeline: Arc<Pipeline>,
    development: bool,
    draining: watch::Receiver<bool>,
    duty: watch::Receiver<Duty>,
}

const INVOKE_PREFIX: &str = "/_busbar/invoke/";
/// What is read of a body that nobody wants.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

impl Front {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        development: bool,
        draining: watch::Receiver<bool>,
        duty: watch::Receiver<Duty>,
    ) -> Self {
        Self { pipeline, development, draining, duty }
    }

    /// Counts what is answered before it is a request.
    pub(crate) fn unrouted(&self) -> &Arc<Meter> {
        self.pipeline.unrouted()
    }

    pub(crate) async fn handle(
        &self,
        request: hyper::Request<Incoming>,
        hop: Hop,
        seat: &Arc<Seat>,
    ) -> hyper::Response<Body> {
        let reply = self.reply(request, hop, seat).await;
        let mut response = hyper::Response::new(reply.body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        // What a slow sender may still send is not waited for.
        if *self.draining.borrow() || seat.body_is_late() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn reply(&self, request: hyper::Request<Incoming>, hop: Hop, seat: &Arc<Seat>) -> Reply {
        let version = request.version();
        let (parts, body) = request.into_parts();
        let expects_continue = parts.headers.contains_key(EXPECT);
        let head = Head { method: parts.method, uri: parts.uri, headers: parts.headers };
        let unique = Uuid::now_v7().as_u128();
        let mut request = Request {
            target: Target::Path,
            body: incoming(body, expects_continue, seat),
            hop,
            trusted: self.development,
            head,
        };
        if let Err(fault) = check(&request.head, version) {
            return self.pipeline.answer(&request, unique, Err(fault));
        }
        if self.development && !is_local(&request.head) {
            let text = "in development mode the Host must be localhost, 127.0.0.1 or [::1]";
            return self.pipeline.answer(&request, unique, Err(Fault::new(FaultKind::Misdirected, text)));
        }
        let path = request.head.uri.path();
        if !path.starts_with("/_busbar/") {
            return self.call(request, unique).await;
        }
        match path.strip_prefix(INVOKE_PREFIX).and_then(decode_segment).map(Cow::into_owned) {
            Some(service) if request.head.method == Method::POST => {
                request.target = Target::Service(service);
                self.call(request, unique).await
            }
            Some(_) => self.pipeline.answer(&request, unique, Err(not_allowed("POST"))),
            None => {
                let outcome = self.own(&request.head);
                self.pipeline.answer(&request, unique, outcome)
            }
        }
    }

    /// Apart from the connection's own future, which would be as large as a call's for every ping.
    fn call(&self, request: Request, unique: u128) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(self.pipeline.handle(request, unique))
    }

    /// The bus's own addresses.
    fn own(&self, head: &Head) -> Result<Response, Fault> {
        let answer = match head.uri.path() {
            "/_busbar/ping" | "/_busbar/live" => Bytes::from_static(br#"{"status":"ok"}"#),
            "/_busbar/ready" if *self.draining.borrow() => {
                return Err(Fault::new(FaultKind::Overloaded, "the worker is draining").with_code("draining"));
            }
            "/_busbar/ready" => match &*self.duty.borrow() {
                Duty { ready: true, .. } => Bytes::from_static(br#"{"status":"ok"}"#),
                Duty { reason, .. } => return Err(not_ready(reason.as_ref())),
            },
            "/_busbar/openapi.json" => self.pipeline.catalog().openapi(),
            _ => return Err(Fault::not_found()),
        };
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(not_allowed("GET, HEAD"));
        }
        let mut response = Response { body: Body::Bytes(answer), ..Response::default() };
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

fn not_ready(reason: Option<&(String, String)>) -> Fault {
    match reason {
        Some((code, text)) => Fault::new(FaultKind::Overloaded, text.clone()).with_code(code),
        None => Fault::new(FaultKind::Overloaded, "the server is not ready"),
    }
}

fn not_allowed(allow: &str) -> Fault {
    let mut fault = Fault::new(FaultKind::MethodNotAllowed, "this address does not take the method");
    fault.allow = vec![allow.to_owned()];
    fault
}

/// What is a request by its form, but not one for here.
fn check(head: &Head, version: Version) -> Result<(), Fault> {
    // RFC 9112, section 3.2. Who reads another one of them than we do would be led astray.
    let hosts = head.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        let text = "a request of HTTP/1.1 has one Host";
        return Err(Fault::new(FaultKind::InvalidInput, text).with_code("host-invalid"));
    }
    // A success would make a tunnel of the connection (RFC 9110, section 9.3.6).
    if head.method == Method::CONNECT {
        return Err(not_allowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    Ok(())
}

/// A browser that was lured here by a name of someone else's sends that name (DNS rebinding). An absolute address
/// has the word over `Host` (RFC 9112, section 3.2.2).
fn is_local(head: &Head) -> bool {
    let is_local = busbar_model::host::is_local;
    let authority = head.uri.authority().map(|authority| is_local(authority.as_str()));
    let host = head.headers.get(HOST).map(|value| is_local(value.to_str().unwrap_or_default()));
    match (authority, host) {
        (Some(authority), host) => authority && host.unwrap_or(true),
        (None, host) => host.unwrap_or(false),
    }
}

/// Without `expects_continue`, the sender sends on whatever becomes of the request.
fn incoming(body: Incoming, expects_continue: bool, seat: &Arc<Seat>) -> Body {
    use http_body::Body as _;
    if body.is_end_stream() {
        Body::Empty
    } else {
        let open = Some(seat.open_body());
        let received = Received { body: Some(body), drain: !expects_continue, seat: Arc::clone(seat), open };
        Body::Stream(Stream::new(received, BODY_BYTES_CEILING))
    }
}

/// A request's body, its errors in the pipeline's words.
struct Received {
    body: Option<Incoming>,
    drain: bool,
    seat: Arc<Seat>,
    /// Until its end has come, or is not waited for any more.
    open: Option<OpenBody>,
}

impl Drop for Received {
    /// Where a body is refused, what is on its way is read, within reason: closing the connection over
    /// it would take the reply from a sender that is still sending.
    fn drop(&mut self) {
        use http_body::Body as _;
        self.seat.leave_body();
        let unread = self.body.take().filter(|body| self.drain && !body.is_end_stream());
        if let (Some(mut body), Ok(runtime)) = (unread, Handle::try_current()) {
            let (open, seat) = (self.open.take(), Arc::clone(&self.seat));
            runtime.spawn(timeout(DRAIN_TIMEOUT, async move {
                let _open = open;
                let mut bytes = 0;
                while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                    let Ok(frame) = frame else { return seat.linger() };
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                    if bytes > DRAIN_BYTES_MAX {
                        return;
                    }
                }
            }));
        }
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { body, drain, seat, open } = &mut *self;
        let Some(incoming) = body else { return Poll::Ready(None) };
        match Pin::new(&mut *incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                match &frame {
                    Some(Ok(frame)) => seat.body.moved(seat.now(), frame.data_ref().map_or(0, Bytes::len)),
                    Some(Err(_)) => seat.linger(),
                    None => {}
                }
                if http_body::Body::is_end_stream(incoming) || !matches!(frame, Some(Ok(_))) {
                    *open = None;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| BodyError::Broken(error.to_string()))))
            }
            Poll::Pending if seat.body_is_late() => {
                *drain = false;
                *open = None;
                Poll::Ready(Some(Err(BodyError::Late)))
            }
            Poll::Pending => {
                seat.wait_body(cx.waker());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.as_ref().map_or_else(http_body::SizeHint::default, http_body::Body::size_hint)
    }
}
