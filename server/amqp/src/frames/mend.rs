//! Frames that lapin can't read, made such that it can, without changing their length.
//!
//! A byte that is not part of UTF-8 where text has to be becomes a question mark. A table or list that is nested too
//! deeply becomes bytes: the two look the same but for their type.

use crate::bounds::HEADER_DEPTH_MAX;

/// The broker would not have taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame is not what AMQP says it is")]
pub(crate) struct Broken;

/// What is left of the bytes.
struct Cursor<'a>(&'a mut [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a mut [u8], Broken> {
        let (taken, rest) = std::mem::take(&mut self.0).split_at_mut_checked(bytes).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.take(N)?.as_ref().try_into().map_err(|_| Broken)
    }

    fn short_text(&mut self) -> Result<(), Broken> {
        let [bytes] = self.number()?;
        mend_text(self.take(bytes.into())?);
        Ok(())
    }

    /// What a long string, bytes, a table and a list have in common.
    fn long(&mut self) -> Result<Cursor<'a>, Broken> {
        let bytes = u32::from_be_bytes(self.number()?);
        self.take(usize::try_from(bytes).map_err(|_| Broken)?).map(Cursor)
    }
}

/// Of the methods that carry what a publisher chose.
pub(crate) fn method(payload: &mut [u8]) -> Result<(), Broken> {
    let mut cursor = Cursor(payload);
    match cursor.number()? {
        // basic.deliver: consumer tag, delivery tag, redelivered.
        [0, 60, 0, 60] => {
            cursor.short_text()?;
            cursor.take(8 + 1)?;
        }
        // basic.return: code, text.
        [0, 60, 0, 50] => {
            cursor.take(2)?;
            cursor.short_text()?;
        }
        _ => return Ok(()),
    }
    // Exchange, routing key.
    cursor.short_text()?;
    cursor.short_text()
}

/// Class, weight, size of the body; flags; the properties that they announce.
pub(crate) fn header(payload: &mut [u8]) -> Result<(), Broken> {
    let mut cursor = Cursor(payload);
    cursor.take(2 + 2 + 8)?;
    let flags = u16::from_be_bytes(cursor.number()?);
    for (bit, property) in PROPERTIES.iter().enumerate() {
        if flags & (0x8000 >> bit) == 0 {
            continue;
        }
        match property {
            Property::Text => cursor.short_text()?,
            Property::Table => table(cursor.long()?, HEADER_DEPTH_MAX)?,
            Property::Number(bytes) => drop(cursor.take(*bytes)?),
        }
    }
    Ok(())
}

enum Property {
    Text,
    Table,
    Number(usize),
}

/// Of the class `basic`, in their order.
const PROPERTIES: [Property; 14] = [
    Property::Text,
    Property::Text,
    Property::Table,
    Property::Number(1),
    Property::Number(1),
    Property::Text,
    Property::Text,
    Property::Text,
    Property::Text,
    Property::Number(8),
    Property::Text,
    Property::Text,
    Property::Text,
    Property::Text,
];

fn table(mut members: Cursor<'_>, levels: usize) -> Result<(), Broken> {
    while !members.0.is_empty() {
        members.short_text()?;
        value(&mut members, levels)?;
    }
    Ok(())
}

fn value(cursor: &mut Cursor<'_>, levels: usize) -> Result<(), Broken> {
    let kind = cursor.take(1)?;
    let [letter] = kind else { return Err(Broken) };
    let bytes = match *letter {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' | b'U' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'l' | b'L' | b'd' | b'T' => 8,
        b'S' | b'x' => return cursor.long().map(drop),
        b'F' | b'A' if levels == 0 => {
            *letter = b'x';
            return cursor.long().map(drop);
        }
        b'F' => return table(cursor.long()?, levels - 1),
        b'A' => {
            let mut items = cursor.long()?;
            while !items.0.is_empty() {
                value(&mut items, levels - 1)?;
            }
            return Ok(());
        }
        _ => return Err(Broken),
    };
    cursor.take(bytes).map(drop)
}

