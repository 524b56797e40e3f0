//! A reply's body: bounded in bytes and time, decoded if it was gzip, and read from a connection that then goes back to
//! the pool.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    CallError, ErrorKind, What, Which,
    gzip::{Gunzip, Step},
    pool::Lane,
    request::Progress,
    shared::Shared,
};

/// Ends with an error if the reply breaks off, is too large or takes too long. Dropped before its end, its connection
/// is closed. The call counts as under way until then.
pub struct ReplyBody {
    incoming: Incoming,
    gunzip: Option<Gunzip>,
    left: u64,
    encoded_left: u64,
    bytes_max: u64,
    time: Time,
    /// Until the end.
    held: Option<Held>,
}

/// What a reply keeps from others.
pub(crate) struct Held {
    pub(crate) lane: Lane,
    pub(crate) progress: Option<Arc<Progress>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Of the whole call.
pub(crate) struct Time {
    pub(crate) deadline: Instant,
    pub(crate) bound: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Time {
    pub(crate) fn new(deadline: Instant, bound: Duration) -> Self {
        Self { deadline, bound, timer: None }
    }

    pub(crate) fn late(&self) -> ErrorKind {
        ErrorKind::Timeout { which: Which::Total, bound: self.bound }
    }

    fn is_up(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline;
        self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx).is_ready()
    }
}

impl Held {
    fn release(self) {
        let Self { lane, progress, shared, permit } = self;
        if progress.is_none_or(|progress| progress.has_ended()) {
            shared.pool.put(lane);
        }
        drop(permit);
    }
}

impl ReplyBody {
    pub(crate) fn new(incoming: Incoming, is_gzip: bool, bytes_max: u64, time: Time, held: Held) -> Self {
        let gunzip = is_gzip.then(Gunzip::new);
        let mut body = Self {
            incoming,
            gunzip,
            left: bytes_max,
            encoded_left: bytes_max,
            bytes_max,
            time,
            held: Some(held),
        };
        body.release_at_end();
        body
    }

    /// Reads a reply that nobody gets to its end, if that is near, so that its connection can be used again.
    pub(crate) async fn drain(mut self, bytes_max: u64, bound: Duration) {
        self.gunzip = None;
        self.left = self.left.min(bytes_max);
        self.bytes_max = self.left;
        let read = async {
            while let Some(Ok(_)) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_read(cx)).await {}
        };
        let _ = tokio::time::timeout(bound, read).await;
    }

    fn release_at_end(&mut self) {
        if self.gunzip.is_none() && self.incoming.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            held.release();
        }
    }

    fn too_large(&self) -> ErrorKind {
        ErrorKind::TooLarge { what: What::ReplyBody, bytes_max: self.bytes_max }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ErrorKind>>> {
        loop {
            if self.held.is_none() {
                return Poll::Ready(None);
            }
            if let Some(gunzip) = &mut self.gunzip {
                match gunzip.step() {
                    Ok(Step::Part(part)) => return Poll::Ready(Some(self.hand_on(part))),
                    Ok(Step::Hungry) => {}
                    Err(text) => return Poll::Ready(Some(Err(ErrorKind::Body { text: text.to_owned() }))),
                }
            }
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Pending if self.time.is_up(cx) => return Poll::Ready(Some(Err(self.time.late()))),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            let data = match frame {
                None => {
                    let ends = self.gunzip.as_ref().map_or(Ok(()), Gunzip::end);
                    if let Err(text) = ends {
                        return Poll::Ready(Some(Err(ErrorKind::Body { text: text.to_owned() })));
                    }
                    self.release();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(broken(&error)))),
                // Trailers are for one connection.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
            };
            // A timer is asked only when there is nothing to read.
            if Instant::now() >= self.time.deadline {
                return Poll::Ready(Some(Err(self.time.late())));
            }
            match &mut self.gunzip {
                None => return Poll::Ready(Some(self.hand_on(data))),
                Some(gunzip) => {
                    let Some(left) = self.encoded_left.checked_sub(data.len() as u64) else {
                        return Poll::Ready(Some(Err(self.too_large())));
                    };
                    self.encoded_left = left;
                    gunzip.feed(data);
                }
            }
        }
    }

    fn hand_on(&mut self, data: Bytes) -> Result<Bytes, ErrorKind> {
        self.left = self.left.checked_sub(data.len() as u64).ok_or_else(|| self.too_large())?;
        self.release_at_end();
        Ok(data)
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let read = std::task::ready!(self.poll_read(cx));
        Poll::Ready(read.map(|read| {
            read.map(Frame::data).map_err(|kind| {
                if let Some(held) = self.held.take() {
                    held.shared.broke_off(&kind);
                }
                kind.sent()
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.held.is_none() {
            return SizeHint::with_exact(0);
        }
        match self.gunzip {
            None => self.incoming.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}

fn broken(error: &hyper::Error) -> ErrorKind {
    let text = if error.is_incomplete_message() {
        "the reply's body broke off".to_owned()
    } else {
        use std::error::Error as _;
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("the reply's body can't be read: {error}{cause}")
    };
    ErrorKind::Body { text }
}
