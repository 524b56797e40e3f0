//! Putting whole configurations in place.

use busbar_model::{
    Soap, Timetable,
    amqp::Amqp,
    channel::{Address, Draft},
    configuration::{Document, PluginEntry, ServiceEntry},
    connection::Part,
    plugin::Grants,
    security::{Certificates, PasswordType},
    service::LimitsPatch,
};
use busbar_store::{
    Action, Applied, AuditFilter, Error, MasterKey, ObjectKind, Page, SecretWish, SecurityWish, Wanted, Wish,
    connections::Draft as Connection, secret::seal,
};
use serde_json::json;

use crate::{
    connections::connection,
    fixture::{Fixture, basic, by, draft, guarded, name, soap},
};

fn wish(definition: &str, password_hash: Option<&str>) -> SecurityWish {
    let (username, password_hash) = ("bob".to_owned(), password_hash.map(str::to_owned));
    SecurityWish { name: name(definition), credential: Wish::Basic { username, password_hash } }
}

fn key() -> MasterKey {
    MasterKey::new(&[7; seal::KEY_BYTES])
}

fn secret(of: &str, value: Option<&str>) -> SecretWish {
    SecretWish { name: name(of), description: None, value: value.map(|value| value.to_owned().into()) }
}

fn wanted() -> Wanted {
    let grants = Some(Grants {
        invoke: vec!["*".to_owned()],
        secrets: vec!["pay-key".to_owned()],
        ..Grants::default()
    });
    let limits = LimitsPatch { cpu_ms: Some(7), ..LimitsPatch::default() };
    Wanted {
        security: vec![wish("clerk", Some("hush"))],
        secrets: vec![secret("pay-key", Some("sesame"))],
        plugins: vec![PluginEntry { name: name("shop"), grants, config: json!({"colour": "red"}) }],
        services: vec![ServiceEntry { name: name("shop.buy"), plugin: name("shop"), limits }],
        channels: vec![guarded("a", "/a", "clerk"), draft("b", "/b")],
        ..Wanted::default()
    }
}

impl Fixture {
    fn apply(&self, wanted: &Wanted, prune: bool, dry_run: bool) -> Applied {
        self.odb.apply(&by(), &key(), wanted, prune, dry_run).unwrap()
    }

    /// What was done, as `create channel a`.
    pub(crate) fn put(&self, wanted: &Wanted, prune: bool) -> Vec<String> {
        let applied = self.apply(wanted, prune, false);
        assert!(applied.refusals.is_empty(), "{applied:?}");
        let edits = applied.edits.iter();
        edits.map(|edit| format!("{} {} {}", edit.action, edit.object_kind, edit.object_name)).collect()
    }

    /// Why not, as `path: reason`.
    #[track_caller]
    pub(crate) fn refused(&self, wanted: &Wanted, prune: bool) -> Vec<String> {
        let version = self.odb.head().unwrap().version;
        let applied = self.apply(wanted, prune, false);
        assert_eq!(self.odb.head().unwrap().version, version);
        applied.refusals.iter().map(|refusal| format!("{}: {}", refusal.path, refusal.error)).collect()
    }

    fn opened(&self, of: &str) -> String {
        let definitions = self.odb.definitions().unwrap();
        key().open_secret(definitions.secret(of).unwrap()).unwrap().reveal().to_owned()
    }

    fn document(&self) -> String {
        let (definitions, timetable) = self.odb.configuration().unwrap();
        Document::of(&definitions, &timetable).to_yaml()
    }
}

