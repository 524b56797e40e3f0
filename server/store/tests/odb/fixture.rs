//! A migrated database of the test's own, and short ways to fill it.

use std::collections::BTreeMap;

use busbar_model::{
    Deployment, DeploymentState, Digest, Name, Soap, Timestamp,
    channel::{Address, Draft, Message, Rest},
    deployment::Source,
    path::PathPattern,
    plugin::{Description, Kind},
    security::Credential,
    server::{Condition, Load, Server, Standing, Wanted, Worker, WorkerState},
    service::ServiceDescription,
};
use busbar_store::{Activation, By, Error, Fence, NewDeployment, Odb, Received, security};

use crate::place::Place;

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
pub(crate) const DEAD_MS: i64 = 10_000;

pub(crate) struct Fixture {
    pub(crate) odb: Odb,
    /// Of the lease, which the fixture has.
    pub(crate) fence: Fence,
    pub(crate) place: Place,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        Odb::migrate(&place.url()).unwrap();
        let odb = Odb::open(&place.url(), 4).unwrap();
        let fence = odb.take_lease("here", None, NOW).unwrap().unwrap();
        Self { odb, fence, place }
    }

    /// A handle that shares nothing with the first one, as another process has.
    pub(crate) fn another(&self) -> Odb {
        Odb::open(&self.place.url(), 2).unwrap()
    }

    pub(crate) fn receive(&self, stem: &str, bytes: &[u8]) -> Deployment {
        match self.odb.receive(&by(), new_deployment(stem, bytes)).unwrap() {
            Received::New(deployment) => deployment,
            other => panic!("{other:?}"),
        }
    }

    /// Received, described with `services` and compiled, but not yet active.
    pub(crate) fn compiled(&self, plugin: &str, bytes: &[u8], services: &[&str]) -> Deployment {
        let deployment = self.receive(plugin, bytes);
        self.odb.described(&deployment.id, &description(plugin, services), NOW).unwrap();
        self.odb.compiled_on(&deployment.id, "here", NOW).unwrap();
        deployment
    }

    pub(crate) fn activate(&self, id: &str) -> Result<Activation, Error> {
        self.odb.activate(&by(), id, DEAD_MS, Vec::new())
    }

    /// The whole way; the plugin has a service of its own name.
    pub(crate) fn deploy(&self, plugin: &str, bytes: &[u8]) -> Deployment {
        let deployment = self.compiled(plugin, bytes, &[plugin]);
        self.activate(&deployment.id).unwrap().deployment
    }

    pub(crate) fn active_digest(&self, plugin: &str) -> Option<Digest> {
        self.odb.plugin(plugin).unwrap().active.map(|active| active.digest)
    }

    pub(crate) fn state(&self, id: &str) -> DeploymentState {
        self.odb.deployment(id).unwrap().state
    }
}

pub(crate) fn by() -> By {
    By { actor: "ada".to_owned(), correlation_id: Some("c-1".to_owned()), now: NOW }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn new_deployment<'a>(stem: &str, bytes: &'a [u8]) -> NewDeployment<'a> {
    NewDeployment { id: None, stem: name(stem), bytes, source: Source::Api, forced: false }
}

pub(crate) fn draft(channel: &str, path: &str) -> Draft {
    let address = Address::Rest(Rest::new(PathPattern::parse(path).unwrap()));
    Draft::new(name(channel), name("some-service"), address)
}

/// A REST channel that asks for a security definition.
pub(crate) fn guarded(channel: &str, path: &str, by: &str) -> Draft {
    let rest = Rest { security: Some(name(by)), ..Rest::new(PathPattern::parse(path).unwrap()) };
    Draft { address: Address::Rest(rest), ..draft(channel, path) }
}

pub(crate) fn soap(channel: &str, path: &str, security: Option<&str>, soap: Soap) -> Draft {
    let path_pattern = PathPattern::parse(path).unwrap();
    let message = Message { path: path_pattern, security: security.map(name), soap };
    Draft { address: Address::Soap(message), ..draft(channel, path) }
}

pub(crate) fn basic(definition: &str) -> security::Draft {
    let (username, password_hash) = ("bob".to_owned(), "$argon2id$hush".to_owned());
    security::Draft { name: name(definition), credential: Credential::Basic { username, password_hash } }
}

pub(crate) fn description(plugin: &str, services: &[&str]) -> Description {
    let service = |service: &&str| ServiceDescription {
        name: name(service),
        summary: None,
        input_schema: None,
        output_schema: None,
        channels: Vec::new(),
        calls_per_instance: None,
    };
    Description {
        kind: Kind::Bus,
        name: name(plugin),
        version: "1.0.0".to_owned(),
        services: services.iter().map(service).collect(),
        invokes: Vec::new(),
        secrets: Vec::new(),
        imports: Vec::new(),
    }
}

pub(crate) fn server(server: &str, heartbeat_at: Timestamp) -> Server {
    let worker = Worker {
        slot: 0,
        pid: 4711,
        state: WorkerState::Ready,
        catalog_version: 3,
        load: Load { connections: 7, troubles: vec!["memory".to_owned()], ..Load::default() },
        plugins: BTreeMap::from([(name("echo"), Digest::of(b"echo"))]),
        started_at: NOW,
    };
    Server {
        id: format!("id-of-{server}"),
        name: name(server),
        version: "0.1.0".to_owned(),
        started_at: NOW,
        heartbeat_at,
        engine: "engine-1".to_owned(),
        standing: Standing {
            wanted: Wanted::Serve,
            condition: Condition::Ready,
            reason: None,
            address: Some("10.0.0.1:17010".to_owned()),
            ..Standing::default()
        },
        workers: vec![worker],
    }
}
