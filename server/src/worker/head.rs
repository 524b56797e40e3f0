//! The head of a request on its way: how much of it there is. hyper has one limit for heads and for what it
//! reads at once, and bodies are read in larger pieces than heads may have.

use busbar_model::bounds::HEAD_BYTES_MAX;

/// Of one connection; reset by each request.
#[derive(Debug, Default)]
pub(crate) struct HeadWatch {
    bytes: usize,
    line_is_whole: bool,
    too_large: bool,
}

impl HeadWatch {
    /// Takes in what was read before the head had come whole. `is_first`: nothing of it was read before.
    pub(crate) fn read(&mut self, read: &[u8], is_first: bool) {
        if is_first {
            *self = Self::default();
        }
        self.line_is_whole |= read.contains(&b'\n');
        let room = HEAD_BYTES_MAX.saturating_sub(self.bytes);
        self.bytes += read.len();
        self.too_large |= read.len() > room && !ends_within(&read[..room]);
    }

    /// Whether it goes on beyond what a head may have.
    pub(crate) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// The first line of the head has come whole.
    pub(crate) fn line_is_whole(&self) -> bool {
        self.line_is_whole
    }
}

/// Whether an empty line is in it, or may be in it together with what came before.
fn ends_within(read: &[u8]) -> bool {
    let is_empty_line = |rest: &[u8]| rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
    is_empty_line(read) || memchr::memchr_iter(b'\n', read).any(|end| is_empty_line(&read[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{HEAD_BYTES_MAX, HeadWatch};

    fn watched(reads: &[&[u8]]) -> HeadWatch {
        let mut watch = HeadWatch::default();
        for (at, read) in reads.iter().enumerate() {
            watch.read(read, at == 0);
        }
        watch
    }

    #[test]
    fn a_head_has_its_limit_and_what_follows_it_has_none() {
        let (half, full) = (vec![b'x'; HEAD_BYTES_MAX / 2], vec![b'x'; HEAD_BYTES_MAX]);
        assert!(!watched(&[&half, &half]).is_too_large());
        assert!(watched(&[&half, &half, b"x"]).is_too_large());
        assert!(!watched(&[&[&half[..], b"\r\n\r\n", &full].concat()]).is_too_large(), "that is its body");
        assert!(!watched(&[&[&half[..], b"\n\n", &full].concat()]).is_too_large());
        assert!(!watched(&[&half, b"\r\n", &[b"\r\n", &full[..]].concat()]).is_too_large());
        assert!(watched(&[&[&full[..], b"\r\n\r\n"].concat()]).is_too_large());
    }

    #[test]
    fn each_request_begins_anew() {
        let full = vec![b'x'; HEAD_BYTES_MAX + 1];
        let mut watch = watched(&[&full]);
        assert!(watch.is_too_large() && !watch.line_is_whole());
        watch.read(b"GET / HTTP/1.1\r\n", true);
        assert!(!watch.is_too_large() && watch.line_is_whole());
    }
}
