//! Documents as wholes.

use busbar_schedule::Schedule;
use serde_json::json;

use super::{Document, Hidden, Mistake, Wish, yaml};
use crate::{
    Calendar, Cors, Definitions, Job, Soap, Timestamp, Timetable, calendar,
    channel::{Channel, Draft, Protocol},
    job::{self, Progress, Tally},
    path::PathPattern,
    plugin::{Grants, Plugin},
    secret::{NONCE_BYTES, Sealed, Secret},
    security::{Credential, INVOKER, PasswordType, Security},
    service::{LimitsPatch, Service},
};

const AT: Timestamp = Timestamp(1);

fn securities() -> Vec<Security> {
    let security = |name: &str, credential| Security {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        credential,
        revision: 1,
        created_at: AT,
        updated_at: AT,
    };
    let key = || Credential::ApiKey { key_id: "0e1".to_owned(), key_sha256: "0a".repeat(32) };
    let basic = Credential::Basic { username: "b$${ob}".to_owned(), password_hash: "hush".to_owned() };
    let token = Credential::WsSecurity {
        username: "erp".to_owned(),
        password: Sealed { key_id: "hushed".to_owned(), nonce: [0; NONCE_BYTES], ciphertext: [1].into() },
        accepts: PasswordType::Any,
    };
    vec![
        security("partner", key()),
        security("clerk", basic),
        security("erp", token),
        security(INVOKER, key()),
    ]
}

