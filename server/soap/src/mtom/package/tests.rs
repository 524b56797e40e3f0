//! Packages, cut and put together.

use std::time::Instant;

use super::Package;
use crate::{
    media::{ContentType, Kind, Related},
    mtom::{Part, package},
    refusal::{Cause, Refusal},
    version::Version,
};

fn related(start: Option<&str>) -> Related {
    Related { boundary: "b".to_owned(), start: start.map(str::to_owned), start_info: None }
}

fn parse(body: &str) -> Result<Package<'_>, Refusal> {
    Package::parse(body.as_bytes(), &related(None))
}

/// With line ends as MIME has them.
fn lines(text: &str) -> String {
    text.replace('\n', "\r\n")
}

#[test]
fn the_root_is_the_first_or_the_one_that_start_names() {
    let body = lines(
        "ignored\n--b \nContent-ID: <x>\nContent-Type: application/octet-stream\n\none\n--b\nContent-Type: \
         application/xop+xml;\n charset=latin1; type=\"text/xml\"\ncontent-id:<r>\n\n<a/>\n--b--\nignored --b",
    );
    let mut package = Package::parse(body.as_bytes(), &related(Some("r"))).unwrap();
    assert_eq!(package.root, b"<a/>");
    assert_eq!(package.root_charset.as_deref(), Some("latin1"));
    assert_eq!(package.untaken().collect::<Vec<_>>(), ["x"]);
    assert!(package.finish().unwrap_err().message.contains("\"x\" is referred to by nothing"));
    assert_eq!(package.take("x").unwrap(), b"one");
    assert!(package.take("x").is_none());
    assert!(package.finish().is_ok());

    let body = lines("--b\n\n<a/>\n--b--");
    assert_eq!(parse(&body).unwrap().root, b"<a/>");
}

#[test]
fn parts_are_found_by_their_decoded_ids() {
    let body = lines(
        "--b\n\n<a/>\n--b\nContent-ID: <http://x/1>\n\n1\n--b\nContent-ID: two@x\n\n\n--b\nContent-ID: <a%20b>\n\n--b--",
    );
    let mut package = parse(&body).unwrap();
    assert!(package.take("missing").is_none());
    assert_eq!(package.take("http%3A%2F%2Fx%2F1").unwrap(), b"1");
    assert_eq!(package.take("two%40x").unwrap(), b"");
    assert_eq!(package.take("a%20b").unwrap(), b"");
    assert!(package.take("%FF").is_none());
    assert_eq!(package.untaken().count(), 0);
}

#[test]
fn content_is_as_it_is_or_in_base64() {
    let body = lines(
        "--b\nContent-Transfer-Encoding: 8Bit\n\n<a/>\n--b\nContent-ID: <x>\nContent-Length: 9\n\
         Content-Transfer-Encoding: BASE64\n\naGVs\nbG8=\n--b\nContent-ID: <y>\nContent-Length: 5\n\n\n--c\n--b--",
    )
    .replace("Content-Length: 9", "Content-Length: 10");
    let mut package = parse(&body).unwrap();
    assert_eq!(package.take("x").unwrap(), b"hello");
    assert_eq!(package.take("y").unwrap(), b"\r\n--c");
}

