//! Documents that are made to hurt: nothing panics, and time grows as the document does.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::shapes::{
    Types, around, assert_refusal, attribute, nillable, of_members, once, read, record, repeated, required,
    variant,
};
use crate::{
    read::Unreadable,
    shape::{Content, Member, Record, ScalarKind, Shape, TypeId, VariantForm, Width},
};

fn interleaved(items: usize) -> (Shape, String) {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let row = types.add(Content::Record(record(vec![once("x", text)])));
    let nullable = Member { nullable: true, ..required(repeated("c", text)) };
    let shape = of_members(types, vec![repeated("a", text), repeated("b", row), nullable]);
    let filling = "x".repeat(80);
    let three = format!("<c>{filling}</c><b><x>1</x></b><a>2</a>");
    (shape, around(&three.repeat(items / 3)))
}

fn fastest(times: usize, mut run: impl FnMut()) -> Duration {
    let timed = (0..times).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    timed.min().unwrap_or_default()
}

#[test]
fn interleaved_arrays_take_linear_time() {
    let (shape, small) = interleaved(25_000);
    let (_, large) = interleaved(100_000);
    let json = read(&shape, &large).unwrap();
    assert_eq!(json.matches(r#"{"x":"1"}"#).count(), 33_333);
    let of_small = fastest(3, || drop(read(&shape, &small)));
    let of_large = fastest(3, || drop(read(&shape, &large)));
    // Four times as much; were it quadratic, it would take sixteen times as long.
    assert!(of_large < of_small * 10, "{of_small:?} {of_large:?}");
}

/// A record that holds itself again and again.
fn recursive() -> Shape {
    let mut types = Types::default();
    let root = types.add(Content::Record(record(vec![repeated("a", TypeId(0)), once("b", TypeId(0))])));
    types.shape(root)
}

#[test]
fn json_is_never_deeper_than_it_can_be_read() {
    // The operation's element is an object, and each <a> an array with an object.
    let nested = |depth: usize| around(&("<a>".repeat(depth) + &"</a>".repeat(depth)));
    assert!(read(&recursive(), &nested(63)).is_ok());
    let path = "/a/0".repeat(63) + "/a";
    assert_refusal(read(&recursive(), &nested(64)), "nested", &path, "deeper than 127");
    let plain = around(&("<b>".repeat(99) + &"</b>".repeat(99)));
    assert!(read(&recursive(), &plain).is_ok());
}

/// All that a shape can have, with names of one letter.
fn everything() -> Shape {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let number = types.scalar(ScalarKind::Integer(Width::U8));
    let double = types.scalar(ScalarKind::Double);
    let binary = types.scalar(ScalarKind::Binary);
    let colour = types.one_of(ScalarKind::Text, &["x", "1"]);
    let list = types.add(Content::List(nillable("a", double)));
    let sole = types.add(Content::Sole(nillable("a", binary)));
    let root = TypeId(types.0.len() + 2);
    let tag = ("kind".to_owned(), "z".to_owned());
    let tagged =
        types.add(Content::Record(Record { tag: Some(tag.clone()), ..record(vec![once("a", number)]) }));
    let choice = types.add(Content::Choice(vec![
        variant("a", list, VariantForm::External("A".into())),
        variant("b", tagged, VariantForm::Internal { tag: tag.0, value: tag.1 }),
        variant("c", root, VariantForm::External("C".into())),
    ]));
    let nullable = |member: Member| Member { nullable: true, ..member };
    let mut members = vec![
        once("a", text),
        required(repeated("b", root)),
        repeated("c", choice),
        once("d", sole),
        nullable(required(repeated("e", double))),
        repeated("f", colour),
    ];
    members[2].element = nillable("c", choice);
    let root = Record { attributes: vec![attribute("a", number), attribute("b", text)], ..record(members) };
    let root = types.add(Content::Record(root));
    types.shape(root)
}

/// Elements that are mostly of the right names, whatever is in them.
fn content() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![Just(String::new()), "[ x1.&;<\"]{0,4}", Just("1".to_owned()), Just("AAAA".to_owned())];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let attributes =
            prop_oneof![6 => Just(""), 1 => Just(" a='1'"), 1 => Just(" b='x'"), 1 => Just(" xsi:nil='1'")];
        let one = ("[a-f]", attributes, inner)
            .prop_map(|(name, attributes, inner)| format!("<{name}{attributes}>{inner}</{name}>"));
        proptest::collection::vec(one, 0..6).prop_map(|all| all.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// `read` itself looks whether it is JSON.
    #[test]
    fn whatever_is_read_is_json(content in content()) {
        let _ = read(&everything(), &around(&content));
    }

    #[test]
    fn nothing_breaks_it(content in "[<>/a-f='\"&;! x1]{0,40}") {
        let _ = read(&everything(), &around(&content));
    }
}

/// Each `<i/>` stands for an object with many empty arrays.
#[test]
fn short_xml_does_not_become_long_json() {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let names: Vec<String> = (0..50).map(|at| format!("{at:x>60}")).collect();
    let arrays = names.iter().map(|name| required(repeated(name, text))).collect();
    let item = types.add(Content::Record(record(arrays)));
    let shape = of_members(types, vec![repeated("i", item)]);
    let few = read(&shape, &around(&"<i/>".repeat(10))).unwrap();
    assert!(few.len() > 10 * 50 * 60);
    let outcome = read(&shape, &around(&"<i/>".repeat(100_000)));
    assert!(matches!(&outcome, Err(Unreadable::Invalid(errors)) if errors[0].message.contains("far longer")));
}