fn secret(name: &str, description: Option<&str>) -> Secret {
    let ciphertext = b"hush".as_slice().into();
    Secret {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        description: description.map(str::to_owned),
        sealed: Sealed { key_id: "hushed".to_owned(), nonce: [0; NONCE_BYTES], ciphertext },
        revision: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn plugin(name: &str, grants: Option<Grants>, config: serde_json::Value) -> Plugin {
    Plugin {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        active: None,
        grants,
        config,
        revision: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn channel(name: &str, path: &str) -> Channel {
    let draft = Draft::new(name.parse().unwrap(), PathPattern::parse(path).unwrap(), "s".parse().unwrap());
    Channel {
        id: name.to_owned(),
        name: draft.name,
        protocol: draft.protocol,
        path: draft.path,
        methods: draft.methods,
        service: draft.service,
        security: draft.security,
        active: draft.active,
        body_bytes_max: draft.body_bytes_max,
        timeout_ms: draft.timeout_ms,
        cors: draft.cors,
        soap: draft.soap,
        revision: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn definitions() -> Definitions {
    let service = |name: &str, limits| Service {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        plugin: "shop".parse().unwrap(),
        limits,
        revision: 1,
    };
    let everything = Some(Grants { invoke: vec!["*".to_owned()], secrets: vec!["pay-key".to_owned()] });
    Definitions {
        plugins: vec![
            plugin("shop", everything, json!({"url": "${x}", "n": [1.5, null]})),
            plugin("open", None, json!({})),
            plugin("closed", Some(Grants::default()), json!({})),
        ],
        services: vec![
            service("shop.buy", LimitsPatch { cpu_ms: Some(7), ..LimitsPatch::default() }),
            service("shop.see", LimitsPatch::default()),
        ],
        channels: vec![
            Channel {
                security: Some("clerk".parse().unwrap()),
                methods: vec!["GET".to_owned()],
                active: false,
                body_bytes_max: 0,
                timeout_ms: 7,
                cors: Some(Cors { origins: vec!["https://app.example".to_owned()], ..Cors::default() }),
                ..channel("b", "/b/{rest...}")
            },
            channel("a", "/a"),
            Channel {
                protocol: Protocol::Soap,
                security: Some("erp".parse().unwrap()),
                soap: Some(Soap { namespace: Some("urn:x".to_owned()), operation: None }),
                ..channel("c", "/soap/c")
            },
        ],
        securities: securities(),
        secrets: vec![
            secret("shop.key", None),
            secret("shop-key", Some("")),
            secret("pay-key", Some("for ${x}, 'quoted'\nand: more")),
        ],
        ..Definitions::default()
    }
}

fn timetable() -> Timetable {
    let rules = json!({"dates": ["2026-05-14"], "ranges": [{"from": "2026-08-01", "to": "2026-08-14"}],
        "yearly": ["12-25", {"from": "12-30", "to": "01-02"}], "weekdays": ["SUN"]});
    let calendar = Calendar {
        id: "c".to_owned(),
        draft: calendar::Draft {
            name: "closed".parse().unwrap(),
            rules: serde_json::from_value(rules).unwrap(),
        },
        revision: 1,
        created_at: AT,
        updated_at: AT,
    };
    let job = |name: &str, change: fn(&mut job::Draft)| {
        let schedule = json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Europe/Berlin"});
        let schedule = Schedule::read(&schedule).unwrap();
        let mut draft = job::Draft::new(name.parse().unwrap(), "shop.sum".parse().unwrap(), schedule);
        change(&mut draft);
        Job {
            id: name.to_owned(),
            draft,
            progress: Progress::begin(AT),
            tally: Tally::default(),
            revision: 1,
            created_at: AT,
            updated_at: AT,
        }
    };
    let jobs = vec![
        job("plain", |_| {}),
        job("full", |draft| {
            draft.input = json!({"cost": "${5}", "list": [1, null]});
            draft.schedule = Schedule::read(
                &json!({"kind": "interval", "every": "90s", "start": "2026-12-01T02:00:00Z", "repeats": 3}),
            )
            .unwrap();
            draft.calendar = Some("closed".parse().unwrap());
            draft.misfire = "all(7)".parse().unwrap();
            (draft.jitter_ms, draft.max_run_ms) = (5, Some(6));
            (draft.attempts, draft.expires_ms) = (7, 8_000);
            (draft.overlap, draft.paused) = (true, true);
            draft.on_success = Some("a.b".parse().unwrap());
            draft.on_failure = Some("a.c".parse().unwrap());
        }),
    ];
    Timetable { calendars: vec![calendar], jobs }
}

#[test]
fn what_is_wrong_with_jobs_and_calendars_is_told_where_it_is() {
    let text = "busbar: 1
calendars:
  closed:
    dates:
      - 2026-12-25
      - 2026-02-30
jobs:
  a:
    service: s
    schedule:
      kind: cron
      expression: 0 2 * * *
      time_zone: Mars/Phobos
  b:
    service: s
    misfire: sometimes
    attempts: 0
";
    let told = refused(text);
    for (line, part) in [
        (6, "calendars.closed.dates.1: date \"2026-02-30\" is not valid"),
        (13, "jobs.a.schedule.time_zone: time zone \"Mars/Phobos\" does not exist"),
        (16, "jobs.b.misfire: misfire policy \"sometimes\" is unknown; allowed is skip"),
        (17, "jobs.b.attempts: is 0; allowed is 1 to 100"),
        (14, "jobs.b.schedule: is required"),
    ] {
        let expected = format!("line {line}: {part}");
        assert!(told.iter().any(|told| told.starts_with(&expected)), "{expected}\n{told:#?}");
    }
}

fn read(text: &str) -> Result<Document, Vec<Mistake>> {
    Document::read(&yaml::read(text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

#[track_caller]
fn refused(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let document = Document::of(&definitions(), &timetable());
    let text = document.to_yaml();
    let again = read(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
    assert_eq!(again.to_yaml(), text);
    assert_eq!(again.to_json(), document.to_json());
    assert!(!text.contains("hush") && !text.contains(INVOKER), "{text}");
    assert!(text.contains("expression: \"0 2 * * *\"") && text.contains("cost: $${5}"), "{text}");
    assert_eq!((&again.jobs, &again.calendars), (&document.jobs, &document.calendars));
    assert!(text.contains("password: ${PASSWORD_CLERK}") && text.contains("url: $${x}\n"), "{text}");
    assert!(!text.contains("shop.see"), "{text}");
    let secrets: Vec<_> = again.secrets.iter().map(|secret| (secret.name.as_str(), &secret.value)).collect();
    let [("pay-key", Some(pay)), ("shop-key", Some(one)), ("shop.key", Some(other))] = &secrets[..] else {
        panic!("{secrets:?}")
    };
    assert_eq!(pay.wanted(), Some("SECRET_PAY_KEY"));
    assert!(one.wanted().unwrap().starts_with("SECRET_SHOP_KEY_") && one != other, "{secrets:?}");
    assert_eq!(again.secrets[0].description.as_deref(), Some("for ${x}, 'quoted'\nand: more"));
    assert_eq!(again.secrets[1].description.as_deref(), Some(""));
    let Wish::Basic { username, password } = &again.security[0].credential else { panic!("{again:?}") };
    assert_eq!(username, "b$${ob}");
    assert!(matches!(password, Some(Hidden::Wanted { variable }) if variable == "PASSWORD_CLERK"));
    assert_eq!(
        again.plugins.iter().map(|plugin| plugin.grants.is_some()).collect::<Vec<_>>(),
        [true, false, true]
    );
}

#[test]
fn everything_wrong_is_said_at_once_with_its_line() {
    let text = "busbar: 1
security:
  one: {kind: digest}
  two: {kind: basic, username: 'a:b', password: 12345678, key_id: x}
  three:
    kind: api-key
    key_id: abc
channels:
  Orders: {path: /o, service: s}
  list:
    path: orders
    service: ${SERVICE}
    timeout_ms: 0
    methods: [get]
    colour: red
plugins:
  p: {grants: {invoke: [a*b]}, config: []}
services:
  s: {limits: {cpu_ms: 0}}
secrets:
  a: {value: 123454321}
  b: {value: '', kind: text}
  c: {description: [x], value: 'a${B}'}
";
    let mistakes = refused(text);
    for words in [
        "line 3: security.one.kind: is \"digest\"; allowed is basic, api-key or ws-security",
        "line 4: security.two.key_id: belongs to the kind api-key",
        "line 4: security.two.username: \"a:b\" is not a username",
        "line 4: security.two.password: is a number, but must be a text; put it in quotes",
        "line 5: security.three.key_sha256: is required where",
        "line 9: channels.Orders: name \"Orders\" is not valid",
        "line 11: channels.list.path: ",
        "line 12: channels.list.service: variable SERVICE is not given",
        "line 13: channels.list.timeout_ms: is 0; allowed is 1 to 3600000",
        "line 14: channels.list.methods: method \"get\"",
        "line 15: channels.list.colour: is not known here; known is protocol, path",
        "line 17: plugins.p.grants: grant \"a*b\"",
        "line 17: plugins.p.config: is a list, but must be a map",
        "line 19: services.s.plugin: is required",
        "line 19: services.s.limits.cpu_ms: cpu_ms is 0",
        "line 21: secrets.a.value: is a number, but must be a text; put it in quotes",
        "line 22: secrets.b.value: has 0 bytes; allowed is 1 to 65536",
        "line 22: secrets.b.kind: is not known here; known is description, value",
        "line 23: secrets.c.description: is a list, but must be a text",
        "line 23: secrets.c.value: variable B is not given",
    ] {
        assert!(
            mistakes.iter().any(|mistake| mistake.starts_with(words)),
            "{words:?} is not in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 20, "{mistakes:#?}");
}

#[test]
fn another_format_is_refused_whatever_else_it_says() {
    let newer = refused("busbar: 2\nunheard: of\n");
    assert_eq!(newer, ["line 1: busbar: is 2, but this version of Busbar knows format 1 only"]);
    assert_eq!(refused("channels: {}\n"), ["line 1: busbar: is required"]);
    assert_eq!(refused("- a\n"), ["line 1: is a list, but must be a map"]);
    assert!(refused("busbar: 1\nchanels: {}\n")[0].contains("line 2: chanels: is not known here"));
}

#[test]
fn numbers_and_flags_may_come_by_variables() {
    let text = "busbar: 1\nchannels: {a: {path: /a, service: s, timeout_ms: '${N}', active: '${F}'}}\n\
                services: {s: {plugin: p, limits: {queue: '${N}'}}}\nplugins: {p: {config: {n: '${N}'}}}\n";
    let mut node = yaml::read(text).unwrap();
    assert_eq!(Document::read(&node).unwrap_err().len(), 4);
    let unfit = node.fill(&mut |name| Some(if name == "N" { "70" } else { "false" }.to_owned()));
    assert_eq!(unfit, []);
    let document = Document::read(&node).unwrap();
    assert_eq!((document.channels[0].timeout_ms, document.channels[0].active), (70, false));
    assert_eq!(document.services[0].limits.queue, Some(70));
    assert_eq!(document.plugins[0].config, json!({"n": "70"}));
    // A text that looks like a number is a text.
    let text = "busbar: 1\nchannels: {a: {path: /a, service: s, timeout_ms: '70'}}\n";
    assert_eq!(refused(text), ["line 2: channels.a.timeout_ms: is a text, but must be a whole number"]);
}

#[test]
fn a_secret_is_given_or_left_as_it_is() {
    let text = "busbar: 1\nsecrets: {a: {value: '1$${x}'}, b: {value: '${B}'}, c: {description: d}, d: }\n";
    let document = read(text).unwrap();
    let values: Vec<_> = document.secrets.iter().map(|secret| secret.value.clone()).collect();
    let wanted = Hidden::Wanted { variable: "B".to_owned() };
    assert_eq!(values, [Some(Hidden::Given("1${x}".to_owned())), Some(wanted), None, None]);
    assert_eq!(read(&document.to_yaml()).unwrap(), document);
    assert!(!format!("{document:?}").contains("${x}"), "{document:?}");
}

#[test]
fn pages_of_other_origins_are_described_as_in_the_api() {
    let cors = |cors: &str| format!("busbar: 1\nchannels: {{a: {{path: /a, service: s, cors: {cors}}}}}\n");
    let document = read(&cors("{origins: ['https://App.example:443'], headers: [X-Own]}")).unwrap();
    let expected = Cors {
        origins: vec!["https://app.example".to_owned()],
        headers: vec!["x-own".to_owned()],
        ..Cors::default()
    };
    assert_eq!(document.channels[0].cors, Some(expected));
    for (written, words) in [
        ("{}", "origins is required"),
        ("{origins: ['https://a.example', x]}", "origins[1] is not an origin"),
        ("{origins: ['*'], credentials: true}", "credentials can't be true"),
        ("{origins: ['*'], max_age_s: 86401}", "max_age_s is more than 86400"),
        ("{origins: ['*'], colour: red}", "unknown field `colour`"),
        ("['*']", "must be a map"),
    ] {
        let mistakes = refused(&cors(written));
        assert!(
            mistakes[0].starts_with("line 2: channels.a.cors") && mistakes[0].contains(words),
            "{mistakes:?}"
        );
    }
}

#[test]
fn a_soap_channel_has_what_the_api_takes() {
    let read_channel = |members: &str| {
        let text =
            format!("busbar: 1\nchannels:\n  c: {{protocol: soap, service: orders.submit, {members}}}\n");
        read(&text).map(|document| document.channels.into_iter().next().unwrap())
    };
    let soap = read_channel("path: /soap/o, methods: [POST], soap: {operation: buy}").unwrap();
    assert_eq!((soap.operation(), soap.methods.len()), ("buy", 0));
    let errors =
        read_channel("path: '/soap/{o}', cors: {origins: ['*']}, soap: {operation: 'a b', namespace: 'x'}");
    let errors: Vec<String> = errors.unwrap_err().into_iter().map(|mistake| mistake.path).collect();
    assert_eq!(
        errors,
        ["path", "cors", "soap/namespace", "soap/operation"].map(|member| format!("/channels/c/{member}"))
    );
    let unknown = read_channel("path: /soap/o, soap: {operations: buy}").unwrap_err();
    assert_eq!(unknown[0].path, "/channels/c/soap");
    let rest = "busbar: 1\nchannels:\n  c:\n    path: /c\n    service: s\n    soap:\n      operation: x\n";
    assert_eq!(refused(rest), ["line 6: channels.c.soap: is for channels of protocol soap only"]);
}

#[test]
fn members_of_another_kind_of_security_are_refused() {
    let text = "busbar: 1\nsecurity:\n  \
        a: {kind: ws-security, username: u, password: '${P}', password_type: text, key_id: x}\n  \
        b: {kind: basic, username: u, password_type: text}\n  \
        c: {kind: api-key, password: x}\n  \
        d: {kind: ws-security, username: u, password_type: clear}\n";
    assert_eq!(
        refused(text),
        [
            "line 3: security.a.key_id: belongs to the kind api-key, not to ws-security",
            "line 4: security.b.password_type: belongs to the kind ws-security, not to basic",
            "line 5: security.c.password: belongs to the kinds basic and ws-security, not to api-key",
            "line 6: security.d.password_type: \"clear\" is unknown; allowed is digest, text or any",
        ]
    );
}