#[test]
fn what_is_no_package_is_refused() {
    let long = format!("--b\n\n<a/>\n--b\nContent-ID: <x>\nX: {}\n\n\n--b--", "x".repeat(9_000));
    let many = format!("--b\n\n<a/>{}\n--b--", "\n--b\nContent-ID: <x>\n\n".repeat(1_000));
    let cases = [
        ("", "no boundary"),
        ("<a/>", "no boundary"),
        ("--c\n\n<a/>\n--c--", "no boundary"),
        ("--b--", "no root"),
        ("--b\n\n<a/>", "no final boundary"),
        ("--b\n\n<a/>\n--b", "end its line"),
        ("--b\n\n<a/>\n--b\n", "no final boundary"),
        ("--bx\n\n<a/>\n--b--", "end its line"),
        ("--b\n--b--", "is empty"),
        ("--b\nX: y\nno end\n--b--", "no end"),
        ("--b\nno name\n\n<a/>\n--b--", "without a name"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\nContent-ID: <y>\n\n\n--b--", "header twice"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\n\n1\n--b\nContent-ID: <x>\n\n2\n--b--", "same Content-ID"),
        ("--b\nContent-ID: <x>\n\n<a/>\n--b\nContent-ID: <x>\n\n1\n--b--", "same Content-ID"),
        ("--b\n\n<a/>\n--b\n\n1\n--b--", "no Content-ID"),
        ("--b\n\n<a/>\n--b\nContent-ID: <>\n\n1\n--b--", "empty Content-ID"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\nContent-Length: 2\n\n1\n--b--", "as long as"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\nContent-Length: -1\n\n1\n--b--", "no number"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\nContent-Length: \n\n1\n--b--", "no number"),
        ("--b\nContent-Length: 5\n\n<a/>\n--b--", "as long as"),
        ("--b\nContent-Transfer-Encoding: quoted-printable\n\n<a/>\n--b--", "none of binary"),
        ("--b\nContent-Transfer-Encoding: base64\n\nPGEvPg==\n--b--", "root part is in base64"),
        ("--b\n\n<a/>\n--b\nContent-ID: <x>\nContent-Transfer-Encoding: base64\n\n!\n--b--", "not in base64"),
        ("--b\nContent-Type: text/plain\n\n<a/>\n--b--", "no application/xop+xml"),
        ("--b\nContent-Type: text/xml; charset\n\n<a/>\n--b--", "without a value"),
        (long.as_str(), "too many bytes"),
        (many.as_str(), "more than 1000 parts"),
    ];
    for (text, expected) in cases {
        let text = lines(text);
        let refusal = parse(&text).expect_err(&text);
        assert_eq!((&refusal.cause, refusal.code.as_ref()), (&Cause::Message, "invalid-package"), "{text}");
        assert!(refusal.message.contains(expected), "{text:.80}: {refusal}");
    }
    let body = lines("--b\nContent-ID: <x>\n\n<a/>\n--b--");
    assert!(Package::parse(body.as_bytes(), &related(Some("y"))).unwrap_err().message.contains("no root"));
    let twice = lines("--b\nContent-ID: <x>\n\n<a/>\n--b\nContent-ID: <x>\n\n<b/>\n--b--");
    let refusal = Package::parse(twice.as_bytes(), &related(Some("x"))).unwrap_err();
    assert!(refusal.message.contains("same"));
}

#[test]
fn what_is_written_is_read_again() {
    let bytes = b"\x00\r\n--\xFF\r\n".to_vec();
    let part = Part {
        content_id: "1@busbar".into(),
        content_type: "image/png\r\nX: y".into(),
        bytes: bytes.clone(),
    };
    for (version, action) in [(Version::V11, None), (Version::V12, Some("urn:\"x\""))] {
        let (content_type, body) = package("<é/>", version, action, "0a1b", vec![part.clone()]);
        let parsed = ContentType::parse(Some(&content_type)).unwrap();
        assert_eq!((parsed.version(), parsed.action.as_deref()), (Some(version), action));
        let Kind::Mtom(related) = parsed.kind else { panic!("{content_type}") };
        let mut package = Package::parse(&body, &related).unwrap();
        assert_eq!(package.root, "<é/>".as_bytes());
        assert_eq!(package.root_charset.as_deref(), Some("utf-8"));
        assert_eq!(package.take("1@busbar").unwrap(), bytes);
    }
}

/// Near misses of the boundary cost no more than other bytes do.
#[test]
fn time_grows_with_the_body_only() {
    let begun = Instant::now();
    for filler in ["\r\n--", "\r\n--b\r\n", "\r\n", "-", "\r\n--b "] {
        let body = format!("--b\r\n\r\n{}\r\n--b--", filler.repeat(1_000_000));
        let _ = parse(&body);
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "--b", "\r\n", "\r\n--b\r\n", "\r\n\r\n", "--", "Content-ID: <x>", "Content-Length: 3", "é", "\0", " ",
            "Content-Transfer-Encoding: base64", "\r", "\n", ":", "<a/>", "b",
        ]), 0..24),
    ) {
        let body = pieces.concat();
        if let Ok(mut package) = parse(&body) {
            let _ = package.take("x");
            let _ = package.finish();
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = Package::parse(&bytes, &related(None));
        let body = [b"--b\r\n".as_slice(), &bytes, b"\r\n--b--"].concat();
        let _ = Package::parse(&body, &related(None));
    }
}
