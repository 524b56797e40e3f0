//! What operations can share, and what they can't.

use proptest::prelude::*;

use super::{Address, Conflict};
use crate::{
    examples::{self, INT, Part, TEXT, Tree, list, part, record, shape},
    operation::{Operation, Payload},
    shape::Shape,
};

fn operation(name: &str, input: Shape) -> Operation {
    Operation {
        name: name.to_owned(),
        namespace: "urn:example".to_owned(),
        documentation: None,
        input: Payload::Typed(input),
        output: Payload::Typed(shape(record(vec![]), vec![])),
    }
}

fn with(types: Vec<(&'static str, Tree)>) -> Shape {
    let parts = types.iter().map(|(name, _)| part(name, Tree::Named(name))).collect();
    shape(record(parts), types)
}

fn names(address: &Address) -> Vec<String> {
    let shapes = address.operations().iter().flat_map(Operation::shapes);
    shapes.flat_map(|(_, shape)| shape.types.iter().filter_map(|found| found.name.clone())).collect()
}

#[test]
fn the_same_type_has_one_name_and_another_one_its_own() {
    let line = || record(vec![part("sku", TEXT)]);
    let other = || record(vec![part("sku", INT)]);
    let operations = vec![
        operation("submit", with(vec![("Line", other())])),
        operation("get", with(vec![("Line", line())])),
        operation("put", with(vec![("Line", line()), ("PutX", TEXT)])),
        operation("x", with(vec![("Line", other())])),
    ];
    let address = Address::new("orders", operations.clone()).expect("an address");
    assert_eq!(names(&address), ["Line", "Line", "PutX", "SubmitLine", "SubmitLine"]);
    let reversed = Address::new("orders", operations.into_iter().rev().collect());
    assert_eq!(reversed, Ok(address));
}

#[test]
fn what_a_type_refers_to_counts_however_deep() {
    let chain = |leaf: Tree| {
        with(vec![
            ("A", record(vec![part("b", Tree::Named("B"))])),
            ("B", record(vec![part("a", Tree::Named("A")).repeated(), part("c", Tree::Named("C"))])),
            ("C", record(vec![part("d", leaf)])),
            ("D", TEXT),
        ])
    };
    let operations =
        vec![operation("a1", chain(TEXT)), operation("a2", chain(INT)), operation("a3", chain(TEXT))];
    let address = Address::new("x", operations).expect("an address");
    let expected = ["A", "B", "C", "D", "A2A", "A2B", "A2C", "D", "A", "B", "C", "D"];
    assert_eq!(names(&address), expected);
}

#[test]
fn names_that_generators_would_confuse_are_kept_apart() {
    let operations = vec![
        operation("greet", with(vec![("Greet", TEXT), ("greetResponse", INT), ("order_line", TEXT)])),
        operation("z", with(vec![("OrderLine", INT), ("GreetGreet", INT)])),
    ];
    let address = Address::new("x", operations).expect("an address");
    let expected = ["GreetGreet", "GreetgreetResponse", "order_line", "ZOrderLine", "ZGreetGreet"];
    assert_eq!(names(&address), expected);
}

#[test]
fn a_type_in_several_places_or_in_another_namespace_gets_a_name() {
    let mut looped = shape(list("item", list("item", TEXT)), vec![]);
    // Its items are itself.
    if let crate::shape::Content::List(element) = &mut looped.types[looped.root.0].content {
        element.value = looped.root;
    }
    let foreign = shape(record(vec![part("place", record(vec![part("x", INT)])).within("urn:geo")]), vec![]);
    let address =
        Address::new("x", vec![operation("a", looped), operation("b", foreign)]).expect("an address");
    assert_eq!(names(&address), ["Item", "Place"]);
}

fn conflict(operations: Vec<Operation>) -> String {
    Address::new("x", operations).expect_err("a conflict").to_string()
}

#[test]
fn contradictions_are_told() {
    let plain = || with(vec![("A", TEXT)]);
    let foreign = |part: Part| shape(record(vec![part.within("urn:geo")]), vec![]);
    assert_eq!(
        conflict(vec![operation("a", plain()), operation("a", plain())]),
        r#"two operations are named "a""#
    );
    assert_eq!(
        conflict(vec![operation("a", plain()), operation("aResponse", plain())]),
        r#"the element "aResponse" of "urn:example" would be that of operation a's reply and that of operation aResponse's request"#
    );
    assert_eq!(
        conflict(vec![operation("a", foreign(part("x", TEXT))), operation("b", foreign(part("x", INT)))]),
        r#"the element "x" of "urn:geo" is of one type in operation a's input and of another in operation b's input"#
    );
    assert_eq!(
        conflict(vec![
            operation("a", foreign(part("x", TEXT).attribute())),
            operation("b", foreign(part("x", INT).attribute()))
        ]),
        r#"the attribute "x" of "urn:geo" is of one type in operation a's input and of another in operation b's input"#
    );
    let nillable = operation("b", foreign(part("x", TEXT).nullable()));
    assert!(matches!(
        Address::new("x", vec![operation("a", foreign(part("x", TEXT))), nillable]),
        Err(Conflict::Type { .. })
    ));
    let own = shape(record(vec![part("a", TEXT).within("urn:example")]), vec![]);
    assert!(matches!(Address::new("x", vec![operation("a", own)]), Err(Conflict::Element { .. })));
    let reserved = shape(record(vec![part("a", TEXT).within("urn:busbar:fault")]), vec![]);
    assert_eq!(
        conflict(vec![operation("a", reserved)]),
        r#"the namespace "urn:busbar:fault" is not for operations and their schemas"#
    );
    assert!(matches!(Address::new("x", vec![operation("1a", plain())]), Err(Conflict::Name(_))));
    let elsewhere = Operation { namespace: "urn:other".to_owned(), ..operation("aResponse", plain()) };
    Address::new("x", vec![operation("a", plain()), elsewhere]).expect("two namespaces");
}

#[test]
fn any_name_becomes_a_name() {
    for (given, made) in [("orders", "orders"), ("soap/orders", "soap_orders"), ("1a b", "_1a_b"), ("", "_")]
    {
        assert_eq!(Address::new(given, vec![]).expect("empty").name(), made);
    }
}

proptest! {
    #[test]
    fn order_makes_no_difference(order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let all: Vec<Operation> =
            examples::golden().into_iter().map(|(name, shape)| operation(name, shape)).collect();
        let shuffled = order.iter().map(|i| all[*i].clone()).collect();
        prop_assert_eq!(Address::new("x", shuffled), Address::new("x", all));
    }
}
