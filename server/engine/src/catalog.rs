//! The immutable snapshot of all definitions that a call is pinned to, bound to loaded plugins.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use busbar_model::{
    Channel, Definitions, Dictionary, Digest, Name, Plugin as PluginDefinition, Service,
    definitions::{Routes, Target},
    dictionary::Lookup,
    openapi,
    plugin::{ActiveVersion, Grants},
    router::Router,
    security::INVOKER,
    service::{Limits, ServiceDescription},
};
use bytes::Bytes;

use crate::{
    authenticate::Guard,
    contract::Contract,
    cors::Policy,
    deliver,
    gate::Gate,
    metrics::{Meter, Metrics},
    ports::{Opener, Plugin},
    soap::{Operations, SoapAddress},
};

/// A service whose plugin is loaded.
pub struct BoundService {
    pub name: Name,
    pub plugin_name: Name,
    pub limits: Limits,
    pub grants: Grants,
    /// A JSON object.
    pub config: Arc<serde_json::Value>,
    pub plugin: Arc<dyn Plugin>,
    pub(crate) contract: Arc<Contract>,
    pub(crate) gate: Arc<Gate>,
    /// Counts calls that come from other services.
    pub(crate) invoke_meter: Arc<Meter>,
    pub(crate) by_name_meter: Arc<Meter>,
    pub(crate) delivery_meter: Arc<Meter>,
}

/// What stands behind a service's name.
#[derive(Clone)]
pub enum Slot {
    Live(Arc<BoundService>),
    /// Known, but no version of its plugin is live or could be loaded.
    NotLive,
    /// Its plugin is out of service, because processes died with it.
    Quarantined,
    /// Nothing of this name was ever deployed.
    Unknown,
}

/// A channel with all that its requests need.
pub(crate) struct Route {
    pub(crate) channel: Channel,
    pub(crate) guard: Admission,
    pub(crate) service: Slot,
    pub(crate) meter: Arc<Meter>,
    pub(crate) cors: Option<Policy>,
}

/// Who may pass a channel.
pub(crate) enum Admission {
    Open,
    Guarded(Arc<Guard>),
    /// The channel names a definition that does not exist.
    Closed,
}

#[derive(Default)]
pub struct Catalog {
    /// Without dictionaries, which need not be held twice.
    definitions: Definitions,
    dictionaries: HashMap<Name, Arc<Lookup>>,
    routes: Vec<Route>,
    router: Router<Target>,
    soap: Vec<SoapAddress>,
    /// Channels that messages of queues come by.
    queues: HashMap<Name, usize>,
    services: HashMap<Name, Slot>,
    invoker: Option<Arc<Guard>>,
    opener: Option<Arc<dyn Opener>>,
    openapi: OnceLock<Bytes>,
}

/// What outlives a catalog: counters, gates, guards and dictionaries that did not change.
pub struct Binder {
    metrics: Arc<Metrics>,
    gates: HashMap<Name, Arc<Gate>>,
    guards: HashMap<String, Arc<Guard>>,
    contracts: HashMap<Name, Arc<Contract>>,
    operations: Operations,
    dictionaries: HashMap<Name, Arc<Lookup>>,
    /// What a plugin may reach when nobody has set its grants.
    grants_default: Grants,
    opener: Arc<dyn Opener>,
}

impl Binder {
    pub fn new(metrics: Arc<Metrics>, grants_default: Grants, opener: Arc<dyn Opener>) -> Self {
        Self {
            metrics,
            gates: HashMap::new(),
            guards: HashMap::new(),
            contracts: HashMap::new(),
            operations: Operations::default(),
            dictionaries: HashMap::new(),
            grants_default,
            opener,
        }
    }

