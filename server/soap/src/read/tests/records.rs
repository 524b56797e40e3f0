//! Records, their order and their arrays.

use super::shapes::{
    Types, assert_read, assert_refused, nillable, of_members, once, read, record, repeated, required,
};
use crate::{
    read::Unreadable,
    shape::{Content, Member, Namespace, ScalarKind, Shape, Width},
};

/// `a` text, `b` numbers, `c` record of `x` (text) and `y` (texts, required), `d` texts (required), `e` of another
/// namespace.
fn shape() -> Shape {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let inner = types.add(Content::Record(record(vec![once("x", text), required(repeated("y", text))])));
    let mut other = once("e", text);
    other.element.namespace = Namespace::Other("urn:o".into());
    let members = vec![
        once("a", text),
        repeated("b", number),
        repeated("c", inner),
        required(repeated("d", text)),
        other,
    ];
    of_members(types, members)
}

#[test]
fn members_come_in_any_order() {
    assert_read(
        &shape(),
        &[
            ("", r#"{"d":[]}"#),
            ("<a>1</a>", r#"{"a":"1","d":[]}"#),
            ("<a/><d/>", r#"{"a":"","d":[""]}"#),
            (" <a>1</a>\n<b>1</b>\t<b>2</b>\r\n<d>x</d> ", r#"{"a":"1","b":[1,2],"d":["x"]}"#),
            ("<d>x</d><b>1</b><a>1</a>", r#"{"a":"1","b":[1],"d":["x"]}"#),
            ("<b>1</b><d>x</d><b>2</b><a/><d>y</d><b>3</b>", r#"{"a":"","b":[1,2,3],"d":["x","y"]}"#),
            ("<o:e>z</o:e>", r#"{"d":[],"e":"z"}"#),
            ("<o:e>z</o:e><b>1</b>", r#"{"b":[1],"d":[],"e":"z"}"#),
            ("<c><y>1</y><x>2</x><y>3</y></c>", r#"{"c":[{"x":"2","y":["1","3"]}],"d":[]}"#),
            (
                "<c><x>1</x></c><a>2</a><c/><d>5</d><c><y>3</y><x>4</x></c>",
                r#"{"a":"2","c":[{"x":"1","y":[]},{"y":[]},{"x":"4","y":["3"]}],"d":["5"]}"#,
            ),
            ("<!-- - --><a>1<!-- 2 -->3</a>", r#"{"a":"13","d":[]}"#),
        ],
    );
}

#[test]
fn what_is_not_declared_is_refused() {
    assert_refused(
        &shape(),
        &[
            ("<z/>", "", "the element \"z\", which is not known"),
            ("<o:z/>", "", "\"z\" of namespace \"urn:o\", which is not known"),
            ("<a xmlns=''/>", "", "\"a\" in no namespace instead of namespace \"urn:t\""),
            ("<o:a/>", "", "\"a\" in namespace \"urn:o\" instead of namespace \"urn:t\""),
            ("<e/>", "", "\"e\" in namespace \"urn:t\" instead of namespace \"urn:o\""),
            ("<a/><a/>", "/a", "given twice"),
            ("<a/><d/><a/>", "/a", "given twice"),
            ("x", "", "text"),
            ("<a/>x", "", "text"),
            ("<a/><![CDATA[x]]>", "", "text"),
            ("&#65;", "", "text"),
            ("<c>x</c>", "/c/0", "text"),
            ("<c/><c><x/>x</c>", "/c/1", "text"),
            ("<c/><a/><c/><b>1</b><b>2</b><c/><c><z/></c>", "/c/3", "\"z\""),
            ("<b>1</b><d/><b>2</b><b>x</b>", "/b/2", "integer"),
            ("<c/><c><y/><x/><y/><y><z/></y></c>", "/c/1/y/2", "elements"),
            ("<c><x/><y/><x/></c>", "/c/0/x", "twice"),
            ("<b xsi:nil='1'/>", "/b/0", "null"),
            ("<b>1</b><b xsi:nil='maybe'/>", "/b/1", "xsi:nil"),
            ("<a xsi:nil='true'/>", "/a", "null"),
        ],
    );
}

#[test]
fn pointers_are_escaped() {
    let mut types = Types::default();
    let number = types.scalar(ScalarKind::Integer(Width::I8));
    let member = Member { json: "a/~\"b".into(), ..once("a", number) };
    let shape = of_members(types, vec![member]);
    assert_read(&shape, &[("<a>1</a>", r#"{"a/~\"b":1}"#)]);
    assert_refused(&shape, &[("<a>x</a>", "/a~1~0\"b", "-128 to 127")]);
}

#[test]
fn null_is_nil() {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let inner = types.add(Content::Record(record(vec![once("x", text)])));
    let nullable = |member: Member, element| Member { element, nullable: true, ..required(member) };
    let members = vec![
        nullable(once("a", text), nillable("a", text)),
        nullable(repeated("b", text), nillable("b", text)),
        Member { element: nillable("c", inner), ..repeated("c", inner) },
        once("d", text),
    ];
    let shape = of_members(types, members);
    assert_read(
        &shape,
        &[
            ("<a xsi:nil='true'/>", r#"{"a":null,"b":[]}"#),
            ("<a xsi:nil=' 1 '> <!-- x --> </a>", r#"{"a":null,"b":[]}"#),
            ("<a xsi:nil='false'>x</a>", r#"{"a":"x","b":[]}"#),
            ("<a xsi:nil='0'/>", r#"{"a":"","b":[]}"#),
            ("<b xsi:nil='true'/>", r#"{"b":null}"#),
            ("<d>1</d><b xsi:nil='true'/>", r#"{"b":null,"d":"1"}"#),
            ("<c xsi:nil='1'/><c/><d/><c xsi:nil='1'/>", r#"{"b":[],"c":[null,{},null],"d":""}"#),
        ],
    );
    assert_refused(
        &shape,
        &[
            ("<a xsi:nil='true'>x</a>", "/a", "content"),
            ("<a xsi:nil='true'><x/></a>", "/a", "content"),
            ("<a xsi:nil='true' x='1'/>", "/a", "attribute \"x\""),
            ("<a xsi:nil='yes'/>", "/a", "neither true nor false"),
            ("<b xsi:nil='true'/><b/>", "/b", "other elements"),
            ("<b/><b xsi:nil='true'/>", "/b", "other elements"),
            ("<b xsi:nil='true'/><d/><b xsi:nil='true'/>", "/b", "other elements"),
            ("<c/><c xsi:nil='1'><x/></c>", "/c/1", "content"),
        ],
    );
}

#[test]
fn broken_xml_is_malformed() {
    for content in ["<a>&x;</a>", "<a></b>", "<c><x></c>", "<?x?>", "<p:a/>"] {
        let read = read(&shape(), &super::shapes::around(content));
        assert!(matches!(read, Err(Unreadable::Malformed(_))), "{content}: {read:?}");
    }
}

#[test]
fn records_may_have_a_thousand_members() {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let members: Vec<_> = (0..1000)
        .map(|at| match at % 100 {
            7 => required(repeated(&format!("m{at}"), text)),
            _ => once(&format!("m{at}"), text),
        })
        .collect();
    let shape = of_members(types, members);
    let backwards: String = (0..1000).rev().map(|at| format!("<m{at}>{at}</m{at}>")).collect();
    let json = |at: usize| match at % 100 {
        7 => format!("\"m{at}\":[\"{at}\"]"),
        _ => format!("\"m{at}\":\"{at}\""),
    };
    let expected = format!("{{{}}}", (0..1000).map(json).collect::<Vec<_>>().join(","));
    assert_read(&shape, &[(backwards.as_str(), expected.as_str())]);
    assert_refused(
        &shape,
        &[
            ("<m999/><m500/><m0/><m500/>", "/m500", "twice"),
            ("<m0/><m107/><m3/><m107><z/></m107>", "/m107/1", "elements"),
        ],
    );
    let few = "<m950/><m7/>";
    let arrays: Vec<_> =
        (0..10).map(|at| format!("\"m{}\":[{}]", at * 100 + 7, if at == 0 { "\"\"" } else { "" })).collect();
    let expected = format!("{{{},\"m950\":\"\"}}", arrays.join(","));
    // m907 is the last array, so m950 comes behind all of them.
    assert_read(&shape, &[(few, expected.as_str())]);
}
