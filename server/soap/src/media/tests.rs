//! Content types that are ours, and those that are not.

use super::{ContentType, Kind, Related, quoted};
use crate::{
    refusal::{Cause, Refusal},
    version::Version,
};

fn parse(header: &str) -> Result<ContentType, Refusal> {
    ContentType::parse(Some(header))
}

#[test]
fn one_part_is_told_by_its_media_type() {
    let cases = [
        ("text/xml", Kind::Xml11, None, None),
        ("text/xml; charset=utf-8", Kind::Xml11, Some("utf-8"), None),
        ("Text/XML;Charset=\"UTF-8\"", Kind::Xml11, Some("UTF-8"), None),
        ("application/xml ; charset = latin1 ;", Kind::Xml11, Some("latin1"), None),
        ("text/xml; charset=utf-8; charset=\"utf-8\"", Kind::Xml11, Some("utf-8"), None),
        (
            "application/soap+xml; action=\"urn:a;b\"; charset=utf-8",
            Kind::Xml12,
            Some("utf-8"),
            Some("urn:a;b"),
        ),
        ("application/soap+xml;action=greet", Kind::Xml12, None, Some("greet")),
        ("application/soap+xml; action=\"a\\\"b\\\\\"", Kind::Xml12, None, Some("a\"b\\")),
        ("application/soap+xml; action=\"\"", Kind::Xml12, None, Some("")),
    ];
    for (header, kind, charset, action) in cases {
        let expected =
            ContentType { kind, charset: charset.map(str::to_owned), action: action.map(str::to_owned) };
        assert_eq!(parse(header).unwrap(), expected, "{header}");
    }
}

#[test]
fn a_package_is_told_by_its_type() {
    let header = "multipart/related; type=\"application/xop+xml\"; start=\"<root@x>\"; \
        start-info=\"application/soap+xml; action=\\\"greet\\\"\"; boundary=\"b 1\"";
    let found = parse(header).unwrap();
    let related = Related {
        boundary: "b 1".to_owned(),
        start: Some("root@x".to_owned()),
        start_info: Some("application/soap+xml; action=\"greet\"".to_owned()),
    };
    assert_eq!(found.kind, Kind::Mtom(related));
    assert_eq!((found.version(), found.action.as_deref()), (Some(Version::V12), Some("greet")));

    let bare = "Multipart/Related;boundary=b;type=application/xop+xml;start=<r>;start-info=text/xml";
    let found = parse(bare).unwrap();
    let Kind::Mtom(related) = &found.kind else { panic!("{found:?}") };
    assert_eq!(related.start.as_deref(), Some("r"));
    assert_eq!(found.version(), Some(Version::V11));

    let found = parse("multipart/related; boundary=b; type=\"application/xop+xml\"; action=\"x\"").unwrap();
    assert_eq!((found.version(), found.action.as_deref()), (None, Some("x")));
}

#[test]
fn others_are_refused() {
    let long = format!("multipart/related; type=\"application/xop+xml\"; boundary={}", "b".repeat(71));
    let many: String = (0..40).map(|at| format!(";p{at}=1")).collect();
    let many = format!("text/xml{many}");
    let cases = [
        "",
        "text/plain",
        "application/json",
        "text/xmlx",
        "multipart/related",
        "multipart/related; boundary=b",
        "multipart/related; type=\"text/xml\"; boundary=b",
        "multipart/related; type=\"application/xop+xml\"",
        "multipart/related; type=\"application/xop+xml\"; boundary=\"\"",
        "multipart/related; type=\"application/xop+xml\"; boundary=\"é\"",
        "multipart/form-data; boundary=b",
        "text/xml; charset",
        "text/xml; charset=\"utf-8",
        "text/xml; charset=\"utf-8\"x",
        "text/xml; charset=utf-8; charset=latin1",
        "text/xml; =x",
        "text/xml; a b=x",
        &long,
        &many,
    ];
    for header in cases {
        assert_eq!(parse(header).expect_err(header).cause, Cause::MediaType, "{header}");
    }
    assert_eq!(ContentType::parse(None).unwrap_err().cause, Cause::MediaType);
}

proptest::proptest! {
    #[test]
    fn what_is_quoted_is_read_again(action in "[ -~é]{0,40}") {
        let header = format!("application/soap+xml; action={}", quoted(&action));
        proptest::prop_assert_eq!(parse(&header).unwrap().action, Some(action));
    }

    #[test]
    fn nothing_breaks_it(header in "(text/xml|multipart/related|application/soap\\+xml)?[;=\"\\\\<> a-é]{0,40}") {
        let _ = parse(&header);
    }
}
