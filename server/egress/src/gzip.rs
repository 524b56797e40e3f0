//! Decodes gzip (RFC 1952) a part at a time: what comes out at once is bounded, however small what went in.

use bytes::{Buf as _, Bytes};
use flate2::{Decompress, FlushDecompress, Status};

use crate::bounds::DECODED_PART_BYTES;

const WINDOW_BITS: u8 = 15;
/// Each costs a decoder, however little is in it.
const MEMBERS_MAX: u64 = 256;
const DECODED_BYTES_PER_MEMBER: u64 = 1024;

pub(crate) struct Gunzip {
    inflate: Decompress,
    input: Bytes,
    state: State,
    members: u64,
    decoded: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of a member is there yet; an end here is one.
    Between,
    Within,
}

/// What has come out of the input that there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Part(Bytes),
    /// All input is used up.
    Hungry,
}

impl Gunzip {
    pub(crate) fn new() -> Self {
        let inflate = Decompress::new_gzip(WINDOW_BITS);
        Self { inflate, input: Bytes::new(), state: State::Between, members: 0, decoded: 0 }
    }

    /// Only when the last step was hungry.
    pub(crate) fn feed(&mut self, input: Bytes) {
        self.input = input;
    }

    pub(crate) fn step(&mut self) -> Result<Step, &'static str> {
        let mut part = Vec::new();
        loop {
            if self.state == State::Between {
                if self.input.is_empty() {
                    return Ok(finished(part));
                }
                self.state = State::Within;
            }
            part.reserve_exact(DECODED_PART_BYTES - part.len());
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress_vec(&self.input, &mut part, FlushDecompress::None);
            let status = status.map_err(|_| "the reply's body is not gzip, as it says")?;
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(usize::MAX);
            self.input.advance(read.min(self.input.len()));
            let written = self.inflate.total_out() - written;
            self.decoded += written;
            let moved = read > 0 || written > 0;
            if status == Status::StreamEnd {
                self.inflate.reset(true);
                self.state = State::Between;
                self.members += 1;
                if self.members > MEMBERS_MAX + self.decoded / DECODED_BYTES_PER_MEMBER {
                    return Err("the reply's gzip has too many members for what is in them");
                }
            } else if part.len() >= DECODED_PART_BYTES || !moved || self.input.is_empty() {
                return Ok(finished(part));
            }
            if part.len() >= DECODED_PART_BYTES {
                return Ok(finished(part));
            }
        }
    }

    /// Whether the body may end here.
    pub(crate) fn end(&self) -> Result<(), &'static str> {
        match self.state {
            State::Between => Ok(()),
            State::Within => Err("the reply's body ends within its gzip"),
        }
    }
}

/// A part that is full may have more behind it.
fn finished(part: Vec<u8>) -> Step {
    if part.is_empty() { Step::Hungry } else { Step::Part(Bytes::from(part)) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn encoded(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(encoded: &[u8], at_once: usize) -> Result<Vec<u8>, &'static str> {
        let mut gunzip = Gunzip::new();
        let mut plain = Vec::new();
        for part in encoded.chunks(at_once) {
            gunzip.feed(Bytes::copy_from_slice(part));
            while let Step::Part(part) = gunzip.step()? {
                assert!(part.len() <= DECODED_PART_BYTES);
                plain.extend_from_slice(&part);
            }
        }
        gunzip.end().map(|()| plain)
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_out(plain: Vec<u8>, at_once in 1_usize..100) {
            prop_assert_eq!(decoded(&encoded(&plain), at_once).unwrap(), plain);
        }

        #[test]
        fn nothing_panics(input: Vec<u8>, at_once in 1_usize..100) {
            let _ = decoded(&input, at_once);
            let _ = decoded(&[&[0x1f, 0x8b, 8, 0][..], &input].concat(), at_once);
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_parts() {
        let bomb = encoded(&vec![0; 10_000_000]);
        assert!(bomb.len() < 11_000);
        assert_eq!(decoded(&bomb, usize::MAX).unwrap().len(), 10_000_000);
    }

    #[test]
    fn members_follow_each_other() {
        let both = [encoded(b"one, "), encoded(b""), encoded(b"two")].concat();
        for at_once in [1, 7, 1000] {
            assert_eq!(decoded(&both, at_once).unwrap(), b"one, two");
        }
    }

    #[test]
    fn members_with_little_in_them_are_few() {
        assert!(decoded(&encoded(b"").repeat(256), 1000).is_ok());
        assert!(decoded(&encoded(b"").repeat(257), 1000).unwrap_err().contains("too many members"));
        assert!(decoded(&encoded(&[1; 1024]).repeat(1000), 1000).is_ok());
    }

    #[test]
    fn what_is_broken_is_told() {
        let whole = encoded(b"hello, hello, hello");
        assert_eq!(decoded(b"", 1).unwrap(), b"");
        assert!(decoded(&whole[..whole.len() - 1], 1000).unwrap_err().contains("ends within"));
        assert!(decoded(b"plain text", 1000).unwrap_err().contains("not gzip"));
        assert!(decoded(&[&whole[..], b"rest"].concat(), 1000).unwrap_err().contains("not gzip"));
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        assert!(decoded(&wrong, 1000).is_err());
    }
}