    /// Binds definitions to the plugins that `loaded` finds. Problems that leave a part of the
    /// catalog unusable are returned beside it; the rest of it works.
    pub fn bind(
        &mut self,
        mut definitions: Definitions,
        loaded: &dyn Fn(&ActiveVersion) -> Option<Arc<dyn Plugin>>,
    ) -> (Catalog, Vec<String>) {
        let mut problems = Vec::new();
        let dictionaries = std::mem::take(&mut definitions.dictionaries);
        self.dictionaries = dictionaries.into_iter().map(|it| self.dictionary(it)).collect();
        let guards: HashMap<String, Arc<Guard>> =
            definitions.securities.iter().map(|s| (s.name.to_string(), self.guard(s))).collect();
        let services: HashMap<Name, Slot> = definitions
            .services
            .iter()
            .map(|service| (service.name.clone(), self.slot(service, &definitions, loaded, &mut problems)))
            .collect();
        let Routes { router, conflicts, soap } = definitions.routes();
        problems.extend(conflicts.iter().map(ToString::to_string));
        let routes: Vec<Route> = definitions
            .channels
            .iter()
            .map(|channel| Route {
                guard: admission(channel, &guards, &mut problems),
                service: services.get(channel.service.as_str()).cloned().unwrap_or(Slot::NotLive),
                meter: self.metrics.meter(channel.service.as_str(), channel.name.as_str()),
                cors: channel.address.rest().and_then(|rest| rest.cors.as_ref()).map(Policy::of),
                channel: channel.clone(),
            })
            .collect();
        let queues = routes.iter().enumerate().filter(|(_, route)| route.channel.address.amqp().is_some());
        let queues = queues.map(|(at, route)| (route.channel.name.clone(), at)).collect();
        let soap = self.operations.addresses(&definitions, &soap, &routes, &mut problems);
        self.gates.retain(|name, _| services.contains_key(name));
        self.contracts.retain(|name, _| services.contains_key(name));
        self.guards = guards;
        let invoker = self.guards.get(INVOKER).cloned();
        let catalog = Catalog {
            definitions,
            dictionaries: self.dictionaries.clone(),
            routes,
            router,
            soap,
            queues,
            services,
            invoker,
            opener: Some(Arc::clone(&self.opener)),
            openapi: OnceLock::new(),
        };
        (catalog, problems)
    }

    fn dictionary(&self, dictionary: Dictionary) -> (Name, Arc<Lookup>) {
        let name = dictionary.draft.name.clone();
        match self.dictionaries.get(&name).filter(|known| *known.dictionary() == dictionary) {
            Some(unchanged) => (name, Arc::clone(unchanged)),
            None => (name, Arc::new(Lookup::new(dictionary))),
        }
    }

    fn guard(&self, security: &busbar_model::Security) -> Arc<Guard> {
        match self.guards.get(security.name.as_str()).filter(|known| known.is_of(security)) {
            Some(unchanged) => Arc::clone(unchanged),
            None => Arc::new(Guard::new(security)),
        }
    }

    fn slot(
        &mut self,
        service: &Service,
        definitions: &Definitions,
        loaded: &dyn Fn(&ActiveVersion) -> Option<Arc<dyn Plugin>>,
        problems: &mut Vec<String>,
    ) -> Slot {
        let owner = definitions.plugin(service.plugin.as_str());
        let active = owner.and_then(|definition| definition.active.as_ref());
        if active.is_some_and(|active| active.quarantine.is_some()) {
            return Slot::Quarantined;
        }
        let live = owner.and_then(|definition| {
            let active = definition.active.as_ref()?;
            let described = active.description.services.iter().find(|d| d.name == service.name)?;
            Some((definition, described, loaded(active)?))
        });
        let Some((definition, described, plugin)) = live else { return Slot::NotLive };
        let limits = service.limits.over(described.calls_per_instance);
        Slot::Live(Arc::new(BoundService {
            name: service.name.clone(),
            plugin_name: definition.name.clone(),
            grants: self.grants(definition),
            config: Arc::new(definition.config.clone()),
            plugin,
            contract: self.contract(described, problems),
            gate: self.gate(&service.name, &limits),
            invoke_meter: self.metrics.meter(service.name.as_str(), "_invoke"),
            by_name_meter: self.metrics.meter(service.name.as_str(), "_by-name"),
            delivery_meter: self.metrics.meter(service.name.as_str(), deliver::CHANNEL),
            limits,
        }))
    }

