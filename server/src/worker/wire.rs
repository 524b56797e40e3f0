//! The bytes of a connection, between the socket and hyper: notes what moves, and ends what takes too long.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use busbar_engine::metrics::Meter;
use busbar_model::{Fault, correlation::CorrelationId, fault::FaultKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uuid::Uuid;

use crate::worker::{
    cork::Cork,
    head::HeadWatch,
    seat::{Ending, Seat, Stage},
    transport::Transport,
};

/// How a client of HTTP/2 begins where it knows beforehand that it is spoken (RFC 9113, section 3.4).
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

/// What is read, after it was refused, of what is still on its way.
const UNWANTED_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) struct Wire {
    stream: Transport,
    cork: Arc<Cork>,
    seat: Arc<Seat>,
    unrouted: Arc<Meter>,
    /// Once the connection is being closed.
    unwanted_bytes: Option<usize>,
    head: HeadWatch,
}

impl Wire {
    pub(crate) fn new(stream: Transport, cork: Arc<Cork>, seat: Arc<Seat>, unrouted: Arc<Meter>) -> Self {
        Self { stream, cork, seat, unrouted, unwanted_bytes: None, head: HeadWatch::default() }
    }

    pub(crate) fn cork(&self) -> &Arc<Cork> {
        &self.cork
    }