#[test]
fn an_empty_system_gets_everything_and_a_second_time_nothing() {
    let fixture = Fixture::new();
    let all =
        ["security clerk", "secret pay-key", "plugin shop", "service shop.buy", "channel a", "channel b"];
    assert_eq!(fixture.put(&wanted(), true), all.map(|object| format!("create {object}")));
    let (document, version) = (fixture.document(), fixture.odb.head().unwrap().version);
    assert_eq!(version, 6);
    assert_eq!(fixture.put(&wanted(), true), [""; 0]);
    assert_eq!((fixture.document(), fixture.odb.head().unwrap().version), (document, version));
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    assert!(
        entries.iter().all(|entry| entry.actor == "ada" && entry.correlation_id.as_deref() == Some("c-1"))
    );
    for hidden in ["hush", "sesame"] {
        assert!(!format!("{entries:?} {:?}", wanted()).contains(hidden));
    }
}

#[test]
fn what_is_decided_waits_for_the_deployment() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    assert_eq!(fixture.odb.plugin("shop").unwrap().active, None);
    let deployment = fixture.compiled("shop", b"v1", &["shop.buy", "shop.see"]);
    fixture.activate(&deployment.id).unwrap();
    let plugin = fixture.odb.plugin("shop").unwrap();
    assert!(plugin.active.is_some() && plugin.grants.is_some());
    assert_eq!(plugin.config, json!({"colour": "red"}));
    assert_eq!(fixture.odb.service("shop.buy").unwrap().limits.cpu_ms, Some(7));
    assert_eq!(fixture.put(&wanted(), true), [""; 0]);
}

#[test]
fn only_what_differs_is_changed() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let mut other = wanted();
    other.channels[1].timeout_ms = 5;
    other.plugins[0].config = json!({"colour": "blue"});
    other.security[0].credential = Wish::Basic { username: "eve".to_owned(), password_hash: None };
    let applied = fixture.apply(&other, false, false);
    let actions: Vec<_> = applied.edits.iter().map(|edit| (edit.action, edit.object_kind)).collect();
    let update = Action::Update;
    assert_eq!(
        actions,
        [(update, ObjectKind::Security), (update, ObjectKind::Plugin), (update, ObjectKind::Channel)]
    );
    assert_eq!(applied.edits[2].before.as_ref().unwrap()["timeout_ms"], 30_000);
    assert_eq!(applied.edits[2].after.as_ref().unwrap()["timeout_ms"], 5);
    assert_eq!(fixture.odb.head().unwrap().version, 9);
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let fixture = Fixture::new();
    let applied = fixture.apply(&wanted(), true, true);
    assert_eq!((applied.edits.len(), applied.refusals.len()), (6, 0));
    assert_eq!(fixture.odb.head().unwrap().version, 0);
    assert_eq!(fixture.odb.definitions().unwrap().channels, []);
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    assert_eq!(entries, []);
}

#[test]
fn pruning_removes_what_was_configured_but_not_what_was_deployed() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let live = fixture.compiled("live", b"v1", &["live.run"]);
    fixture.activate(&live.id).unwrap();
    let limits = LimitsPatch { queue: Some(1), ..LimitsPatch::default() };
    fixture.odb.set_service_limits(&by(), "live.run", None, limits).unwrap();
    fixture.odb.set_grants(&by(), &name("live").to_string(), None, Some(Grants::default())).unwrap();
    fixture.odb.create_security(&by(), basic("invoker")).unwrap();
    assert_eq!(fixture.put(&Wanted::default(), false), [""; 0]);
    let done = [
        "delete channel a",
        "delete channel b",
        "delete service shop.buy",
        "delete plugin shop",
        "update plugin live",
        "update service live.run",
        "delete security clerk",
        "delete secret pay-key",
    ];
    assert_eq!(fixture.put(&Wanted::default(), true), done);
    assert_eq!(fixture.put(&Wanted::default(), true), [""; 0]);
    let definitions = fixture.odb.definitions().unwrap();
    assert!(definitions.plugin("live").unwrap().active.is_some());
    assert_eq!(definitions.plugin("live").unwrap().grants, None);
    assert_eq!(definitions.securities.len(), 1);
}

