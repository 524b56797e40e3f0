//! What is read, and what is refused.

use busbar_model::bounds::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};

use super::{Event, Reader};

/// Names with namespaces, texts and ends, on one line.
fn told(text: &str) -> Result<String, String> {
    let mut reader = Reader::new(text).map_err(|error| error.to_string())?;
    let mut told = String::new();
    loop {
        match reader.next().map_err(|error| error.to_string())? {
            Event::Start => {
                told += &format!("<{{{}}}{}", reader.namespace(), reader.local());
                for attribute in reader.attributes() {
                    let namespace = reader.namespace_of(attribute);
                    told += &format!(" {{{namespace}}}{}={:?}", attribute.local, attribute.value);
                }
                told += ">";
            }
            Event::End => told += "</>",
            Event::Text(text) => told += &text,
            Event::Eof => return Ok(told),
        }
    }
}

#[test]
fn names_are_resolved() {
    let text = r#"<?xml version="1.0"?>
        <a xmlns="u" xmlns:p="v"><p:b x="1" p:x="2"/><c xmlns=""><d/></c><e/></a> "#;
    let expected = r#"<{u}a><{v}b {}x="1" {v}x="2"></><{}c><{}d></></><{u}e></></>"#;
    assert_eq!(told(text).unwrap(), expected);
}

#[test]
fn text_is_whole_and_comments_are_not() {
    let text = "<a>x<!-- no -->y<![CDATA[<&>\r\n]]>&#65;&lt;&amp;\r\nz</a>";
    assert_eq!(told(text).unwrap(), "<{}a>xy<&>\nA<&\nz</>");
    let mut reader = Reader::new(text).unwrap();
    assert_eq!(reader.next().unwrap(), Event::Start);
    assert_eq!(reader.content().unwrap().unwrap(), "xy<&>\nA<&\nz");
}

#[test]
fn attributes_are_normalised() {
    assert_eq!(told("<a b='&#10;&lt;\t\"'/>").unwrap(), "<{}a {}b=\"\\n< \\\"\"></>");
}

#[test]
fn spans_are_those_of_the_document() {
    let text = "<a>\n<b x='1'>é</b></a>";
    let mut reader = Reader::new(text).unwrap();
    reader.next().unwrap();
    reader.next().unwrap();
    reader.next().unwrap();
    let from = reader.span().start;
    assert_eq!(&text[reader.span()], "<b x='1'>");
    reader.skip().unwrap();
    assert_eq!(&text[from..reader.span().end], "<b x='1'>é</b>");
}

#[test]
fn a_byte_order_mark_is_not_counted() {
    assert_eq!(told("\u{FEFF}<a>x</a>").unwrap(), "<{}a>x</>");
    let mut reader = Reader::new("\u{FEFF}<a>x</a>").unwrap();
    reader.next().unwrap();
    assert_eq!(&reader.text()[reader.span()], "<a>");
}

#[test]
fn a_declaration_may_stand_behind_its_use() {
    let expected = r#"<{u}a {u}b="1" {}c="2" {http://www.w3.org/XML/1998/namespace}lang="de"></>"#;
    assert_eq!(told("<p:a p:b='1' c='2' xml:lang='de' xmlns:p='u' xmlns='v'/>").unwrap(), expected);
}

#[test]
fn what_is_inherited_is_not_what_is_declared_anew() {
    let mut reader =
        Reader::new("<a xmlns='u' xmlns:p='v' xmlns:q='w'><b xmlns='' xmlns:q='x'/></a>").unwrap();
    reader.next().unwrap();
    reader.next().unwrap();
    assert_eq!(reader.inherited().collect::<Vec<_>>(), [("p", "v")]);
}

#[test]
fn what_soap_forbids_is_refused() {
    let deep = "<a>".repeat(XML_DEPTH_MAX + 1);
    let many: String = (0..=XML_ATTRIBUTES_MAX).map(|at| format!(" a{at}='1'")).collect();
    let cases = [
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE"),
        ("<a><?x y?></a>", "processing instruction"),
        ("<?x y?><a/>", "processing instruction"),
        ("<a>&x;</a>", "entity"),
        ("<a>&#0;</a>", "not permitted"),
        ("<a>&#1;</a>", "forbids"),
        ("<a>\u{1}</a>", "forbids"),
        ("<a b='&#2;'/>", "forbids"),
        ("<a>", "ends within"),
        ("<a></b>", "expected `</a>`"),
        ("<a/><b/>", "second element"),
        ("<a/>x", "outside"),
        ("x<a/>", "outside"),
        ("&lt;<a/>", "outside"),
        ("", "no element"),
        ("<a", "not closed"),
        ("<p:a/>", "not declared"),
        ("<a p:b='1'/>", "not declared"),
        ("<a b='1' b='2'/>", "twice"),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "twice"),
        ("<a b=1/>", "enclosed"),
        ("<a b='<'/>", "\"<\""),
        ("<a>]]></a>", "\"]]>\""),
        ("<1a/>", "name"),
        ("<a:b:c/>", "name"),
        ("<a xmlns:xml='u'/>", "prefix xml"),
        ("<a xmlns:p=''/>", "no namespace"),
        ("<a xmlns:p='u' xmlns:p='v'/>", "declared twice"),
        ("<a xmlns='u' xmlns='u'/>", "declared twice"),
        ("<a b='1'c='2'/>", "white space"),
        ("\u{FEFF}\u{FEFF}<a/>", "outside"),
        ("<a><?xml version='1.0'?></a>", "not first"),
        (" <?xml version='1.0'?><a/>", "not first"),
        (deep.as_str(), "deeper"),
    ];
    for (text, expected) in cases {
        let told = told(text).expect_err(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
    assert!(told(&format!("<a{many}/>")).unwrap_err().contains("attributes"));
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(text in "[<>/a-c:='\"&;#!?\\[\\]\\-x0 ]{0,60}") {
        let _ = told(&text);
    }
}

/// Attributes that differ in nothing but long namespaces are told apart at the cost of their own length.
#[test]
fn long_namespaces_are_compared_once() {
    let uri = |at: usize| format!("{}{at:02}", "u".repeat(4_000));
    let declared: String = (0..32).map(|at| format!(" xmlns:p{at}='{}'", uri(at))).collect();
    let attributes: String = (0..32).map(|at| format!(" p{at}:x=''")).collect();
    let element = format!("<x{attributes}/>");
    let text = format!("<a{declared}>{}</a>", element.repeat(20_000));
    let started = std::time::Instant::now();
    let mut reader = Reader::new(&text).unwrap();
    while reader.next().unwrap() != Event::Eof {}
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    let same = format!("<a xmlns:p='{0}' xmlns:q='{0}' p:x='' q:x=''/>", uri(1));
    assert!(told(&same).unwrap_err().contains("twice"));
    assert!(told(&format!("<a xmlns='{}'/>", "u".repeat(5_000))).unwrap_err().contains("too long"));
}
