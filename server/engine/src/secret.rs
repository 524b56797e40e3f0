//! Secrets of a call: looked up in the catalog that it is pinned to, and opened for who was granted them.

use busbar_model::plugin::Grants;

use crate::catalog::Catalog;

/// Why a plugin does not get a secret.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("no grant names the secret")]
    NotGranted,
    #[error("no secret has this name")]
    Unknown,
    #[error("secret can't be opened: {0}")]
    Unavailable(String),
}

/// The value of a secret. Who was not granted it does not learn whether there is one.
pub fn reveal(catalog: &Catalog, grants: &Grants, name: &str) -> Result<String, Refused> {
    if !grants.allows_secret(name) {
        return Err(Refused::NotGranted);
    }
    let secret = catalog.definitions().secret(name).ok_or(Refused::Unknown)?;
    let opener = catalog.opener().ok_or(Refused::Unknown)?;
    opener.open(secret).map_err(|error| Refused::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use busbar_model::{
        Definitions, Secret, Timestamp,
        plugin::Grants,
        secret::{NONCE_BYTES, Sealed},
    };

    use super::{Refused, reveal};
    use crate::{
        catalog::{Binder, Catalog},
        double::Plain,
        metrics::Metrics,
    };

    fn catalog(secrets: &[(&str, &str)]) -> Catalog {
        let secret = |(name, value): &(&str, &str)| Secret {
            id: (*name).to_owned(),
            name: name.parse().unwrap(),
            description: None,
            sealed: Sealed {
                key_id: "k".to_owned(),
                nonce: [0; NONCE_BYTES],
                ciphertext: value.as_bytes().into(),
            },
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let secrets = secrets.iter().map(secret).collect();
        let mut binder = Binder::new(Arc::new(Metrics::default()), Grants::default(), Arc::new(Plain));
        binder.bind(Definitions { secrets, ..Definitions::default() }, &|_| None).0
    }

    #[test]
    fn a_secret_needs_a_grant() {
        let catalog = catalog(&[("pay-key", "open sesame"), ("empty", "")]);
        let some = Grants { secrets: vec!["pay-key".to_owned()], ..Grants::default() };
        assert_eq!(reveal(&catalog, &some, "pay-key").unwrap(), "open sesame");
        for name in ["empty", "no-such"] {
            assert_eq!(reveal(&catalog, &some, name), Err(Refused::NotGranted), "{name}");
            assert_eq!(reveal(&catalog, &Grants::default(), name), Err(Refused::NotGranted), "{name}");
        }
        let all = Grants::everything();
        assert_eq!(reveal(&catalog, &all, "no-such"), Err(Refused::Unknown));
        assert_eq!(reveal(&catalog, &all, "empty"), Err(Refused::Unavailable("it is empty".to_owned())));
        assert_eq!(reveal(&Catalog::default(), &all, "pay-key"), Err(Refused::Unknown));
    }
}