#[test]
fn addresses_can_be_swapped() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let mut swapped = wanted();
    let [a, b] = &mut swapped.channels[..] else { panic!() };
    std::mem::swap(&mut a.address, &mut b.address);
    assert_eq!(fixture.put(&swapped, false), ["update channel a", "update channel b"]);
    assert_eq!(fixture.odb.definitions().unwrap().routes().conflicts, []);
}

#[test]
fn everything_that_can_not_be_is_said_and_nothing_is_done() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("z", "/z")).unwrap();
    let live = fixture.compiled("live", b"v1", &["live.run"]);
    fixture.activate(&live.id).unwrap();
    let mut wrong = wanted();
    wrong.security.push(wish("late", None));
    wrong.secrets.push(secret("late", None));
    wrong.services[0].plugin = name("none");
    wrong.services.push(ServiceEntry {
        name: name("live.run"),
        plugin: name("shop"),
        limits: LimitsPatch::default(),
    });
    wrong.channels[1] = guarded("b", "/b", "nobody");
    wrong.channels.push(draft("c", "/z"));
    wrong.channels.push(draft("d", "/a"));
    let reasons = [
        "/security/late: security definition \"late\" has no password yet, so one must be given",
        "/secrets/late: secret \"late\" has no value yet, so one must be given",
        "/services/shop.buy/plugin: plugin \"none\" does not exist",
        "/services/live.run/plugin: service \"live.run\" belongs to plugin \"live\"",
        "/channels/c/path: channel \"c\" has the address of channel \"z\": any /z",
        "/channels/d/path: channel \"d\" has the address of channel \"a\": any /a",
        "/channels/b/security: security definition \"nobody\" does not exist",
    ];
    assert_eq!(fixture.refused(&wrong, false), reasons);
    assert_eq!(fixture.odb.definitions().unwrap().channels.len(), 1);
}

#[test]
fn a_definition_that_a_channel_asks_for_is_not_pruned() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let less = Wanted { security: Vec::new(), ..wanted() };
    let reasons = fixture.refused(&less, true);
    assert_eq!(reasons, ["/security/clerk: security definition \"clerk\" is in use by channel \"a\""]);
}

#[test]
fn a_secret_that_a_grant_names_is_not_pruned() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let less = Wanted { secrets: Vec::new(), ..wanted() };
    let reasons = fixture.refused(&less, true);
    let user = "the grants of plugin \"shop\"";
    assert_eq!(reasons, [format!("/secrets/pay-key: secret \"pay-key\" is in use by {user}")]);
    assert_eq!(fixture.opened("pay-key"), "sesame");
}

#[test]
fn a_value_is_kept_or_replaced_and_the_same_is_no_change() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let with = |value: Option<&str>| Wanted { secrets: vec![secret("pay-key", value)], ..wanted() };
    for same in [None, Some("sesame")] {
        assert_eq!(fixture.put(&with(same), true), [""; 0], "{same:?}");
    }
    let mut described = with(None);
    described.secrets[0].description = Some("for the shop".to_owned());
    assert_eq!(fixture.put(&described, true), ["update secret pay-key"]);
    assert_eq!(fixture.opened("pay-key"), "sesame");
    let replaced = fixture.apply(&with(Some("barley")), true, false);
    let [edit] = &replaced.edits[..] else { panic!("{replaced:?}") };
    assert_eq!(edit.before, Some(json!({"name": "pay-key", "description": "for the shop"})));
    assert_eq!(edit.after, Some(json!({"name": "pay-key", "description": null, "value": "replaced"})));
    assert_eq!(fixture.opened("pay-key"), "barley");
}

#[test]
fn a_value_is_sealed_with_the_key_of_the_others() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let other = MasterKey::new(&[8; seal::KEY_BYTES]);
    let apply = |wanted: &Wanted| fixture.odb.apply(&by(), &other, wanted, false, false);
    for secrets in [secret("pay-key", Some("sesame")), secret("new", Some("x"))] {
        let error = apply(&Wanted { secrets: vec![secrets], ..Wanted::default() }).unwrap_err();
        assert!(matches!(error, Error::Seal(seal::Error::AnotherKey { .. })), "{error}");
    }
    let kept = Wanted { secrets: vec![secret("pay-key", None)], ..Wanted::default() };
    assert_eq!(apply(&kept).unwrap().edits, []);
}

