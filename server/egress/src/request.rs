//! What a caller asks for, and how its body goes out.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, uri::PathAndQuery};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use tokio::time::Instant;

use crate::headers::Trace;

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One call. Its path is put below that of the base URL.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub path: PathAndQuery,
    /// Those of one connection, `Host` and `Content-Length` are left out or made anew.
    pub headers: HeaderMap,
    pub body: RequestBody,
    /// Goes on as `traceparent` and `tracestate`, in place of headers of these names.
    pub trace: Option<Trace>,
    /// The call ends by then, if its time limit does not end it before.
    pub deadline: Option<Instant>,
}

/// Bytes can be sent again, by a retry or after a redirect; a stream goes out once.
#[derive(Debug)]
pub enum RequestBody {
    Bytes(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

impl Request {
    /// Without headers, a body, or a trace.
    pub fn new(method: Method, path: PathAndQuery) -> Self {
        let body = RequestBody::Bytes(Bytes::new());
        Self { method, path, headers: HeaderMap::new(), body, trace: None, deadline: None }
    }
}

impl RequestBody {
    pub fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self::Stream(body.map_err(Into::into).boxed_unsync())
    }
}

/// A body as hyper takes it.
pub(crate) enum Outbound {
    Whole(Bytes),
    Upload(Upload),
}

/// A stream on its way out, bounded and watched.
pub(crate) struct Upload {
    body: UnsyncBoxBody<Bytes, BoxError>,
    progress: Arc<Progress>,
    left: u64,
}

/// How far an upload is.
#[derive(Debug)]
pub(crate) struct Progress {
    /// When there last was something to send.
    last: Mutex<Instant>,
    has_ended: AtomicBool,
    is_too_large: AtomicBool,
    /// The caller has not given the next part yet.
    is_awaited: AtomicBool,
}

#[derive(Debug, thiserror::Error)]
#[error("it is too large")]
struct TooLarge;

impl Upload {
    pub(crate) fn new(
        body: UnsyncBoxBody<Bytes, BoxError>,
        bytes_max: u64,
        now: Instant,
    ) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress {
            last: Mutex::new(now),
            has_ended: AtomicBool::new(body.is_end_stream()),
            is_too_large: AtomicBool::new(false),
            is_awaited: AtomicBool::new(false),
        });
        (Self { body, progress: Arc::clone(&progress), left: bytes_max }, progress)
    }
}

impl Progress {
    pub(crate) fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it was taken by the connection.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Relaxed)
    }

    /// It is the caller who keeps the other side waiting.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_awaited.load(Relaxed)
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.is_too_large.load(Relaxed)
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Upload(upload) => upload.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Upload(upload) => upload.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Upload(upload) => upload.body.size_hint(),
        }
    }
}

impl Upload {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            self.progress.is_awaited.store(polled.is_pending(), Relaxed);
            let frame = std::task::ready!(polled);
            *self.progress.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let frame = match frame {
                None => {
                    self.progress.has_ended.store(true, Relaxed);
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => frame,
            };
            // Trailers are for one connection, as what announces them.
            let Ok(data) = frame.into_data() else { continue };
            let Some(left) = self.left.checked_sub(data.len() as u64) else {
                self.progress.is_too_large.store(true, Relaxed);
                return Poll::Ready(Some(Err(TooLarge.into())));
            };
            self.left = left;
            if self.body.is_end_stream() {
                self.progress.has_ended.store(true, Relaxed);
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }
}
