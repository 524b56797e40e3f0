//! Frames on their way to lapin, and what in them others have chosen.
//!
//! lapin reads tables in headers by recursion, without a limit: a message of 7 kB with tables within tables ends the
//! process by a stack overflow, and the next one that gets the message. A name or routing key that is not UTF-8
//! makes it drop the connection, again and again. The broker lets anyone publish both. So frames that hold such
//! things are looked at, and mended where they stand, before lapin sees them ([`mend`]); bodies pass as they are.
//!
//! AMQP 0-9-1, section 4.2.3: a frame is its type, a channel (2 bytes), a size (4), so many bytes, and an end (1).

use std::{
    io::{self, Error, ErrorKind},
    task::{Context, Poll, ready},
};

use tokio::io::ReadBuf;

use crate::bounds::FRAME_BYTES_MAX;

mod mend;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const START_BYTES: usize = 7;
const END_BYTES: usize = 1;

/// Where in the stream of bytes this is.
#[derive(Default)]
pub(crate) struct Frames {
    /// Of the frame that passes.
    passing: usize,
    /// The part that is here of a frame that has to be looked at whole.
    held: Vec<u8>,
    /// What was held and may go, and how much of it is gone.
    released: Vec<u8>,
    gone: usize,
    /// What comes is not in frames: a server of another protocol says so.
    is_foreign: bool,
}

impl Frames {
    /// Reads by `read` and passes on what may be.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        mut read: impl FnMut(&mut Context<'_>, &mut ReadBuf<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.gone < self.released.len() {
                self.release(buffer);
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            ready!(read(context, buffer))?;
            let filled = buffer.filled_mut();
            if filled.len() == before {
                return Poll::Ready(Ok(()));
            }
            let passed = if self.held.is_empty() { self.pass(&mut filled[before..])? } else { 0 };
            let rest = &filled[before + passed..];
            if !rest.is_empty() {
                self.hold(rest)?;
                buffer.set_filled(before + passed);
            }
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn release(&mut self, buffer: &mut ReadBuf<'_>) {
        let left = &self.released[self.gone..];
        let bytes = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..bytes]);
        self.gone += bytes;
        if self.gone == self.released.len() {
            self.released.clear();
            self.gone = 0;
        }
    }

    /// Mends what is here; how much of it may go. The rest is a frame that is not here whole.
    fn pass(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut at = 0;
        loop {
            let left = &mut bytes[at..];
            if self.is_foreign {
                return Ok(at + left.len());
            }
            let passes = self.passing.min(left.len());
            self.passing -= passes;
            at += passes;
            let left = &mut bytes[at..];
            let Some(start) = left.first_chunk::<START_BYTES>() else { return Ok(at) };
            let &[kind, _, _, a, b, c, d] = start;
            let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            match kind {
                METHOD | HEADER if size > FRAME_BYTES_MAX => {
                    let text = format!("a frame has {size} bytes: at most {FRAME_BYTES_MAX} are allowed");
                    return Err(Error::new(ErrorKind::InvalidData, text));
                }
                METHOD | HEADER => {
                    let Some(payload) = left.get_mut(START_BYTES..START_BYTES + size) else { return Ok(at) };
                    let mended = if kind == METHOD { mend::method(payload) } else { mend::header(payload) };
                    mended.map_err(|broken| Error::new(ErrorKind::InvalidData, broken.to_string()))?;
                    self.passing = START_BYTES + size + END_BYTES;
                }
                BODY | HEARTBEAT => self.passing = (START_BYTES + END_BYTES).saturating_add(size),
                _ => self.is_foreign = true,
            }
        }
    }

    /// Keeps the part of a frame until the whole of it is here; then it and all that came after it may go, but for a
    /// part at the end.
    fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        let mut held = std::mem::take(&mut self.held);
        let passed = self.pass(&mut held)?;
        self.held = held.split_off(passed);
        self.released = held;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1], size.as_slice(), payload, &[0xce]].concat()
    }

    /// `basic.deliver` with a routing key of these bytes.
    fn deliver(key: &[u8]) -> Vec<u8> {
        let key_bytes = [u8::try_from(key.len()).unwrap()];
        [&[0, 60, 0, 60, 1, b'c', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], key_bytes.as_slice(), key].concat()
    }

    /// What comes out if the stream comes in such pieces, into buffers of such a size.
    fn through(stream: &[u8], pieces: &[usize], room: usize) -> io::Result<Vec<u8>> {
        let mut frames = Frames::default();
        let (mut source, mut sizes) = (VecDeque::from(stream.to_vec()), pieces.iter().cycle());
        let mut out = Vec::new();
        let mut context = Context::from_waker(std::task::Waker::noop());
        loop {
            let mut space = vec![0; room];
            let mut buffer = ReadBuf::new(&mut space);
            let read = |_: &mut Context<'_>, buffer: &mut ReadBuf<'_>| {
                let bytes = (*sizes.next().unwrap()).min(buffer.remaining()).min(source.len());
                buffer.put_slice(&source.drain(..bytes).collect::<Vec<_>>());
                Poll::Ready(Ok(()))
            };
            match frames.poll_read(&mut context, &mut buffer, read) {
                Poll::Ready(done) => done?,
                Poll::Pending => unreachable!("the source is always ready"),
            }
            if buffer.filled().is_empty() {
                return Ok(out);
            }
            out.extend_from_slice(buffer.filled());
        }
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_comes_out(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
            pieces in prop::collection::vec(1_usize..50, 1..8),
            room in 1_usize..80,
        ) {
            let (mut stream, mut expected) = (Vec::new(), Vec::new());
            for body in &bodies {
                stream.extend(frame(METHOD, &deliver(b"k\xff\xffy")));
                expected.extend(frame(METHOD, &deliver(b"k??y")));
                for both in [&mut stream, &mut expected] {
                    both.extend(frame(BODY, body));
                    both.extend(frame(HEARTBEAT, &[]));
                }
            }
            prop_assert_eq!(through(&stream, &pieces, room).unwrap(), expected);
        }

        #[test]
        fn nothing_panics(stream in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(2), any::<u8>()], 0..200)) {
            let _ = through(&stream, &[7, 1], 64);
        }
    }

    #[test]
    fn another_protocol_passes() {
        assert_eq!(through(b"AMQP\x00\x01\x00\x00HTTP", &[3], 5).unwrap(), b"AMQP\x00\x01\x00\x00HTTP");
    }

    #[test]
    fn a_frame_that_is_looked_at_is_bounded() {
        let start = [HEADER, 0, 1, 0x7f, 0, 0, 0];
        let error = through(&start, &[64], 64).unwrap_err();
        assert_eq!(error.to_string(), "a frame has 2130706432 bytes: at most 1048576 are allowed");
    }
}