    fn grants(&self, plugin: &PluginDefinition) -> Grants {
        plugin.grants.clone().unwrap_or_else(|| self.grants_default.clone())
    }

    fn contract(&mut self, service: &ServiceDescription, problems: &mut Vec<String>) -> Arc<Contract> {
        match self.contracts.get(&service.name).filter(|known| known.is_of(service)) {
            Some(unchanged) => Arc::clone(unchanged),
            None => {
                let (contract, unusable) = Contract::of(service);
                problems.extend(unusable.iter().map(|schema| format!("{schema}; it is not checked against")));
                let contract = Arc::new(contract);
                self.contracts.insert(service.name.clone(), Arc::clone(&contract));
                contract
            }
        }
    }

    fn gate(&mut self, service: &Name, limits: &Limits) -> Arc<Gate> {
        match self.gates.get(service).filter(|gate| gate.has(limits.concurrency, limits.queue)) {
            Some(unchanged) => Arc::clone(unchanged),
            None => {
                let gate = Arc::new(Gate::new(limits.concurrency, limits.queue));
                self.gates.insert(service.clone(), Arc::clone(&gate));
                gate
            }
        }
    }
}

fn admission(
    channel: &Channel,
    guards: &HashMap<String, Arc<Guard>>,
    problems: &mut Vec<String>,
) -> Admission {
    match channel.address.security() {
        None => Admission::Open,
        Some(name) => match guards.get(name.as_str()) {
            Some(guard) => Admission::Guarded(Arc::clone(guard)),
            None => {
                problems.push(format!(
                    "channel {:?} asks for security definition {name:?}, which does not exist",
                    channel.name
                ));
                Admission::Closed
            }
        },
    }
}

impl Catalog {
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    pub fn version(&self) -> i64 {
        self.definitions.version
    }

    /// The versions of plugins that calls pinned to this catalog meet.
    pub fn plugins(&self) -> impl Iterator<Item = (Name, Digest)> {
        let live = self.services.values().filter_map(|slot| match slot {
            Slot::Live(service) => Some((service.plugin_name.clone(), service.plugin.digest())),
            Slot::NotLive | Slot::Quarantined | Slot::Unknown => None,
        });
        live.collect::<HashMap<_, _>>().into_iter()
    }

    /// OpenAPI of the channels, as JSON text.
    pub fn openapi(&self) -> Bytes {
        self.openapi.get_or_init(|| openapi::document(&self.definitions).to_string().into()).clone()
    }

    pub fn service(&self, name: &str) -> &Slot {
        self.services.get(name).unwrap_or(&Slot::Unknown)
    }

    pub(crate) fn dictionary(&self, name: &Name) -> Option<&Lookup> {
        self.dictionaries.get(name).map(AsRef::as_ref)
    }

    /// `None` in the catalog before the first, which has no secrets either.
    pub(crate) fn opener(&self) -> Option<&dyn Opener> {
        self.opener.as_deref()
    }

    pub(crate) fn routes(&self) -> (&Router<Target>, &[Route]) {
        (&self.router, &self.routes)
    }

    pub(crate) fn route(&self, at: usize) -> Option<&Route> {
        self.routes.get(at)
    }

    pub(crate) fn queue(&self, channel: &Name) -> Option<&Route> {
        self.route(*self.queues.get(channel)?)
    }

    pub(crate) fn soap(&self, at: usize) -> Option<&SoapAddress> {
        self.soap.get(at)
    }

    pub(crate) fn invoker(&self) -> Option<&Arc<Guard>> {
        self.invoker.as_ref()
    }
}

impl Route {
    /// Whether its callers are told by their messages.
    pub(crate) fn is_by_message(&self) -> bool {
        matches!(&self.guard, Admission::Guarded(guard) if guard.is_by_message())
    }
}