fn mend_text(mut bytes: &mut [u8]) {
    while let Err(error) = std::str::from_utf8(bytes) {
        let bad = error.valid_up_to();
        let length = error.error_len().unwrap_or(bytes.len() - bad);
        bytes[bad..bad + length].fill(b'?');
        bytes = &mut bytes[bad + length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &[u8]) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()], text].concat()
    }

    fn long(bytes: &[u8]) -> Vec<u8> {
        [u32::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
    }

    /// A header frame with a content type, these headers and a timestamp.
    fn message(content_type: &[u8], headers: &[u8]) -> Vec<u8> {
        let flags = (0x8000_u16 | 0x2000 | 0x0040).to_be_bytes();
        [
            &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            flags.as_slice(),
            &short(content_type),
            &long(headers),
            &[0; 8],
        ]
        .concat()
    }

    fn member(name: &[u8], kind: u8, value: &[u8]) -> Vec<u8> {
        [short(name).as_slice(), &[kind], value].concat()
    }

    fn nested(levels: usize) -> Vec<u8> {
        (0..levels).fold(member(b"leaf", b'V', &[]), |inner, level| {
            // Tables and lists in turn.
            if level % 2 == 0 {
                member(b"t", b'F', &long(&inner))
            } else {
                member(b"l", b'A', &long(&[b"F".as_slice(), &long(&inner)].concat()))
            }
        })
    }

    fn mended(mut payload: Vec<u8>) -> Vec<u8> {
        header(&mut payload).unwrap();
        payload
    }

    #[test]
    fn what_is_right_stays() {
        let kinds: [(u8, &[u8]); 18] = [
            (b'V', &[]),
            (b't', &[1]),
            (b'b', &[1]),
            (b'B', &[1]),
            (b's', &[0; 2]),
            (b'u', &[0; 2]),
            (b'U', &[0; 2]),
            (b'I', &[0; 4]),
            (b'i', &[0; 4]),
            (b'f', &[0; 4]),
            (b'D', &[0; 5]),
            (b'l', &[0; 8]),
            (b'L', &[0; 8]),
            (b'd', &[0; 8]),
            (b'T', &[0; 8]),
            (b'S', &[0, 0, 0, 2, 0xff, 0xfe]),
            (b'x', &[0, 0, 0, 1, 0xff]),
            (b'A', &[0, 0, 0, 2, b't', 1]),
        ];
        let all: Vec<u8> =
            kinds.iter().flat_map(|(kind, value)| member(b"n\xc3\xa4me", *kind, value)).collect();
        for headers in [all, Vec::new(), nested(20)] {
            let whole = message(b"text/plain", &headers);
            assert_eq!(mended(whole.clone()), whole);
        }
    }

    #[test]
    fn text_is_made_text() {
        let bad = message(b"a\xffb\xc3", &member(b"\xe2\x82", b'S', &long(b"\xff")));
        let good = message(b"a?b?", &member(b"??", b'S', &long(b"\xff")));
        assert_eq!(mended(bad), good);
        let mut returned =
            [&[0, 60, 0, 50, 1, 56], short(b"NO_ROUTE").as_slice(), &short(b"\xff"), &short(b"\xfe")]
                .concat();
        method(&mut returned).unwrap();
        assert!(returned.ends_with(&[1, b'?', 1, b'?']));
    }

    #[test]
    fn what_is_too_deep_becomes_bytes() {
        let deep = message(b"", &nested(5000));
        let shallow = mended(deep.clone());
        let changed: Vec<_> = deep.iter().zip(&shallow).filter(|(before, after)| before != after).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].1, &b'x');
        assert_eq!(mended(shallow.clone()), shallow);
    }

    #[test]
    fn what_the_broker_would_not_take_is_refused() {
        assert_eq!(header(&mut message(b"", &member(b"n", b'?', &[]))), Err(Broken));
        assert_eq!(header(&mut message(b"", &member(b"n", b'S', &[0, 0, 0, 9]))), Err(Broken));
        assert_eq!(header(&mut [0, 60]), Err(Broken));
        assert_eq!(method(&mut [0, 60, 0, 60, 200]), Err(Broken));
        assert_eq!(method(&mut [0, 10, 0, 10, 200]), Ok(()), "not for publishers to choose");
    }
}
