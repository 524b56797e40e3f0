//! Channels.

use std::thread;

use busbar_model::{
    Channel, Cors, Soap,
    amqp::{Amqp, Failed},
    channel::{Address, Draft, Protocol, Rest},
    path::PathPattern,
};
use busbar_store::{AuditFilter, Error, Page, channel::Filter};

use crate::{
    connections::{self, connection},
    fixture::{self, Fixture, basic, by, draft, guarded, name},
};

#[test]
fn a_channel_reads_as_it_was_written() {
    let fixture = Fixture::new();
    fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let rest = Rest {
        methods: vec!["GET".to_owned(), "POST".to_owned()],
        security: Some(name("guard")),
        ..Rest::new(PathPattern::parse("/a/{p}").unwrap())
    };
    let wanted = Draft { address: Address::Rest(rest), body_bytes_max: 7, ..draft("a", "/a/{p}") };
    let made = fixture.odb.create_channel(&by(), wanted).unwrap();
    assert_eq!(made.revision, 1);
    assert_eq!(fixture.odb.channel(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.definitions().unwrap().channels, [made]);
}

#[test]
fn names_addresses_and_securities_are_checked() {
    let fixture = Fixture::new();
    let first = fixture.odb.create_channel(&by(), draft("a", "/a/{p}")).unwrap();
    let error = fixture.odb.create_channel(&by(), draft("a", "/b")).unwrap_err();
    assert!(matches!(error, Error::NameTaken { .. }), "{error}");
    let error = fixture.odb.create_channel(&by(), draft("b", "/a/{q}")).unwrap_err();
    assert!(matches!(&error, Error::AddressTaken(taken) if taken.other == first.name), "{error}");
    let error = fixture.odb.create_channel(&by(), guarded("b", "/b", "nobody")).unwrap_err();
    assert!(matches!(error, Error::UnknownSecurity { .. }), "{error}");
    assert_eq!(fixture.odb.head().unwrap().version, 1);

    let mut idle = draft("b", "/a/{q}");
    idle.active = false;
    let second = fixture.odb.create_channel(&by(), idle).unwrap();
    let wake = |draft: Draft| Ok::<_, Error>(Draft { active: true, ..draft });
    let error = fixture.odb.update_channel(&by(), &second.id, None, wake).unwrap_err();
    assert!(matches!(error, Error::AddressTaken(_)), "{error}");
}

#[test]
fn an_edit_of_another_revision_is_refused() {
    let fixture = Fixture::new();
    let channel = fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let slower = |draft: Draft| Ok::<_, Error>(Draft { timeout_ms: draft.timeout_ms + 1, ..draft });
    let updated = fixture.odb.update_channel(&by(), &channel.id, Some(1), slower).unwrap();
    assert_eq!(updated.revision, 2);
    for error in [
        fixture.odb.update_channel(&by(), &channel.id, Some(1), slower).unwrap_err(),
        fixture.odb.delete_channel(&by(), &channel.id, Some(1)).unwrap_err(),
    ] {
        assert!(matches!(error, Error::RevisionMismatch { current: 2 }), "{error}");
    }
    fixture.odb.delete_channel(&by(), &channel.id, Some(2)).unwrap();
    assert!(matches!(fixture.odb.channel(&channel.id), Err(Error::NotFound { .. })));
}

#[test]
fn no_concurrent_edit_is_lost() {
    let fixture = Fixture::new();
    let channel = fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let handles = [fixture.odb.clone(), fixture.another(), fixture.another()];
    thread::scope(|scope| {
        for odb in &handles {
            scope.spawn(|| {
                for _ in 0..10 {
                    let slower =
                        |draft: Draft| Ok::<_, Error>(Draft { timeout_ms: draft.timeout_ms + 1, ..draft });
                    odb.update_channel(&by(), &channel.id, None, slower).unwrap();
                }
            });
        }
    });
    assert_eq!(fixture.odb.channel(&channel.id).unwrap().timeout_ms, channel.timeout_ms + 30);
}

#[test]
fn a_refused_edit_gives_the_callers_own_error() {
    #[derive(Debug)]
    enum Refusal {
        Mine,
        Store,
    }
    impl From<Error> for Refusal {
        fn from(_: Error) -> Self {
            Self::Store
        }
    }
    let fixture = Fixture::new();
    let channel = fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let refused = fixture.odb.update_channel(&by(), &channel.id, None, |_| Err(Refusal::Mine));
    assert!(matches!(refused, Err(Refusal::Mine)));
    let refused = fixture.odb.update_channel(&by(), "nobody", None, |_| Err(Refusal::Mine));
    assert!(matches!(refused, Err(Refusal::Store)));
    assert_eq!(fixture.odb.channel(&channel.id).unwrap(), channel);
}

#[test]
fn lists_are_filtered_by_field() {
    let fixture = Fixture::new();
    fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let guarded = Draft { active: false, ..guarded("a", "/a", "guard") };
    fixture.odb.create_channel(&by(), guarded).unwrap();
    fixture.odb.create_channel(&by(), draft("b", "/b")).unwrap();
    let found = |filter: Filter| -> Vec<String> {
        let page = fixture.odb.channels(&Page::first(10), &filter).unwrap();
        page.items.iter().map(|channel| channel.name.to_string()).collect()
    };
    assert_eq!(found(Filter::default()), ["b", "a"]);
    assert_eq!(found(Filter { active: Some(true), ..Filter::default() }), ["b"]);
    assert_eq!(found(Filter { security: Some("guard".into()), ..Filter::default() }), ["a"]);
    assert_eq!(found(Filter { path: Some("/b".into()), ..Filter::default() }), ["b"]);
    assert_eq!(found(Filter { service: Some("other".into()), ..Filter::default() }), [""; 0]);
    assert_eq!(
        found(Filter { name: Some("a".into()), protocol: Some("rest".into()), ..Filter::default() }),
        ["a"]
    );
}

#[test]
fn what_pages_of_other_origins_may_do_is_kept_and_taken_back() {
    let fixture = Fixture::new();
    let cors = Cors { origins: vec!["https://app.example".to_owned()], max_age_s: 5, ..Cors::default() };
    let with = |cors: Option<Cors>| {
        let rest = Rest { cors, ..Rest::new(PathPattern::parse("/a").unwrap()) };
        Draft { address: Address::Rest(rest), ..draft("a", "/a") }
    };
    let of = |channel: &Channel| channel.address.rest().unwrap().cors.clone();
    let made = fixture.odb.create_channel(&by(), with(Some(cors.clone()))).unwrap();
    assert_eq!(of(&made), Some(cors.clone()));
    assert_eq!(fixture.odb.definitions().unwrap().channels, std::slice::from_ref(&made));
    let same = fixture.odb.update_channel(&by(), &made.id, None, Ok::<_, Error>).unwrap();
    assert_eq!(same.revision, 1);
    let other = Cors { credentials: true, ..cors };
    let put = |cors: Option<Cors>| {
        let draft = with(cors);
        move |_| Ok::<_, Error>(draft.clone())
    };
    let changed = fixture.odb.update_channel(&by(), &made.id, None, put(Some(other.clone()))).unwrap();
    assert_eq!((changed.revision, of(&fixture.odb.channel(&made.id).unwrap())), (2, Some(other.clone())));
    fixture.odb.update_channel(&by(), &made.id, None, put(None)).unwrap();
    assert_eq!(of(&fixture.odb.channel(&made.id).unwrap()), None);
    // It goes with its channel.
    fixture.odb.update_channel(&by(), &made.id, None, put(Some(other))).unwrap();
    fixture.odb.delete_channel(&by(), &made.id, None).unwrap();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    assert_eq!(of(&fixture.odb.definitions().unwrap().channels[0]), None);
}

fn soap(channel: &str, path: &str, operation: &str) -> Draft {
    let soap = Soap { operation: Some(operation.to_owned()), ..Soap::default() };
    fixture::soap(channel, path, None, soap)
}

#[test]
fn what_only_soap_channels_have_is_kept_and_taken_back() {
    let fixture = Fixture::new();
    let made = fixture.odb.create_channel(&by(), soap("a", "/soap/orders", "submit")).unwrap();
    fixture.odb.create_channel(&by(), draft("b", "/b")).unwrap();
    assert_eq!((made.protocol(), made.operation()), (Protocol::Soap, Some("submit")));
    assert_eq!(fixture.odb.channel(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.definitions().unwrap().channels[0], made);
    let filter = Filter { protocol: Some("soap".to_owned()), ..Filter::default() };
    assert_eq!(fixture.odb.channels(&Page::first(10), &filter).unwrap().items, std::slice::from_ref(&made));
    let plain = |_| Ok::<_, Error>(fixture::soap("a", "/soap/orders", None, Soap::default()));
    let changed = fixture.odb.update_channel(&by(), &made.id, None, plain).unwrap();
    let kept = fixture.odb.channel(&made.id).unwrap();
    assert_eq!((changed.revision, kept.operation()), (2, Some("some-service")));
    let audit = fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap();
    assert_eq!(audit.items[0].before.as_ref().unwrap()["soap"]["operation"], "submit");
}

#[test]
fn soap_channels_share_an_address_by_their_operations() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), soap("a", "/soap/orders", "submit")).unwrap();
    fixture.odb.create_channel(&by(), soap("b", "/soap/orders", "get")).unwrap();
    for other in [soap("c", "/soap/orders", "get"), draft("c", "/soap/orders")] {
        let error = fixture.odb.create_channel(&by(), other).unwrap_err();
        assert!(matches!(error, Error::AddressTaken(_)), "{error}");
    }
}

