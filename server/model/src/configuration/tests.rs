//! Documents as wholes.

mod connections;
mod large;
mod samples;

use serde_json::json;

use self::samples::{PEM, definitions, timetable};
use super::{Document, Hidden, Mistake, Wish, yaml};
use crate::{Cors, amqp::Deduplicate, connection::Part, security::INVOKER};

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
    let mut jobs = document.jobs.clone();
    jobs.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!((&again.jobs, &again.calendars), (&jobs, &document.calendars));
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
    let [first, second] = &again.connections[..] else { panic!("{again:?}") };
    let wanted = |part| second.client.secret(part).unwrap().as_ref().and_then(Hidden::wanted);
    assert_eq!(wanted(Part::Password), Some("CONNECTION_PASSWORD_MQ_EU"));
    assert_eq!(wanted(Part::ClientKey), Some("CONNECTION_KEY_MQ_EU"));
    assert_eq!(
        (first.active, first.client.certificate(), second.client.certificate()),
        (false, None, Some(PEM))
    );
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
        "line 3: security.one.kind: is \"digest\"; allowed is basic, api-key, ws-security or client-certificate",
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
    assert_eq!(document.channels[0].address.rest().unwrap().cors, Some(expected));
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
    assert_eq!(soap.address.message().unwrap().operation(&soap.service), "buy");
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
        d: {kind: ws-security, username: u, password_type: clear}\n  \
        e: {kind: client-certificate, subjects: [/CN=a], username: u}\n  \
        f: {kind: basic, username: u, sha256: []}\n";
    assert_eq!(
        refused(text),
        [
            "line 3: security.a.key_id: belongs to the kind api-key, not to ws-security",
            "line 4: security.b.password_type: belongs to the kind ws-security, not to basic",
            "line 5: security.c.password: belongs to the kinds basic and ws-security, not to api-key",
            "line 6: security.d.password_type: \"clear\" is unknown; allowed is digest, text or any",
            "line 7: security.e.username: belongs to the kinds basic and ws-security, not to client-certificate",
            "line 8: security.f.sha256: belongs to the kind client-certificate, not to basic",
        ]
    );
}

#[test]
fn all_that_is_wrong_with_certificates_is_said() {
    let text = format!(
        "busbar: 1\nsecurity:\n  \
        a: {{kind: client-certificate}}\n  \
        b: {{kind: client-certificate, subjects: [/CN=a, ada], sha256: [0a]}}\n  \
        c: {{kind: client-certificate, subjects: [], sha256: []}}\n  \
        d: {{kind: client-certificate, subjects: /CN=a, sha256: [{}]}}\n",
        ["aa"; 65].join(", ")
    );
    let mistakes = refused(&text);
    assert_eq!(mistakes.len(), 6, "{mistakes:?}");
    for (said, begins) in mistakes.iter().zip([
        "line 3: security.a.subjects: lets nobody in without an entry here or in sha256",
        "line 4: security.b.subjects.1: is not a subject as HAProxy writes it: /CN=ada or /O=shop/CN=ada, at most 512",
        "line 4: security.b.sha256.0: is not a SHA-256: 64 hexadecimal digits",
        "line 5: security.c.subjects: lets nobody in",
        "line 6: security.d.subjects: is a text, but must be a list of texts",
        "line 6: security.d.sha256: has more than 64 items",
    ]) {
        assert!(said.starts_with(begins), "{said}");
    }
}

#[test]
fn all_that_is_wrong_with_a_connection_is_said() {
    let text = "busbar: 1\nconnections:\n  \
        a: {kind: ftp, host: 'a:1', username: u}\n  \
        b: {kind: amqp, host: a, port: 0, heartbeat_s: 601, password: 1, colour: red}\n  \
        c:\n    kind: amqp\n    host: a\n    username: u\n    tls:\n      ca: x\n      client_key: hush\n      \
        server: x\n";
    let mistakes = refused(text);
    for words in [
        "line 3: connections.a.kind: is \"ftp\"; allowed is amqp",
        "line 3: connections.a.host: \"a:1\" is not a host",
        "line 4: connections.b.port: is 0; allowed is 1 to 65535",
        "line 4: connections.b.heartbeat_s: is 601; allowed is 1 to 600",
        "line 4: connections.b.username: is required",
        "line 4: connections.b.password: is a number",
        "line 4: connections.b.colour: is not known here; known is kind, active, host",
        "line 10: connections.c.tls.ca: is not PEM",
        "line 11: connections.c.tls.client_key: is not PEM",
        "line 12: connections.c.tls.server: is not known here; known is ca, server_name",
    ] {
        assert!(
            mistakes.iter().any(|mistake| mistake.starts_with(words)),
            "{words:?} is not in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 10, "{mistakes:#?}");
    assert!(!mistakes.iter().any(|mistake| mistake.contains("hush")), "{mistakes:#?}");
}

#[test]
fn an_amqp_channel_has_what_the_api_takes() {
    let read_channel = |amqp: &str| {
        let text = format!("busbar: 1\nchannels:\n  c: {{protocol: amqp, service: s, amqp: {amqp}}}\n");
        read(&text).map(|document| document.channels[0].address.amqp().cloned().unwrap())
    };
    let amqp = read_channel("{connection: mq, queue: q, ordered: true, deduplicate: none}").unwrap();
    assert_eq!((amqp.prefetch, amqp.concurrency, amqp.deduplicate), (1, 1, Deduplicate::None));
    for (written, place, words) in [
        ("{queue: q}", "/connection", "is required"),
        ("{connection: mq, queue: amq.x}", "/queue", "the broker's own"),
        ("{connection: mq, queue: q, prefetch: 1001}", "/prefetch", "1 to 1000"),
        ("{connection: mq, queue: q, ordered: true, prefetch: 2}", "/prefetch", "is 2"),
        ("{connection: mq, queue: q, deduplicate: body}", "/deduplicate", "\"body\" is unknown"),
        (
            "{connection: mq, queue: q, deduplicate: {header: ''}}",
            "/deduplicate/header",
            "is not a header's name",
        ),
        (
            "{connection: mq, queue: q, declare: {kind: stream}}",
            "/declare/kind",
            "allowed is quorum or classic",
        ),
        (
            "{connection: mq, queue: q, declare: {kind: classic, delivery_limit: 1}}",
            "/declare/delivery_limit",
            "quorum only",
        ),
        (
            "{connection: mq, queue: q, bindings: [{exchange: ''}]}",
            "/bindings/0/exchange",
            "is not an exchange's name",
        ),
        ("{connection: mq, queue: q, retry: {immediate: 11}}", "/retry/immediate", "0 to 10"),
        ("{connection: mq, queue: q, failed: lost}", "/failed", "allowed is error-queue or dead-letter"),
        ("{connection: mq, queue: q, colour: red}", "/colour", "is not known here"),
    ] {
        let mistakes = read_channel(written).unwrap_err();
        let [mistake] = &mistakes[..] else { panic!("{written}: {mistakes:#?}") };
        assert_eq!(mistake.path, format!("/channels/c/amqp{place}"), "{written}");
        assert!(mistake.message.contains(words), "{written}: {mistake}");
    }
    let http = "busbar: 1\nchannels: {c: {protocol: amqp, service: s, path: /c, amqp: {connection: mq, queue: q}}}\n";
    assert_eq!(refused(http), ["line 2: channels.c.path: is not for AMQP channels"]);
}