    /// Answers what never became a request. There is room for it, unless its client has not read what it got before.
    fn refuse(&mut self, status: u16, reason: &str, kind: FaultKind, text: &str) {
        let correlation = CorrelationId::from_unique(Uuid::now_v7().as_u128());
        let mut problem = Fault::new(kind, text).problem(correlation.as_str());
        problem["status"] = status.into();
        let body = problem.to_string();
        let reply = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
             x-correlation-id: {}\r\nconnection: close\r\n\r\n{body}",
            body.len(),
            correlation.as_str(),
        );
        if self.poll_clear(&mut Context::from_waker(Waker::noop())).is_ready() {
            self.stream.write_now(reply.as_bytes());
        }
        self.unrouted.record(status, Duration::ZERO);
        tracing::debug!(status, text, "what came is no request");
    }

    /// HTTP in the clear where TLS is spoken: what came is read, so that its sender gets to the reply.
    pub(crate) async fn refuse_plain(&mut self) {
        let text = "TLS is spoken here, with certificates of the cluster";
        self.refuse(400, "Bad Request", FaultKind::InvalidInput, text);
        let mut scratch = [0; 4 * 1024];
        let _ = poll_fn(|context| self.stream.poll_read(context, &mut ReadBuf::new(&mut scratch))).await;
    }

    /// hyper answers what it can't read by a head alone. A caller is told more.
    fn refused_by_hyper(&mut self, bytes: &[u8]) -> bool {
        if self.seat.stage() == Stage::Call || !bytes.starts_with(b"HTTP/1.1 4") {
            return false;
        }
        let Ok(text) = str::from_utf8(bytes) else { return false };
        // Replies of the pipeline say whom they belong to; and one before it may not be written yet.
        let bare = text.find("\r\n\r\n") == Some(text.len() - 4) && !text.contains("x-correlation-id");
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        // What hyper can't read may be what was made so.
        let status = if self.head.is_too_large() { Some(431) } else { status };
        match (bare, status) {
            (true, Some(status)) if status == 414 || (status == 431 && !self.head.line_is_whole()) => self
                .refuse(
                    414,
                    "URI Too Long",
                    FaultKind::InvalidInput,
                    "the address is longer than a head may be",
                ),
            (true, Some(431)) => {
                let text = "the head of the request has more than 64 KiB, or more than 128 fields";
                self.refuse(431, "Request Header Fields Too Large", FaultKind::InvalidInput, text);
            }
            (true, Some(status)) => {
                self.refuse(status, "Bad Request", FaultKind::InvalidInput, "this is no request of HTTP/1.1");
            }
            _ => return false,
        }
        self.seat.linger();
        true
    }

    /// What a connection that is to end reads.
    fn ended(&mut self, ending: Ending) -> Poll<io::Result<()>> {
        match (ending, self.seat.stage()) {
            (Ending::HeadLate | Ending::NoRoom, Stage::Head) => {
                let text = "the head of the request did not arrive in time";
                self.refuse(408, "Request Timeout", FaultKind::RequestTimeout, text);
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            (Ending::Unread, _) => Poll::Ready(Err(self.unread())),
            // A call that was begun meanwhile is answered.
            (_, Stage::Call) => {
                self.seat.stay();
                Poll::Pending
            }
            // As if the client had gone.
            _ => Poll::Ready(Ok(())),
        }
    }

    /// What was not read is thrown away: the system would keep it for a client that may never read it.
    fn unread(&self) -> io::Error {
        let _ = self.stream.socket().set_linger(Some(Duration::ZERO));
        io::ErrorKind::TimedOut.into()
    }

    /// Whatever comes before what is to be written now is on its way.
    fn poll_clear(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.stream {
            Transport::Bare(corked) => self.cork.poll_clear(corked, context),
            Transport::Tls(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_pieces(&mut self, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.seat.ending() == Some(Ending::Unread) {
            return Poll::Ready(Err(self.unread()));
        }
        if let [head] = pieces
            && self.refused_by_hyper(head)
        {
            return Poll::Ready(Ok(head.len()));
        }
        if let Transport::Bare(corked) = &self.stream
            && let Some(bytes) = self.cork.take(corked, pieces)
        {
            self.seat.wrote(bytes);
            return Poll::Ready(Ok(bytes));
        }
        let outcome = match self.poll_clear(context) {
            Poll::Ready(Ok(())) => self.stream.poll_write(context, pieces),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        self.written(context, outcome)
    }

    fn written(&self, context: &Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.seat.wrote(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => {
                self.seat.wait_reader();
                self.seat.register(context.waker());
                Poll::Pending
            }
            failed => failed,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.stream.poll_read(context, buffer)?.is_pending() {
            self.seat.register(context.waker());
            return self.seat.ending().map_or(Poll::Pending, |ending| self.ended(ending));
        }
        let read = &mut buffer.filled_mut()[before..];
        if !read.is_empty() {
            match self.seat.stage() {
                Stage::Opened if read.starts_with(HTTP_2) => {
                    let text = "HTTP/2 is not spoken here; HTTP/1.1 is";
                    self.refuse(400, "Bad Request", FaultKind::InvalidInput, text);
                }
                // Its request came at the last moment.
                Stage::Idle => self.seat.stay(),
                _ => {}
            }
            let stage = self.seat.stage();
            if !matches!(stage, Stage::Call | Stage::Rest) {
                let is_first = matches!(stage, Stage::Opened | Stage::Idle);
                self.head.read(read, is_first);
                if self.head.is_too_large() {
                    // No head has this octet (RFC 9110, section 5.5): hyper refuses it.
                    read.fill(0);
                }
            }
            self.seat.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_pieces(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_pieces(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Transport::Bare(_) => true,
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    /// TLS takes what its client has not taken yet, and so does a cork: whether that reads is seen here. What waits for
    /// other replies is on its way.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seat.ending() == Some(Ending::Unread) {
            return Poll::Ready(Err(self.unread()));
        }
        match self.stream.poll_flush(context) {
            Poll::Pending => {
                self.seat.wait_reader();
                self.seat.register(context.waker());
                Poll::Pending
            }
            flushed => {
                if self.seat.reply.is_waiting() {
                    self.seat.wrote(0);
                }
                flushed
            }
        }
    }

    /// A client that is still sending what was refused would lose the reply to a connection that is closed at
    /// once: what it sends is read, within reason.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_clear(context)?.is_pending() || self.stream.poll_shutdown(context)?.is_pending() {
            self.seat.wait_reader();
            self.seat.register(context.waker());
            return if self.seat.is_open() { Poll::Pending } else { Poll::Ready(Err(self.unread())) };
        }
        let mut left = match self.unwanted_bytes {
            Some(left) => left,
            None if self.seat.begin_lingering() => UNWANTED_BYTES_MAX,
            None => 0,
        };
        let mut scratch = [0; 4 * 1024];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut scratch);
            if self.stream.poll_read(context, &mut buffer)?.is_pending() {
                self.unwanted_bytes = Some(left);
                self.seat.register(context.waker());
                return if self.seat.is_open() { Poll::Pending } else { Poll::Ready(Ok(())) };
            }
            let read = buffer.filled().len();
            left = if read == 0 { 0 } else { left.saturating_sub(read) };
        }
        Poll::Ready(Ok(()))
    }
}