#[test]
fn an_amqp_channel_follows_its_connection() {
    let fixture = Fixture::new();
    let amqp = Amqp { failed: Failed::DeadLetter, ..Amqp::new(name("broker"), "orders".to_owned()) };
    let queue = Draft { address: Address::Amqp(amqp.clone()), ..draft("a", "/unused") };
    let error = fixture.odb.create_channel(&by(), queue.clone()).unwrap_err();
    assert!(matches!(error, Error::UnknownConnection { .. }), "{error}");
    let broker = connections::create(&fixture, &connection("broker", Some("hush".to_owned().into())));
    let made = fixture.odb.create_channel(&by(), queue.clone()).unwrap();
    assert_eq!((made.protocol(), made.address.amqp()), (Protocol::Amqp, Some(&amqp)));
    assert_eq!(fixture.odb.channel(&made.id).unwrap(), made);
    fixture.odb.create_channel(&by(), draft("b", "/b")).unwrap();
    assert_eq!(fixture.odb.definitions().unwrap().channels[0], made);
    let error = fixture.odb.create_channel(&by(), Draft { name: name("c"), ..queue }).unwrap_err();
    assert!(matches!(&error, Error::AddressTaken(taken) if taken.member == "amqp/queue"), "{error}");
    let of = |connection: &str| {
        let filter = Filter { connection: Some(connection.to_owned()), ..Filter::default() };
        fixture.odb.channels(&Page::first(10), &filter).unwrap().items
    };
    assert_eq!(of("broker"), std::slice::from_ref(&made));
    let error = fixture.odb.delete_connection(&by(), &broker.id, None).unwrap_err();
    assert!(matches!(&error, Error::InUse { users, .. } if *users == [r#"channel "a""#]), "{error}");
    connections::update(&fixture, &broker.id, &connection("mq", None)).unwrap();
    assert_eq!((of("broker").len(), of("mq")[0].address.amqp().unwrap().connection.as_str()), (0, "mq"));
    fixture.odb.delete_channel(&by(), &made.id, None).unwrap();
    fixture.odb.delete_connection(&by(), &broker.id, None).unwrap();
}
