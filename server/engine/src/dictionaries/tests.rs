//! From a service's question to its answer.

use std::sync::{Arc, Mutex};

use busbar_model::{
    Channel, Definitions, Dictionary, Digest, Fault, Service, Timestamp,
    channel::{Address, Draft as ChannelDraft, Rest},
    dictionary::{Draft, Table},
    path::PathPattern,
    plugin::{ActiveVersion, Description, Grants, Kind, Plugin as Definition},
    service::{LimitsPatch, ServiceDescription},
};
use http::{HeaderMap, Method};
use serde_json::json;

use super::{Entry, entries, translate};
use crate::{
    Body, Catalog, Outward, Pipeline, Request,
    catalog::Binder,
    double::{Committed, Plain},
    metrics::Metrics,
    ports::{Access, AccessLog, Call, CallFuture, Origin, Plugin},
    request::{Head, Hop, Response, Target},
};

type Answer = Result<Option<String>, Fault>;

/// Asks what the words of a header say, and keeps the answers.
#[derive(Default)]
struct Asking {
    translated: Mutex<Vec<Answer>>,
    listed: Mutex<Vec<Result<Vec<Entry>, Fault>>>,
}

impl Plugin for Asking {
    fn digest(&self) -> Digest {
        Digest::of(b"p")
    }

    fn call(&self, call: Box<Call>) -> CallFuture {
        let Call { context, service, deadline, depth, above, head, unit, attempt, .. } = *call;
        let origin = Origin { context, service, deadline, depth, above, unit, attempt };
        let head = head.unwrap();
        let words: Vec<&str> = head.headers["x-ask"].to_str().unwrap().split(',').collect();
        match words[..] {
            [dictionary] => self.listed.lock().unwrap().push(entries(&origin, dictionary, None)),
            [dictionary, key, from, to, ref on @ ..] => {
                let answer = translate(&origin, dictionary, key, from, to, on.first().copied());
                self.translated.lock().unwrap().push(answer);
            }
            _ => panic!("{words:?}"),
        }
        Box::pin(async { Ok(Response::default()) })
    }
}

struct Silent;

