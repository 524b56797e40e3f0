//! Choices, lists, lone values and roots that may be empty.

use super::shapes::{
    Types, around, assert_read, assert_refused, document, element, nillable, of_members, once, read, record,
    repeated, variant,
};
use crate::shape::{Content, Record, ScalarKind, Shape, VariantForm, Width};

#[test]
fn one_of_several_is_told_by_its_element() {
    let mut types = Types::default();
    let nothing = types.add(Content::Record(record(Vec::new())));
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let tag = ("kind".to_owned(), "card\"".to_owned());
    let card = Record { tag: Some(tag.clone()), ..record(vec![once("n", number)]) };
    let card = types.add(Content::Record(card));
    let mut maybe = variant("maybe", number, VariantForm::External("maybe".into()));
    maybe.element.nillable = true;
    let choice = types.add(Content::Choice(vec![
        variant("cash", nothing, VariantForm::Unit("Cash".into())),
        variant("cheque", number, VariantForm::External("Cheque".into())),
        variant("card", card, VariantForm::Internal { tag: tag.0, value: tag.1 }),
        maybe,
    ]));
    let shape = of_members(types, vec![once("a", choice), repeated("b", choice)]);
    assert_read(
        &shape,
        &[
            ("<a><cash/></a>", r#"{"a":"Cash"}"#),
            ("<a> <cash> </cash> </a>", r#"{"a":"Cash"}"#),
            ("<a><cheque>7</cheque></a>", r#"{"a":{"Cheque":7}}"#),
            ("<a><card/></a>", r#"{"a":{"kind":"card\""}}"#),
            ("<a><card><n>1</n></card></a>", r#"{"a":{"kind":"card\"","n":1}}"#),
            ("<a><maybe xsi:nil='1'/></a>", r#"{"a":{"maybe":null}}"#),
            ("<b><cash/></b><b><card/></b>", r#"{"b":["Cash",{"kind":"card\""}]}"#),
        ],
    );
    assert_refused(
        &shape,
        &[
            ("<a/>", "/a", "one of these elements: cash, cheque, card, maybe"),
            ("<a>cash</a>", "/a", "text"),
            ("<a><z/></a>", "/a", "\"z\""),
            ("<a><o:cash/></a>", "/a", "instead of namespace \"urn:t\""),
            ("<a><cash/><cash/></a>", "/a", "one element only"),
            ("<a><cash>x</cash></a>", "/a", "text"),
            ("<a><cash><x/></cash></a>", "/a", "empty"),
            ("<a><cash xsi:nil='1'/></a>", "/a", "null"),
            ("<a><card xsi:nil='1'/></a>", "/a", "null"),
            ("<a><cash x='1'/></a>", "/a", "attribute"),
            ("<a x='1'><cash/></a>", "/a", "attribute"),
            ("<a><cheque>x</cheque></a>", "/a/Cheque", "integer"),
            ("<b><cash/></b><b><card><n>x</n></card></b>", "/b/1/n", "integer"),
            ("<b><cash/></b><b><cheque xsi:nil='1'/></b>", "/b/1/Cheque", "null"),
        ],
    );
}

#[test]
fn lists_are_their_items() {
    let mut types = Types::default();
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let row = types.add(Content::List(nillable("item", number)));
    let rows = types.add(Content::List(element("item", row)));
    let shape = of_members(types, vec![once("a", rows), repeated("b", row)]);
    assert_read(
        &shape,
        &[
            ("<a/>", r#"{"a":[]}"#),
            ("<a><item/><item><item>1</item> <item>2</item></item></a>", r#"{"a":[[],[1,2]]}"#),
            ("<b><item>1</item><item xsi:nil='1'/></b><b/>", r#"{"b":[[1,null],[]]}"#),
        ],
    );
    assert_refused(
        &shape,
        &[
            ("<a><z/></a>", "/a", "\"z\""),
            ("<a>1</a>", "/a", "text"),
            ("<a><item/><item xsi:nil='1'/></a>", "/a/1", "null"),
            ("<a><item/><item><item>1</item><item>x</item></item></a>", "/a/1/1", "integer"),
            ("<b/><b><item/></b>", "/b/1/0", "integer"),
            ("<b/><b x='1'/>", "/b/1", "attribute"),
        ],
    );
}

fn sole(nil: bool) -> Shape {
    let mut types = Types::default();
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let value = if nil { nillable("value", number) } else { element("value", number) };
    let root = types.add(Content::Sole(value));
    types.shape(root)
}

#[test]
fn a_lone_value_has_an_element() {
    assert_read(&sole(false), &[(" <value>1</value> ", "1")]);
    assert_read(&sole(true), &[("<value>1</value>", "1"), ("<value xsi:nil='1'/>", "null"), ("", "null")]);
    assert_refused(
        &sole(false),
        &[
            ("", "", "lacks its element \"value\""),
            ("<value xsi:nil='1'/>", "", "null"),
            ("<value>1</value><value>1</value>", "", "one element only"),
            ("<z/>", "", "\"z\""),
            ("<value>x</value>", "", "integer"),
            ("1", "", "text"),
        ],
    );
}

#[test]
fn an_empty_root_is_null_where_it_may_be() {
    let mut types = Types::default();
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let members = vec![super::shapes::required(repeated("a", number))];
    let mut shape = of_members(types, members);
    assert_read(&shape, &[("", r#"{"a":[]}"#)]);
    shape.nullable = true;
    assert_read(&shape, &[("", "null"), (" <!-- --> ", "null"), ("<a>1</a>", r#"{"a":[1]}"#)]);
    assert!(read(&shape, &document(" xsi:nil='1'/>")).is_err());
    let mut sole = sole(true);
    sole.nullable = true;
    assert_eq!(read(&sole, &around("")).as_deref(), Ok("null"));
}

#[test]
fn a_root_may_be_text() {
    let mut types = Types::default();
    let root = types.scalar(ScalarKind::Text);
    assert_read(&types.shape(root), &[(" x ", r#"" x ""#), ("", r#""""#)]);
}
