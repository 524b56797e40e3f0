//! Request bodies that are read whole, and what all of a worker's may take in memory together.
//!
//! A body takes its share as its pieces come, never for what was only announced. Nobody waits for a share:
//! those who wait would hold theirs.

use std::{sync::Arc, time::Duration};

use busbar_model::{Fault, bounds, fault::FaultKind};
use bytes::{Bytes, BytesMut};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    body::{Body, Stream},
    invoke::{broken, too_large},
};

/// The memory for a worker's buffered bodies.
#[derive(Debug)]
pub struct Buffers {
    kib: Arc<Semaphore>,
    kib_max: usize,
}

impl Default for Buffers {
    fn default() -> Self {
        Self::of_kib(bounds::BUFFERED_KIB_MAX)
    }
}

impl Buffers {
    fn of_kib(kib_max: usize) -> Self {
        Self { kib: Arc::new(Semaphore::new(kib_max)), kib_max }
    }

    /// Bytes that bodies hold.
    pub fn bytes(&self) -> u64 {
        (self.kib_max - self.kib.available_permits().min(self.kib_max)) as u64 * 1024
    }

    /// Whether less than an eighth is free.
    pub fn are_scarce(&self) -> bool {
        self.kib.available_permits() < self.kib_max / 8
    }

    /// The whole of a body in memory, if it has at most `limit` bytes. Its share is given back when the last
    /// reference to it is dropped.
    pub(crate) async fn collect(&self, body: Body, limit: u64) -> Result<Bytes, Fault> {
        if body.length().is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut stream = match body {
            Body::Empty => return Ok(Bytes::new()),
            Body::Bytes(bytes) => return Ok(bytes),
            Body::Stream(stream) => stream.limited(limit),
        };
        let Some(first) = next(&mut stream).await? else { return Ok(Bytes::new()) };
        // Mostly that is all: it came with its head.
        let Some(second) = next(&mut stream).await? else { return Ok(first) };
        let mut whole = self.buffer(first)?;
        whole.add(&second)?;
        while let Some(piece) = next(&mut stream).await? {
            whole.add(&piece)?;
        }
        Ok(whole.freeze())
    }

    /// A raw body whole if it is small, else as a stream of at most `limit` bytes. Of one whose length nobody
    /// tells, what comes at once is awaited.
    pub(crate) async fn small(&self, stream: Stream, limit: u64) -> Result<Body, Fault> {
        let mut stream = match stream.length() {
            Some(length) if length > limit => return Err(too_large(limit)),
            Some(length) if length <= bounds::BODY_INLINE_BYTES_MAX => {
                return Ok(self.collect(Body::Stream(stream), limit).await?.into());
            }
            Some(_) => return Ok(Body::Stream(stream.limited(limit))),
            None => stream.limited(limit),
        };
        let patience = Instant::now() + Duration::from_millis(bounds::BODY_AHEAD_MS);
        let mut ahead = BytesMut::new();
        while (ahead.len() as u64) < bounds::BODY_INLINE_BYTES_MAX {
            match timeout_at(patience, next(&mut stream)).await {
                Ok(piece) => match piece? {
                    Some(piece) => ahead.extend_from_slice(&piece),
                    None => return Ok(ahead.freeze().into()),
                },
                Err(_) => break,
            }
        }
        Ok(Body::Stream(stream.preceded(ahead.freeze())))
    }

    fn buffer(&self, first: Bytes) -> Result<Buffer, Fault> {
        let bytes = BytesMut::from(first);
        let share = self.take(kib(bytes.len()))?;
        Ok(Buffer { bytes, share })
    }

    fn take(&self, kib: u32) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.kib).try_acquire_many_owned(kib).map_err(|_| {
            Fault::new(FaultKind::Overloaded, "too many large bodies are in memory").with_retry_after_s(1)
        })
    }
}

async fn next(stream: &mut Stream) -> Result<Option<Bytes>, Fault> {
    stream.chunk().await.transpose().map_err(broken)
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// A body that grows, and its share.
struct Buffer {
    bytes: BytesMut,
    share: OwnedSemaphorePermit,
}

impl Buffer {
    fn add(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let held = u32::try_from(self.share.num_permits()).unwrap_or(u32::MAX);
        let more = kib(self.bytes.len() + piece.len()).saturating_sub(held);
        if more > 0 {
            let semaphore = Arc::clone(self.share.semaphore());
            let taken = semaphore.try_acquire_many_owned(more).map_err(|_| {
                Fault::new(FaultKind::Overloaded, "too many large bodies are in memory").with_retry_after_s(1)
            })?;
            self.share.merge(taken);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use busbar_model::fault::FaultKind;
    use bytes::Bytes;
    use http_body::Frame;

    use super::Buffers;
    use crate::body::{Body, BodyError, Stream, tests::chunks};

    #[tokio::test]
    async fn a_body_gives_its_share_back_with_its_last_reference() {
        let buffers = Buffers::of_kib(2);
        let body = buffers.collect(chunks(&["ab", "", "cd", "e"]), 5).await.unwrap();
        assert_eq!(body, "abcde");
        let part = body.slice(1..2);
        drop(body);
        assert_eq!(buffers.bytes(), 1024);
        drop(part);
        assert_eq!(buffers.bytes(), 0);
        let refused = buffers.collect(chunks(&["ab", "cd", "ef"]), 5).await.unwrap_err();
        assert_eq!((refused.kind, buffers.bytes()), (FaultKind::TooLarge, 0));
    }

    #[tokio::test]
    async fn nobody_waits_for_memory() {
        let buffers = Buffers::of_kib(1);
        let one = buffers.collect(chunks(&["ab", "cd"]), 5).await.unwrap();
        let refused = buffers.collect(chunks(&["ab", "cd"]), 5).await.unwrap_err();
        assert_eq!((refused.kind, refused.retry_after_s), (FaultKind::Overloaded, Some(1)));
        assert_eq!(buffers.collect(chunks(&["abc"]), 5).await.unwrap(), "abc", "one piece takes no share");
        drop(one);
        buffers.collect(chunks(&["ab", "cd"]), 5).await.unwrap();
    }

    /// One piece, and nothing more.
    struct Silent(Option<Bytes>);

    impl http_body::Body for Silent {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            match self.0.take() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_at_once_is_handed_over_whole_and_the_rest_as_a_stream() {
        let buffers = Buffers::of_kib(1);
        let Body::Stream(quick) = chunks(&["ab", "cd"]) else { panic!() };
        assert!(matches!(buffers.small(quick, 9).await.unwrap(), Body::Bytes(whole) if whole == "abcd"));
        let slow = Stream::new(Silent(Some(Bytes::from("ab"))), 9);
        let Body::Stream(mut slow) = buffers.small(slow, 9).await.unwrap() else { panic!() };
        assert_eq!(slow.chunk().await.unwrap().unwrap(), "ab");
    }
}
