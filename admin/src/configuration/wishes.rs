//! From a document to what the ODB is to hold: passwords become hashes, or are sealed as they are put there.

use std::sync::Arc;

use busbar_model::{
    Name, Security,
    configuration::{ConnectionEntry, Document, Hidden, SecretEntry, SecurityEntry, Wish as Given},
    connection::Part,
    dictionary::{self, Unfit},
    fault::FieldError,
    security::Credential,
};
use busbar_store::{Error, SecretWish, SecurityWish, Wanted, Wish, connections};

use crate::{app::App, bounds, problem::Problem};

pub(super) async fn wanted(app: &Arc<App>, document: &Document) -> Result<Wanted, Problem> {
    let present = app.read(|odb| Ok(odb.definitions()?.securities)).await?;
    let mut security = Vec::new();
    for entry in &document.security {
        security.push(wish(app, &present, entry).await?);
    }
    let secrets = document.secrets.iter().map(secret).collect();
    let (plugins, services) = (document.plugins.clone(), document.services.clone());
    let connections = document.connections.iter().map(connection).collect();
    let (calendars, jobs) = (document.calendars.clone(), document.jobs.clone());
    let (channels, dictionaries) = (document.channels.clone(), dictionaries(document)?);
    Ok(Wanted { security, secrets, plugins, services, connections, channels, calendars, jobs, dictionaries })
}

fn connection(entry: &ConnectionEntry) -> connections::Draft {
    let client = entry.client.clone().map(|_, given| match given {
        Some(Hidden::Given(value)) => Some(value.into()),
        Some(Hidden::Wanted { .. }) | None => None,
    });
    connections::Draft { name: entry.name.clone(), active: entry.active, client }
}

/// Each of a dictionary's parts may be right, and not go with the others.
fn dictionaries(document: &Document) -> Result<Vec<dictionary::Draft>, Problem> {
    let (mut drafts, mut errors) = (Vec::new(), Vec::new());
    for entry in &document.dictionaries {
        match entry.draft() {
            Ok(draft) => drafts.push(draft),
            Err(unfit) => {
                errors.extend(unfit.into_iter().map(|Unfit { path, message }| FieldError { path, message }));
            }
        }
    }
    errors.truncate(bounds::MISTAKES_SHOWN_MAX);
    if errors.is_empty() { Ok(drafts) } else { Err(Problem::conflict("conflict", errors)) }
}

fn secret(entry: &SecretEntry) -> SecretWish {
    let value = match &entry.value {
        Some(Hidden::Given(value)) => Some(value.clone().into()),
        Some(Hidden::Wanted { .. }) | None => None,
    };
    SecretWish { name: entry.name.clone(), description: entry.description.clone(), value }
}

async fn wish(app: &Arc<App>, present: &[Security], entry: &SecurityEntry) -> Result<SecurityWish, Problem> {
    let credential = match &entry.credential {
        Given::ApiKey { key } => Wish::ApiKey { key: key.clone() },
        Given::ClientCertificate(certificates) => Wish::ClientCertificate(certificates.clone()),
        Given::WsSecurity { username, password, accepts } => {
            let password = match password {
                Some(Hidden::Given(password)) => Some(password.clone().into()),
                Some(Hidden::Wanted { .. }) | None => None,
            };
            Wish::WsSecurity { username: username.clone(), password, accepts: *accepts }
        }
        Given::Basic { username, password } => {
            let password_hash = match password {
                Some(Hidden::Given(password)) => {
                    hashed(app, hash_of(present, &entry.name), password.clone()).await?
                }
                Some(Hidden::Wanted { .. }) | None => None,
            };
            Wish::Basic { username: username.clone(), password_hash }
        }
    };
    Ok(SecurityWish { name: entry.name.clone(), credential })
}

/// The hash of a password; `None` where it is the present one, whose hash must stay the same for
/// nothing to have changed.
async fn hashed(
    app: &Arc<App>,
    present: Option<String>,
    password: String,
) -> Result<Option<String>, Problem> {
    if let Some(present) = present {
        let _turn = app.hashing.acquire().await.map_err(Problem::internal)?;
        let (fits, password) = (app.password_fits.clone(), password.clone());
        let same = tokio::task::spawn_blocking(move || fits(&present, &password));
        if same.await.map_err(Problem::internal)? {
            return Ok(None);
        }
    }
    app.hash(password).await.map(Some)
}

fn hash_of(present: &[Security], name: &Name) -> Option<String> {
    let definition = present.iter().find(|definition| definition.name == *name)?;
    match &definition.credential {
        Credential::Basic { password_hash, .. } => Some(password_hash.clone()),
        Credential::ApiKey { .. } | Credential::WsSecurity { .. } | Credential::ClientCertificate(_) => None,
    }
}

/// The variable that should have given what is missing.
pub(super) fn variable_of<'d>(document: &'d Document, refusal: &Error) -> Option<&'d str> {
    let hidden = match refusal {
        Error::NoCredential { of: connections::WHAT, name, what } | Error::SecretRequired { name, what } => {
            let entry = document.connections.iter().find(|entry| entry.name == *name)?;
            let part = Part::ALL.into_iter().find(|part| part.as_str() == *what)?;
            entry.client.secret(part)?
        }
        Error::NoCredential { name, .. } => {
            let entry = document.security.iter().find(|entry| entry.name == *name)?;
            match &entry.credential {
                Given::Basic { password, .. } | Given::WsSecurity { password, .. } => password,
                Given::ApiKey { .. } | Given::ClientCertificate(_) => return None,
            }
        }
        Error::NoValue { name } => &document.secrets.iter().find(|entry| entry.name == *name)?.value,
        _ => return None,
    };
    hidden.as_ref()?.wanted()
}
