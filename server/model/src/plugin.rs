//! Plugins: components, addressed by their content, that carry services.

use serde::{Deserialize, Serialize};

use crate::{
    bounds, digest::Digest, name::Name, quarantine::Quarantine, service::ServiceDescription, time::Timestamp,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Exports `busbar:bus/service`.
    Bus,
    /// Exports `wasi:http/incoming-handler` 0.2.
    WasiHttp,
}

/// What a component says of itself, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub kind: Kind,
    pub name: Name,
    pub version: String,
    pub services: Vec<ServiceDescription>,
    /// Services that it says it invokes.
    pub invokes: Vec<String>,
    /// Secrets that it says it reads.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Interfaces that it imports, as written: `busbar:bus/log@0.1.0`.
    pub imports: Vec<String>,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidDescription {
    #[error("the plugin offers no service")]
    NoService,
    #[error("the plugin offers {0} services; at most {max} are allowed", max = bounds::PLUGIN_SERVICES_MAX)]
    TooManyServices(usize),
    #[error("service {0:?} is described twice")]
    Twice(String),
    #[error("a {which} schema of service {service:?} is not a JSON object")]
    Schema { service: String, which: &'static str },
}

impl Description {
    /// A plain `wasi:http` component is named by its file and answers below `/{name}`.
    pub fn of_wasi_http(name: Name, imports: Vec<String>) -> Self {
        let proposal = |path: String| crate::service::ChannelProposal {
            protocol: "rest".to_owned(),
            path,
            methods: Vec::new(),
        };
        let channels = vec![proposal(format!("/{name}")), proposal(format!("/{name}/{{rest...}}"))];
        let service = ServiceDescription {
            name: name.clone(),
            summary: None,
            input_schema: None,
            output_schema: None,
            channels,
            calls_per_instance: None,
        };
        Self {
            kind: Kind::WasiHttp,
            name,
            version: String::new(),
            services: vec![service],
            invokes: Vec::new(),
            secrets: Vec::new(),
            imports,
        }
    }

    pub fn check(&self) -> Result<(), InvalidDescription> {
        match self.services.len() {
            0 => return Err(InvalidDescription::NoService),
            n if n > bounds::PLUGIN_SERVICES_MAX => return Err(InvalidDescription::TooManyServices(n)),
            _ => {}
        }
        for (at, service) in self.services.iter().enumerate() {
            if self.services[..at].iter().any(|other| other.name == service.name) {
                return Err(InvalidDescription::Twice(service.name.to_string()));
            }
            for (which, schema) in [("input", &service.input_schema), ("output", &service.output_schema)] {
                if schema.as_ref().is_some_and(|schema| !schema.is_object() && !schema.is_boolean()) {
                    return Err(InvalidDescription::Schema { service: service.name.to_string(), which });
                }
            }
        }
        Ok(())
    }
}

/// What a plugin may reach. Patterns are names, or a prefix that ends in `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    #[serde(default)]
    pub invoke: Vec<String>,
    #[serde(default)]
    pub secrets: Vec<String>,
    #[serde(default)]
    pub connections: Vec<String>,
    #[serde(default)]
    pub dictionaries: Vec<String>,
}

impl Grants {
    /// Everything; what development mode gives a plugin whose grants nobody has set.
    pub fn everything() -> Self {
        let all = || vec!["*".to_owned()];
        Self { invoke: all(), secrets: all(), connections: all(), dictionaries: all() }
    }

    pub fn allows_invoke(&self, service: &str) -> bool {
        allows(&self.invoke, service)
    }

    pub fn allows_secret(&self, secret: &str) -> bool {
        allows(&self.secrets, secret)
    }

    pub fn allows_connection(&self, connection: &str) -> bool {
        allows(&self.connections, connection)
    }

    pub fn allows_dictionary(&self, dictionary: &str) -> bool {
        allows(&self.dictionaries, dictionary)
    }

    /// Each kind by the name of its member, with its patterns.
    pub fn kinds(&self) -> [(&'static str, &[String]); 4] {
        [
            ("invoke", &self.invoke),
            ("secrets", &self.secrets),
            ("connections", &self.connections),
            ("dictionaries", &self.dictionaries),
        ]
    }

    /// Grants of what a description says it needs.
    pub fn check(&self) -> Result<(), InvalidGrant> {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.strip_suffix('.').unwrap_or(prefix).parse::<Name>().is_ok(),
            None => pattern.parse::<Name>().is_ok(),
        };
        match self.kinds().into_iter().flat_map(|(_, patterns)| patterns).find(|pattern| !fits(pattern)) {
            Some(odd) => Err(InvalidGrant(odd.clone())),
            None => Ok(()),
        }
    }
}

fn allows(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    })
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("grant {0:?} is neither a name nor a prefix that ends in '*'")]
pub struct InvalidGrant(pub String);

/// A plugin as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    pub id: String,
    pub name: Name,
    /// The live version, with what it says of itself. `None`: recalled.
    pub active: Option<ActiveVersion>,
    /// `None` until someone sets them.
    pub grants: Option<Grants>,
    /// A JSON object.
    pub config: serde_json::Value,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveVersion {
    pub deployment: String,
    pub digest: Digest,
    pub description: Description,
    /// It is out of service, because processes died with it.
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
}

#[cfg(test)]
mod tests {
    use super::Grants;

    #[test]
    fn a_grant_is_a_name_or_a_prefix() {
        let invoke = vec!["prices.lookup".into(), "mailer.*".into()];
        let one = |name: &str| vec![name.to_owned()];
        let (secrets, connections, dictionaries) = (one("pay-key"), one("broker"), one("countries"));
        let grants = Grants { invoke, secrets, connections, dictionaries };
        assert!(grants.allows_invoke("prices.lookup"));
        assert!(grants.allows_invoke("mailer.confirm"));
        assert!(!grants.allows_invoke("prices.lookup2"));
        assert!(!grants.allows_invoke("mailer"));
        assert!(!Grants::default().allows_invoke("x"));
        assert!(Grants::everything().allows_invoke("x"));
        assert!(grants.allows_secret("pay-key") && !grants.allows_secret("prices.lookup"));
        assert!(grants.allows_connection("broker") && !grants.allows_connection("pay-key"));
        assert!(grants.allows_dictionary("countries") && !grants.allows_dictionary("broker"));
        assert!(!Grants::default().allows_dictionary("x") && Grants::everything().allows_dictionary("x"));
        assert!(!Grants::default().allows_secret("x") && !Grants::default().allows_connection("x"));
        assert!(Grants::everything().allows_secret("x") && Grants::everything().allows_connection("x"));
    }

    #[test]
    fn a_pattern_in_the_middle_is_refused() {
        let good = || vec!["a.*".into(), "*".into(), "a.b".into()];
        let bad = || vec!["a*b".into()];
        let all = Grants { invoke: good(), secrets: good(), connections: good(), dictionaries: good() };
        assert!(all.check().is_ok());
        assert!(Grants { invoke: bad(), ..all.clone() }.check().is_err());
        assert!(Grants { secrets: bad(), ..all.clone() }.check().is_err());
        assert!(Grants { dictionaries: bad(), ..all.clone() }.check().is_err());
        assert!(Grants { connections: bad(), ..all }.check().is_err());
    }
}