#[test]
fn put_in_place_at_once_one_of_them_holds_whole() {
    let fixture = Fixture::new();
    fixture.put(&wanted(), false);
    let both = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|at| {
                let odb = fixture.another();
                scope.spawn(move || {
                    let mut mine = wanted();
                    mine.channels[0].timeout_ms = 100 + at;
                    mine.channels[1].timeout_ms = 100 + at;
                    odb.apply(&by(), &key(), &mine, true, false)
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(both.iter().all(|done| matches!(done, Ok(applied) if applied.refusals.is_empty())), "{both:?}");
    let channels = fixture.odb.definitions().unwrap().channels;
    assert_eq!(channels[0].timeout_ms, channels[1].timeout_ms);
}

fn token(password: Option<&str>) -> SecurityWish {
    let password = password.map(|password| password.to_owned().into());
    let credential = Wish::WsSecurity { username: "erp".to_owned(), password, accepts: PasswordType::Digest };
    SecurityWish { name: name("erp"), credential }
}

#[test]
fn a_sealed_password_is_put_kept_and_replaced() {
    let fixture = Fixture::new();
    let with = |password| Wanted {
        security: vec![token(password)],
        channels: vec![soap("soap", "/soap/a", Some("erp"), Soap::default())],
        ..Wanted::default()
    };
    let refused = fixture.refused(&with(None), false);
    assert!(
        refused[0].starts_with("/security/erp: ") && refused[0].contains("no password yet"),
        "{refused:?}"
    );
    assert_eq!(fixture.put(&with(Some("hush")), false), ["create security erp", "create channel soap"]);
    assert_eq!(fixture.put(&with(Some("hush")), false), [""; 0]);
    assert_eq!(fixture.put(&with(None), false), [""; 0]);
    assert_eq!(fixture.put(&with(Some("other")), false), ["update security erp"]);
    let definitions = fixture.odb.definitions().unwrap();
    assert_eq!(key().open_password(&definitions.securities[0]).unwrap().reveal(), "other");
    let exported = Document::of(&definitions, &Timetable::default()).to_yaml();
    assert!(exported.contains("password: ${PASSWORD_ERP}") && !exported.contains("ciphertext"), "{exported}");
}

#[test]
fn certificates_are_put_once() {
    let fixture = Fixture::new();
    let with = |subjects: &[&str]| {
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let credential = Wish::ClientCertificate(Certificates { subjects, ..Certificates::default() });
        Wanted { security: vec![SecurityWish { name: name("fleet"), credential }], ..Wanted::default() }
    };
    assert_eq!(fixture.put(&with(&["/CN=a", "/CN=b"]), false), ["create security fleet"]);
    assert_eq!(fixture.put(&with(&["/CN=b", "/CN=a"]), false), [""; 0]);
    assert_eq!(fixture.put(&with(&["/CN=b"]), false), ["update security fleet"]);
    let exported = Document::of(&fixture.odb.definitions().unwrap(), &Timetable::default()).to_yaml();
    assert!(exported.contains("kind: client-certificate\n    subjects:\n      - /CN=b\n"), "{exported}");
}

#[test]
fn who_guards_what_is_checked_at_the_end() {
    let fixture = Fixture::new();
    let basic = SecurityWish { name: name("erp"), ..wish("erp", Some("hush")) };
    let rest = Wanted {
        security: vec![basic],
        channels: vec![guarded("soap", "/soap/a", "erp")],
        ..Wanted::default()
    };
    fixture.put(&rest, false);
    let half = Wanted { security: vec![token(Some("hush"))], ..Wanted::default() };
    let refused = fixture.refused(&half, false);
    assert!(refused[0].starts_with("/channels/soap/security: "), "{refused:?}");
    let both = Wanted { channels: vec![soap("soap", "/soap/a", Some("erp"), Soap::default())], ..half };
    assert_eq!(fixture.put(&both, false), ["update security erp", "update channel soap"]);
}

#[test]
fn a_connection_is_put_kept_and_pruned() {
    let fixture = Fixture::new();
    let with = |password: Option<&str>, active| {
        let password = password.map(|password| password.to_owned().into());
        let connections = vec![Connection { active, ..connection("broker", password) }];
        let grants = Grants { connections: vec!["broker".to_owned()], ..Grants::default() };
        let plugin = PluginEntry { name: name("shop"), grants: Some(grants), config: json!({}) };
        Wanted { connections, plugins: vec![plugin], ..Wanted::default() }
    };
    let refused = fixture.refused(&with(None, true), false);
    let reason = "/connections/broker: connection \"broker\" has no password yet";
    assert!(refused[0].starts_with(reason), "{refused:?}");
    assert_eq!(
        fixture.put(&with(Some("hush"), true), false),
        ["create connection broker", "create plugin shop"]
    );
    assert_eq!(fixture.put(&with(Some("hush"), true), true), [""; 0]);
    assert_eq!(fixture.put(&with(None, false), false), ["update connection broker"]);
    assert_eq!(fixture.put(&with(Some("other"), false), false), ["update connection broker"]);
    let definitions = fixture.odb.definitions().unwrap();
    let opened = key().open_connection(&definitions.connections[0]).unwrap();
    assert_eq!(opened.secret(Part::Password).unwrap().reveal(), "other");
    let exported = Document::of(&definitions, &Timetable::default()).to_yaml();
    let variable = "password: ${CONNECTION_PASSWORD_BROKER}";
    assert!(exported.contains(variable) && !exported.contains("ciphertext"), "{exported}");
    let without = Wanted { connections: Vec::new(), ..with(None, true) };
    let refused = fixture.refused(&without, true);
    assert!(refused[0].starts_with("/connections/broker: ") && refused[0].contains("in use"), "{refused:?}");
    assert_eq!(fixture.put(&Wanted::default(), true), ["delete plugin shop", "delete connection broker"]);
}

#[test]
fn a_channel_and_its_connection_come_together_and_go_together() {
    let fixture = Fixture::new();
    let queue = |channel: &str, queue: &str| Draft {
        address: Address::Amqp(Amqp::new(name("broker"), queue.to_owned())),
        ..draft(channel, "/unused")
    };
    let refused = fixture.refused(&Wanted { channels: vec![queue("a", "q")], ..Wanted::default() }, false);
    assert_eq!(refused, ["/channels/a/amqp/connection: connection \"broker\" does not exist"]);
    let connections = vec![connection("broker", Some("hush".to_owned().into()))];
    let both = Wanted { connections, channels: vec![queue("a", "q")], ..Wanted::default() };
    assert_eq!(fixture.put(&both, true), ["create connection broker", "create channel a"]);
    assert_eq!(fixture.put(&both, true), [""; 0]);
    let twice = Wanted { channels: vec![queue("a", "q"), queue("b", "q")], ..both.clone() };
    let refused = fixture.refused(&twice, false);
    assert!(refused[0].starts_with("/channels/b/amqp/queue: "), "{refused:?}");
    let connections = vec![Connection { name: name("mq"), ..both.connections[0].clone() }];
    let elsewhere = Amqp::new(name("mq"), "q".to_owned());
    let channels = vec![Draft { address: Address::Amqp(elsewhere), ..queue("a", "q") }];
    let moved = Wanted { connections, channels, ..Wanted::default() };
    assert_eq!(
        fixture.put(&moved, true),
        ["create connection mq", "update channel a", "delete connection broker"]
    );
}
