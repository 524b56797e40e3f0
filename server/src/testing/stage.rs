//! What a case's call meets: a catalog of the plugins under test and doubles, and the values that they keep.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Context as _;
use busbar_engine::{
    Outward, Pipeline,
    catalog::Binder,
    metrics::Metrics,
    ports::{Access, AccessLog, Opener, Plugin, Unopened},
};
use busbar_model::{
    Definitions, Digest, Name, Secret, Security, Service, Timestamp,
    dictionary::{self, Dictionary, Table},
    plugin::{ActiveVersion, Description, Grants, Plugin as PluginDefinition},
    secret::{NONCE_BYTES, Sealed},
    security::{Credential, INVOKER},
    service::LimitsPatch,
};
use serde_json::{Map, Value};

use super::{
    case::{Answer, Case, Given},
    component::{Component, Components},
    double::{Doubles, PLUGIN, Surrounded},
    ledger::MemoryLedger,
    ways::{self, Script},
};

/// Of the one caller.
pub(super) const KEY: &str = "busbar-test";

pub(super) struct Stage {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) ledger: Arc<MemoryLedger>,
    pub(super) doubles: Arc<Doubles>,
    /// Of systems of others.
    pub(super) script: Script,
    /// The plugin under test.
    pub(super) plugin: Name,
}

impl Stage {
    /// Fresh for each case: nothing is left of those before.
    pub(super) fn set(components: &Components, case: &Case) -> anyhow::Result<Self> {
        let tested = components.offering(&case.service).context("failed to find the service's plugin")?;
        let plugin = tested.description.name.clone();
        let doubles = Arc::new(Doubles::new(doubled(components, &case.given)));
        let mut loaded: HashMap<Digest, Arc<dyn Plugin>> = HashMap::new();
        loaded.insert(Doubles::digest(), Arc::clone(&doubles) as Arc<dyn Plugin>);
        for component in &components.all {
            let plugin = Arc::new(components.load(component)?);
            loaded.insert(component.digest, Arc::new(Surrounded::new(plugin, &case.given)));
        }
        let metrics = Arc::new(Metrics::default());
        // What a plugin does not say it needs, it does not get.
        let mut binder = Binder::new(Arc::clone(&metrics), Grants::default(), Arc::new(Plain));
        let definitions = definitions(components, tested, &doubles, &case.given)?;
        let (catalog, _) = binder.bind(definitions, &|active| loaded.get(&active.digest).cloned());
        let ledger = MemoryLedger::with(&plugin, kept(&case.given));
        let script = Script::new(&case.given.connections);
        let outward = Outward { outlet: None, ways: Some(Arc::new(script.clone())) };
        let pipeline = Pipeline::new(metrics, Arc::new(NoAccessLog), Arc::clone(&ledger) as Arc<_>, outward);
        pipeline.switch(catalog);
        Ok(Self { pipeline, ledger, doubles, script, plugin })
    }
}

/// The services that doubles stand in for: those of the case, and those that nobody else offers.
fn doubled(components: &Components, given: &Given) -> Vec<(Name, Vec<Answer>)> {
    let mut services: BTreeMap<Name, Vec<Answer>> = given.services.clone();
    let invoked = components.all.iter().flat_map(|component| &component.description.invokes);
    for name in invoked.filter_map(|name| name.parse::<Name>().ok()) {
        if components.offering(&name).is_none() {
            services.entry(name).or_default();
        }
    }
    services.into_iter().collect()
}

fn kept(given: &Given) -> impl Iterator<Item = (String, Vec<u8>)> {
    let json = given.kv.iter().map(|(key, value)| (key.clone(), value.to_string().into_bytes()));
    let text = given.kv_text.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes()));
    json.chain(text)
}

fn definitions(
    components: &Components,
    tested: &Component,
    doubles: &Doubles,
    given: &Given,
) -> anyhow::Result<Definitions> {
    let doubles_name: Name = PLUGIN.parse()?;
    let mut plugins = vec![plugin(doubles.description(doubles_name.clone()), Doubles::digest(), Map::new())];
    let mut services: Vec<Service> =
        doubles.names().map(|name| service(name.clone(), doubles_name.clone())).collect();
    for component in &components.all {
        let description = &component.description;
        let config = if component.digest == tested.digest { given.config.clone() } else { Map::new() };
        plugins.push(plugin(description.clone(), component.digest, config));
        for described in &description.services {
            if doubles.names().all(|name| *name != described.name) {
                services.push(service(described.name.clone(), description.name.clone()));
            }
        }
    }
    let secrets = given.secrets.iter().map(|(name, value)| secret(name.clone(), value)).collect();
    let connections = given.connections.iter();
    let connections = connections.map(|(name, others)| ways::connection(name.clone(), others)).collect();
    let dictionaries = given.dictionaries.iter();
    let dictionaries = dictionaries.map(|(name, given)| Ok(dictionary(name.clone(), given.table()?)));
    let dictionaries: Result<_, String> = dictionaries.collect();
    Ok(Definitions {
        plugins,
        services,
        secrets,
        securities: vec![invoker()?],
        connections,
        dictionaries: dictionaries.map_err(anyhow::Error::msg)?,
        ..Definitions::default()
    })
}

fn plugin(description: Description, digest: Digest, config: Map<String, Value>) -> PluginDefinition {
    let grants = Grants {
        invoke: description.invokes.clone(),
        secrets: description.secrets.clone(),
        // A plugin does not say which of these it needs; there are those that the case gives.
        connections: vec!["*".to_owned()],
        dictionaries: vec!["*".to_owned()],
    };
    PluginDefinition {
        id: description.name.to_string(),
        name: description.name.clone(),
        active: Some(ActiveVersion { deployment: String::new(), digest, description, quarantine: None }),
        grants: Some(grants),
        config: Value::Object(config),
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn service(name: Name, plugin: Name) -> Service {
    Service { id: name.to_string(), name, plugin, limits: LimitsPatch::default(), revision: 1 }
}

fn dictionary(name: Name, table: Table) -> Dictionary {
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    let draft = dictionary::Draft { name: name.clone(), summary: None, table };
    Dictionary { id: name.to_string(), draft, revision: 1, created_at, updated_at }
}

/// Not sealed: it comes from a file that anyone reads who runs the cases.
fn secret(name: Name, value: &str) -> Secret {
    let sealed =
        Sealed { key_id: String::new(), nonce: [0; NONCE_BYTES], ciphertext: value.as_bytes().into() };
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    Secret { id: name.to_string(), name, description: None, sealed, revision: 1, created_at, updated_at }
}

struct Plain;

impl Opener for Plain {
    fn open(&self, secret: &Secret) -> Result<String, Unopened> {
        Ok(String::from_utf8_lossy(&secret.sealed.ciphertext).into_owned())
    }

    /// A case has no channels.
    fn open_password(&self, _: &Security) -> Result<String, Unopened> {
        Err(Unopened("there is none".to_owned()))
    }
}

/// Lets calls by name in.
fn invoker() -> anyhow::Result<Security> {
    let key_sha256 = Digest::of(KEY.as_bytes()).hex();
    Ok(Security {
        id: INVOKER.to_owned(),
        name: INVOKER.parse()?,
        credential: Credential::ApiKey { key_id: String::new(), key_sha256 },
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    })
}

struct NoAccessLog;

impl AccessLog for NoAccessLog {
    fn record(&self, _: &Access<'_>) {}
}
