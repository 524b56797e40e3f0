//! `numeric` as it comes: digits to the base of 10,000, and what of them is behind the point.

use std::fmt::Write as _;

const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// `None`: it is none.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, scale) =
        (words.next()?, words.next()?.cast_signed(), words.next()?, words.next()?);
    match sign {
        NOT_A_NUMBER => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        MINUS_INFINITY => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digits: Vec<u16> = words.take(count.into()).collect();
    let digit =
        |place: i32| usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
    let mut text = String::with_capacity(digits.len() * 4 + 3);
    if sign == NEGATIVE {
        text.push('-');
    }
    let weight = i32::from(weight);
    if weight < 0 {
        text.push('0');
    }
    for place in 0..=weight {
        let _ = if place == 0 { write!(text, "{}", digit(0)) } else { write!(text, "{:04}", digit(place)) };
    }
    if scale > 0 {
        text.push('.');
        let end = text.len() + usize::from(scale);
        let mut place = weight + 1;
        while text.len() < end {
            let _ = write!(text, "{:04}", digit(place));
            place += 1;
        }
        text.truncate(end);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> String {
        let count = u16::try_from(digits.len()).unwrap();
        let head = [count, weight.cast_unsigned(), sign, scale];
        let bytes: Vec<u8> = head.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect();
        text(&bytes).unwrap()
    }

    #[test]
    fn digits_are_set_right() {
        assert_eq!(numeric(0, 0, 0, &[]), "0");
        assert_eq!(numeric(0, 0, 2, &[]), "0.00");
        assert_eq!(numeric(1, 0, 0, &[1]), "10000");
        assert_eq!(numeric(1, NEGATIVE, 3, &[12, 34, 5678]), "-120034.567");
        assert_eq!(numeric(-1, 0, 4, &[1]), "0.0001");
        assert_eq!(numeric(-2, 0, 8, &[7]), "0.00000007");
        assert_eq!(numeric(0, NOT_A_NUMBER, 0, &[]), "NaN");
        assert_eq!(text(&[0, 1]), None);
    }
}