impl AccessLog for Silent {
    fn record(&self, _: &Access<'_>) {}
}

fn dictionary(name: &str, code: &str) -> Dictionary {
    let table = json!({"systems": ["erp", "shop"], "defaults": [null, "XX"], "entries": [
        {"codes": ["DE", code]},
        {"codes": ["A", "then"], "valid_until": "1970-01-01"},
        {"codes": ["A", "now"], "valid_from": "1970-01-02"}]});
    let table: Table = serde_json::from_value(table).unwrap();
    let draft = Draft { name: name.parse().unwrap(), summary: None, table };
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    Dictionary { id: name.to_owned(), draft, revision: 1, created_at, updated_at }
}

/// One plugin with one service and one channel, all called `ask`.
fn definitions(dictionaries: Vec<Dictionary>, granted: &[&str]) -> Definitions {
    let (digest, at) = (Digest::of(b"p"), Timestamp(0));
    let service = ServiceDescription {
        name: "ask".parse().unwrap(),
        summary: None,
        input_schema: None,
        output_schema: None,
        channels: Vec::new(),
        calls_per_instance: None,
    };
    let description = Description {
        kind: Kind::Bus,
        name: "ask".parse().unwrap(),
        version: String::new(),
        services: vec![service],
        invokes: Vec::new(),
        secrets: Vec::new(),
        imports: Vec::new(),
    };
    let granted = granted.iter().map(ToString::to_string).collect();
    let plugin = Definition {
        id: "p".to_owned(),
        name: "ask".parse().unwrap(),
        active: Some(ActiveVersion { deployment: "d".to_owned(), digest, description, quarantine: None }),
        grants: Some(Grants { dictionaries: granted, ..Grants::default() }),
        config: json!({}),
        revision: 1,
        created_at: at,
        updated_at: at,
    };
    let limits = LimitsPatch::default();
    let name = || "ask".parse().unwrap();
    let service = Service { id: "s".to_owned(), name: name(), plugin: name(), limits, revision: 1 };
    let address = Address::Rest(Rest::new(PathPattern::parse("/ask").unwrap()));
    let channel: Channel = ChannelDraft::new(name(), name(), address).into_channel("c".to_owned(), 1, at, at);
    Definitions {
        plugins: vec![plugin],
        services: vec![service],
        channels: vec![channel],
        dictionaries,
        ..Definitions::default()
    }
}

fn binder() -> Binder {
    Binder::new(Arc::new(Metrics::default()), Grants::default(), Arc::new(Plain))
}

async fn ask(words: &[&str]) -> Arc<Asking> {
    let asking = Arc::new(Asking::default());
    let all = vec![dictionary("countries", "germany"), dictionary("units", "x")];
    let plugin = Arc::clone(&asking);
    let loaded = |_: &_| Some(Arc::clone(&plugin) as Arc<dyn Plugin>);
    let (catalog, problems) = binder().bind(definitions(all, &["countries", "no-*"]), &loaded);
    assert_eq!(problems, [""; 0]);
    let pipeline = Pipeline::new(
        Arc::new(Metrics::default()),
        Arc::new(Silent),
        Committed::with([]),
        Outward::default(),
    );
    pipeline.switch(catalog);
    for words in words {
        let headers = HeaderMap::from_iter([("x-ask".parse().unwrap(), words.parse().unwrap())]);
        let head = Head { method: Method::GET, uri: "/ask".parse().unwrap(), headers };
        let request =
            Request { target: Target::Path, head, body: Body::Empty, hop: Hop::Client, trusted: false };
        assert!(pipeline.handle(request, 7).await.status.is_success());
    }
    asking
}

#[tokio::test]
async fn what_may_not_be_asked_or_makes_no_sense_is_refused() {
    let refused = [
        ("units,DE,erp,shop", "not-granted"),
        ("No Name,DE,erp,shop", "dictionary-unknown"),
        ("no-such,DE,erp,shop", "dictionary-unknown"),
        ("countries,DE,erp,web", "system-unknown"),
        ("countries,DE,web,shop", "system-unknown"),
        ("countries,DE,erp,shop,1.1.1970", "invalid-input"),
        ("countries,DE,erp,shop,1970-02-29", "invalid-input"),
    ];
    let asking = ask(&refused.map(|(words, _)| words)).await;
    for ((words, code), answer) in refused.iter().zip(&*asking.translated.lock().unwrap()) {
        assert_eq!(answer.as_ref().unwrap_err().code, *code, "{words}");
    }
    let asking = ask(&["units", "no-such"]).await;
    let codes: Vec<_> =
        asking.listed.lock().unwrap().iter().map(|listed| listed.clone().unwrap_err().code).collect();
    assert_eq!(codes, ["not-granted", "dictionary-unknown"]);
}

/// The clock of the double stands at the beginning of 1970.
#[tokio::test]
async fn a_service_is_answered_for_the_day_of_its_call_or_for_another() {
    let asked = [
        ("countries,DE,erp,shop", Some("germany")),
        ("countries,germany,shop,erp", Some("DE")),
        ("countries,FR,erp,shop", Some("XX")),
        ("countries,france,shop,erp", None),
        ("countries,A,erp,shop", Some("then")),
        ("countries,A,erp,shop,1970-01-02", Some("now")),
    ];
    let asking = ask(&asked.map(|(words, _)| words)).await;
    for ((words, expected), answer) in asked.iter().zip(&*asking.translated.lock().unwrap()) {
        assert_eq!(answer.clone().unwrap().as_deref(), *expected, "{words}");
    }
    let asking = ask(&["countries"]).await;
    let listed = asking.listed.lock().unwrap()[0].clone().unwrap();
    assert_eq!(listed.len(), 2, "what holds on the day of the call: {listed:?}");
    let codes = [("erp", "A"), ("shop", "then")].map(|(system, code)| (system.to_owned(), code.to_owned()));
    let valid_until = Some("1970-01-01".to_owned());
    assert_eq!(listed[1], Entry { codes: codes.to_vec(), valid_from: None, valid_until });
}

#[test]
fn one_that_stays_as_it_is_is_shared_between_catalogs() {
    let mut binder = binder();
    let mut bind = |dictionaries| binder.bind(definitions(dictionaries, &[]), &|_| None).0;
    let of = |catalog: &Catalog, name: &str| {
        catalog.dictionary(&name.parse().unwrap()).map(|found| std::ptr::from_ref(found).addr())
    };
    let one = bind(vec![dictionary("countries", "germany"), dictionary("units", "x")]);
    let two = bind(vec![dictionary("units", "y"), dictionary("countries", "germany")]);
    assert_eq!(of(&one, "countries"), of(&two, "countries"));
    assert!(of(&one, "units").is_some() && of(&one, "units") != of(&two, "units"));
    assert_eq!(of(&bind(Vec::new()), "units"), None);
}
