//! What callers count on, and deployments that go against it.

use busbar_model::{Name, deployment::Source};
use busbar_store::{NewDeployment, Promise, Received};

use crate::fixture::{Fixture, NOW, by, description, draft, new_deployment};

fn services(promise: Option<Promise>) -> Option<Vec<Name>> {
    promise.map(|promise| promise.description.services.into_iter().map(|service| service.name).collect())
}

fn promised(fixture: &Fixture, id: &str) -> Option<Vec<Name>> {
    services(fixture.odb.promise(id).unwrap())
}

#[test]
fn a_version_is_measured_by_the_one_before_it() {
    let fixture = Fixture::new();
    let first = fixture.receive("shop", b"1");
    assert_eq!(promised(&fixture, &first.id), None, "it is not described");
    fixture.odb.described(&first.id, &description("shop", &["shop.a"]), NOW).unwrap();
    assert_eq!(promised(&fixture, &first.id), None, "nothing was there before");
    fixture.odb.compiled_on(&first.id, "here", NOW).unwrap();
    fixture.activate(&first.id).unwrap();
    let [second, third] =
        [&b"2"[..], b"3"].map(|bytes| fixture.compiled("shop", bytes, &["shop.a", "shop.b"]));
    assert_eq!(promised(&fixture, &second.id), Some(vec!["shop.a".parse().unwrap()]));
    fixture.activate(&third.id).unwrap();
    assert_eq!(promised(&fixture, &second.id), None, "it was overtaken");
    let fourth = fixture.compiled("shop", b"4", &["shop.a"]);
    assert_eq!(promised(&fixture, &fourth.id).unwrap().len(), 2);
    fixture.odb.recall(&by(), &"shop".parse().unwrap()).unwrap();
    assert_eq!(
        promised(&fixture, &fourth.id).unwrap().len(),
        2,
        "what was recalled was promised all the same"
    );
}

#[test]
fn channels_to_its_services_come_with_a_promise() {
    let fixture = Fixture::new();
    fixture.deploy("some-service", b"1");
    fixture.odb.create_channel(&by(), draft("one", "/one")).unwrap();
    let other = busbar_model::channel::Draft { service: "other".parse().unwrap(), ..draft("two", "/two") };
    fixture.odb.create_channel(&by(), other).unwrap();
    let next = fixture.compiled("some-service", b"2", &["some-service"]);
    let channels = fixture.odb.promise(&next.id).unwrap().unwrap().channels;
    assert_eq!(channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["one"]);
}

#[test]
fn a_deployment_knows_that_it_was_forced() {
    let fixture = Fixture::new();
    let forced = NewDeployment { forced: true, ..new_deployment("a", b"1") };
    let Received::New(forced) = fixture.odb.receive(&by(), forced).unwrap() else { panic!() };
    let plain = fixture.receive("b", b"2");
    assert_eq!((forced.forced, plain.forced, plain.source), (true, false, Source::Api));
    let pending = fixture.odb.pending_deployments().unwrap();
    assert_eq!(pending.iter().map(|deployment| deployment.forced).collect::<Vec<_>>(), [true, false]);
    assert!(fixture.odb.deployment(&forced.id).unwrap().forced);
}
