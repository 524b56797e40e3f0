//! One of everything.

use busbar_schedule::Schedule;
use serde_json::json;

use crate::{
    Calendar, Connection, Cors, Definitions, Job, Soap, Timestamp, Timetable,
    amqp::{Amqp, Binding, Declare, Deduplicate, Failed, QueueKind, Retry},
    calendar,
    channel::{Address, Channel, Draft, Message, Rest},
    connection::{
        self, Client,
        amqp::{Identity, Tls},
    },
    job::{self, Progress, Tally},
    path::PathPattern,
    plugin::{Grants, Plugin},
    secret::{NONCE_BYTES, Sealed, Secret},
    security::{Certificates, Credential, INVOKER, PasswordType, Security},
    service::{LimitsPatch, Service},
};

pub(super) const PEM: &str = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
pub(super) const AT: Timestamp = Timestamp(1);

pub(super) fn securities() -> Vec<Security> {
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
    let certificates = Certificates {
        subjects: ["/CN=${x}/O=Bäcker".to_owned(), "/CN=ada".to_owned()].into(),
        sha256: ["0a".repeat(32)].into(),
    };
    vec![
        security("partner", key()),
        security("clerk", basic),
        security("erp", token),
        security("fleet", Credential::ClientCertificate(certificates)),
        security(INVOKER, key()),
    ]
}

pub(super) fn secret(name: &str, description: Option<&str>) -> Secret {
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

pub(super) fn connection(name: &str, tls: bool) -> Connection {
    let sealed = || Sealed { key_id: "hushed".to_owned(), nonce: [0; NONCE_BYTES], ciphertext: [1].into() };
    let amqp = connection::Amqp::new("mq".to_owned(), "${ada}".to_owned(), sealed(), tls);
    let identity = || Some(Identity { certificate: PEM.to_owned(), key: sealed() });
    let tls = tls.then(|| Tls { ca: Some(PEM.to_owned()), server_name: None, identity: identity() });
    Connection {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        active: tls.is_some(),
        client: Client::Amqp(connection::Amqp { tls, vhost: "v".to_owned(), publishers: 3, ..amqp }),
        revision: 1,
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn plugin(name: &str, grants: Option<Grants>, config: serde_json::Value) -> Plugin {
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

pub(super) fn channel(name: &str, address: Address) -> Channel {
    let draft = Draft::new(name.parse().unwrap(), "s".parse().unwrap(), address);
    draft.into_channel(name.to_owned(), 1, AT, AT)
}

pub(super) fn path(path: &str) -> PathPattern {
    PathPattern::parse(path).unwrap()
}

pub(super) fn queue() -> Amqp {
    let declare = Declare {
        kind: QueueKind::Classic,
        dead_letter_exchange: Some("dead".to_owned()),
        dead_letter_routing_key: Some("${k}".to_owned()),
        delivery_limit: None,
        max_length: Some(1),
        message_ttl_ms: Some(2),
    };
    Amqp {
        declare: Some(declare),
        bindings: vec![Binding { exchange: "amq.topic".to_owned(), routing_key: "orders.#".to_owned() }],
        prefetch: 1,
        concurrency: 1,
        ordered: true,
        deduplicate: Deduplicate::Header("x-id".to_owned()),
        retry: Retry { immediate: 0, ..Retry::default() },
        failed: Failed::DeadLetter,
        ..Amqp::new("mq".parse().unwrap(), "orders".to_owned())
    }
}

pub(super) fn definitions() -> Definitions {
    let service = |name: &str, limits| Service {
        id: name.to_owned(),
        name: name.parse().unwrap(),
        plugin: "shop".parse().unwrap(),
        limits,
        revision: 1,
    };
    let everything = Some(Grants {
        invoke: vec!["*".to_owned()],
        secrets: vec!["pay-key".to_owned()],
        ..Grants::default()
    });
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
                active: false,
                body_bytes_max: 0,
                timeout_ms: 7,
                ..channel(
                    "b",
                    Address::Rest(Rest {
                        security: Some("clerk".parse().unwrap()),
                        methods: vec!["GET".to_owned()],
                        cors: Some(Cors {
                            origins: vec!["https://app.example".to_owned()],
                            ..Cors::default()
                        }),
                        ..Rest::new(path("/b/{rest...}"))
                    }),
                )
            },
            channel("a", Address::Rest(Rest::new(path("/a")))),
            channel(
                "c",
                Address::Soap(Message {
                    path: path("/soap/c"),
                    security: Some("erp".parse().unwrap()),
                    soap: Soap { namespace: Some("urn:x".to_owned()), operation: None },
                }),
            ),
            channel("d", Address::Amqp(queue())),
            channel("e", Address::Amqp(Amqp::new("mq".parse().unwrap(), "bills".to_owned()))),
        ],
        connections: vec![connection("mq", false), connection("mq.eu", true)],
        securities: securities(),
        secrets: vec![
            secret("shop.key", None),
            secret("shop-key", Some("")),
            secret("pay-key", Some("for ${x}, 'quoted'\nand: more")),
        ],
        ..Definitions::default()
    }
}

pub(super) fn timetable() -> Timetable {
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
