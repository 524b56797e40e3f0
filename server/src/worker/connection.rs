//! One client's connection.

use std::{
    convert::Infallible,
    future::{Future as _, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use busbar_engine::{Body, BodyError, request::Hop};
use busbar_model::bounds::{HEADERS_MAX, READ_BYTES_MAX};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{
    server::conn::http1::{self, Connection},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use crate::worker::{http::Front, roster::Seated, seat::Seat, wire::Wire};

/// What connections are told when the worker drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// Idle connections may still bring one request.
    Draining,
    /// Idle connections are closed.
    Closing,
}

pub(crate) async fn serve_connection(
    wire: Wire,
    hop: Hop,
    front: Arc<Front>,
    seated: Seated,
    mut phase: watch::Receiver<Phase>,
) {
    let cork = Arc::clone(wire.cork());
    let seat = Arc::clone(&seated.seat);
    let service = service_fn(move |request| {
        let (front, seat) = (Arc::clone(&front), Arc::clone(&seat));
        seat.begin_call();
        async move {
            let response = front.handle(request, hop, &seat).await;
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, seat)))
        }
    });
    let mut builder = http1::Builder::new();
    // Who is late is told by the roster, for all connections at once.
    builder.header_read_timeout(None).max_buf_size(READ_BYTES_MAX).max_headers(HEADERS_MAX);
    let connection = builder.serve_connection(TokioIo::new(wire), service);
    let mut connection = std::pin::pin!(connection);
    let closing = async { phase.wait_for(|phase| *phase == Phase::Closing).await.map(drop) };
    let piece = |connection: Pin<&mut Connection<_, _>>, context: &mut Context<'_>| {
        let polled = connection.poll(context);
        cork.piece_done();
        polled
    };
    tokio::select! {
        outcome = poll_fn(|context| piece(connection.as_mut(), context)) => return done(outcome),
        _ = closing => {}
    }
    // Closes an idle connection at once and a busy one after its reply.
    connection.as_mut().graceful_shutdown();
    done(poll_fn(|context| piece(connection.as_mut(), context)).await);
}

fn done(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended early");
    }
}

/// A reply's body, until hyper has all of it.
struct Answer {
    body: Body,
    seat: Arc<Seat>,
}

impl Answer {
    fn new(body: Body, seat: Arc<Seat>) -> Self {
        seat.begin_reply(if let Body::Bytes(bytes) = &body { bytes.len() as u64 } else { 0 });
        Self { body, seat }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.seat.end_call();
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
