//! Bodies: nothing, bytes in memory, or a stream that is read once.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

#[derive(Clone, Debug, thiserror::Error)]
pub enum BodyError {
    #[error("body is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("body ended early: {0}")]
    Broken(String),
    /// Its sender takes too long.
    #[error("body did not arrive in time")]
    Late,
}

type Inner = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError> + Send>>;

/// A body that is read piece by piece, at most up to its limit.
pub struct Stream {
    inner: Inner,
    /// Read already, but not taken yet; counts as read.
    first: Bytes,
    left: u64,
    limit: u64,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Stream {
    pub fn new(
        inner: impl http_body::Body<Data = Bytes, Error = BodyError> + Send + 'static,
        limit: u64,
    ) -> Self {
        Self { inner: Box::pin(inner), first: Bytes::new(), left: limit, limit }
    }

    /// Lowers the limit; what was read already counts.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Self {
        let read = self.limit - self.left;
        self.limit = self.limit.min(limit);
        self.left = self.limit.saturating_sub(read);
        self
    }

    /// Puts back what was read and not used.
    #[must_use]
    pub fn preceded(self, first: Bytes) -> Self {
        Self { first, ..self }
    }

    /// The next piece; `None` at the end. Trailers are dropped.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        loop {
            let Some(frame) = ready!(self.inner.as_mut().poll_frame(cx)) else { return Poll::Ready(None) };
            let Ok(data) = frame?.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(BodyError::TooLarge { limit: self.limit }))),
            }
            return Poll::Ready(Some(Ok(data)));
        }
    }

    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The whole length, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    fn size_hint(&self) -> SizeHint {
        match (self.first.len() as u64, self.inner.size_hint().exact()) {
            (0, _) => self.inner.size_hint(),
            (first, Some(rest)) => SizeHint::with_exact(first + rest),
            (_, None) => SizeHint::default(),
        }
    }
}

#[derive(Debug, Default)]
pub enum Body {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(Stream),
}

impl Body {
    /// The length, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.length(),
        }
    }

    /// The whole of it in memory, if it has at most `limit` bytes.
    pub async fn collect(self, limit: u64) -> Result<Bytes, BodyError> {
        if self.length().is_some_and(|length| length > limit) {
            return Err(BodyError::TooLarge { limit });
        }
        let mut stream = match self {
            Self::Empty => return Ok(Bytes::new()),
            Self::Bytes(bytes) => return Ok(bytes),
            Self::Stream(stream) => stream.limited(limit),
        };
        let Some(first) = stream.chunk().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = stream.chunk().await.transpose()? else { return Ok(first) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(next) = stream.chunk().await.transpose()? {
            whole.extend_from_slice(&next);
        }
        Ok(whole.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Bytes(bytes) }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream(stream) => stream.poll_chunk(cx).map_ok(Frame::data),
            whole @ Self::Bytes(_) => match std::mem::take(whole) {
                Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                _ => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.first.is_empty() && stream.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        collections::VecDeque,
        pin::Pin,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http_body::Frame;

    use super::{Body, BodyError, Stream};

    /// A body of chunks of unknown total length.
    pub(crate) struct Chunks(pub VecDeque<Bytes>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
        }
    }

    pub(crate) fn chunks(parts: &[&'static str]) -> Body {
        Body::Stream(Stream::new(Chunks(parts.iter().map(|p| Bytes::from(*p)).collect()), 1_000))
    }

    #[tokio::test]
    async fn collects_what_fits() {
        assert_eq!(chunks(&["ab", "", "cd", "e"]).collect(5).await.unwrap(), "abcde");
        assert_eq!(Body::Empty.collect(0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn refuses_what_does_not() {
        assert!(matches!(chunks(&["ab", "cd", "e"]).collect(4).await, Err(BodyError::TooLarge { limit: 4 })));
        assert!(matches!(
            Body::from(Bytes::from("abc")).collect(2).await,
            Err(BodyError::TooLarge { limit: 2 })
        ));
    }

    #[tokio::test]
    async fn lowering_the_limit_counts_what_was_read() {
        let Body::Stream(mut stream) = chunks(&["abc", "def"]) else { panic!() };
        stream.chunk().await.unwrap().unwrap();
        assert!(stream.limited(5).chunk().await.unwrap().is_err());
    }
}
