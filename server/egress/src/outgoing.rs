//! A request as it goes out, as often as it has to.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header, uri::PathAndQuery};
use http_body::Body as _;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;

use crate::{
    ErrorKind, Request, RequestBody, What,
    headers::{clean_request, strip_credentials},
    redirect::Hop,
    reply::Time,
    request::{BoxError, Outbound, Progress, Upload},
    shared::Shared,
    target,
};

pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: PathAndQuery,
    headers: HeaderMap,
    body: Source,
    pub(crate) time: Time,
    /// The caller's deadline is earlier than that of the connection.
    pub(crate) is_hurried: bool,
    /// And decodes what comes.
    pub(crate) asks_for_gzip: bool,
    bytes_max: u64,
}

enum Source {
    Bytes(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
    /// It was a stream, and is gone.
    Spent,
}

pub(crate) type Sendable = (http::Request<Outbound>, Option<Arc<Progress>>);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("busbar/", env!("CARGO_PKG_VERSION")));

/// Say what a body is, and go where it goes.
const OF_BODY: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION];

impl Outgoing {
    pub(crate) fn new(
        shared: &Shared,
        request: Request,
        deadline: Instant,
        started: Instant,
    ) -> Result<Self, ErrorKind> {
        if request.method == Method::CONNECT {
            return Err(ErrorKind::Request { text: "CONNECT is no call".to_owned() });
        }
        let target = target::below(&shared.base.path, &request.path)?;
        let bodies = &shared.settings.bodies;
        let body = match request.body {
            RequestBody::Bytes(bytes) if bytes.len() as u64 > bodies.request_bytes_max => {
                let bytes_max = bodies.request_bytes_max;
                return Err(ErrorKind::TooLarge { what: What::RequestBody, bytes_max });
            }
            RequestBody::Bytes(bytes) => Source::Bytes(bytes),
            RequestBody::Stream(body) => Source::Stream(body),
        };
        let mut headers = request.headers;
        clean_request(&mut headers);
        if let Some(trace) = request.trace {
            trace.write(&mut headers);
        }
        // Who asks for an encoding of its own decodes it too, and a part of something encoded is nothing.
        let leaves_it =
            !headers.contains_key(header::ACCEPT_ENCODING) && !headers.contains_key(header::RANGE);
        let asks_for_gzip = bodies.gzip && leaves_it;
        if asks_for_gzip {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.entry(header::USER_AGENT).or_insert(AGENT);
        let time = Time::new(deadline, deadline.saturating_duration_since(started));
        Ok(Self {
            method: request.method,
            target,
            headers,
            body,
            is_hurried: time.bound < shared.total,
            time,
            asks_for_gzip,
            bytes_max: bodies.request_bytes_max,
        })
    }

    /// It can go out once more.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.body, Source::Bytes(_))
    }

    /// The request for a hop. Without `is_trusted` it shows nothing of the connection's credentials, nor of the
    /// caller's.
    pub(crate) fn request(
        &mut self,
        shared: &Shared,
        hop: &Hop,
        is_trusted: bool,
        token: Option<&HeaderValue>,
    ) -> Sendable {
        let mut headers = self.headers.clone();
        if is_trusted {
            shared.credentials.write_fixed(&mut headers);
            if let Some(token) = token {
                headers.insert(header::AUTHORIZATION, token.clone());
            }
        } else {
            strip_credentials(&mut headers);
            if let Some(name) = shared.credentials.name() {
                headers.remove(name);
            }
        }
        headers.insert(header::HOST, hop.origin.authority.clone());
        let (body, progress) = if hop.keeps_body {
            self.outbound()
        } else {
            for name in &OF_BODY {
                headers.remove(name);
            }
            (Outbound::Whole(Bytes::new()), None)
        };
        // hyper leaves out a body of unknown length that comes with GET or HEAD, unless it is told so.
        if progress.is_some() && body.size_hint().exact().is_none() {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let mut request = http::Request::new(body);
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = hop.target.clone().into();
        *request.headers_mut() = headers;
        (request, progress)
    }

    fn outbound(&mut self) -> (Outbound, Option<Arc<Progress>>) {
        match std::mem::replace(&mut self.body, Source::Spent) {
            Source::Bytes(bytes) => {
                self.body = Source::Bytes(bytes.clone());
                (Outbound::Whole(bytes), None)
            }
            Source::Stream(body) => {
                let (upload, progress) = Upload::new(body, self.bytes_max, Instant::now());
                (Outbound::Upload(upload), Some(progress))
            }
            Source::Spent => (Outbound::Whole(Bytes::new()), None),
        }
    }
}
