//! What a folder needs before its first start, and what is said to the person who started it.

mod broker;

use std::{
    fs, io,
    io::{IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use busbar_model::security::INVOKER;
use busbar_store::{By, Error, Odb, Page, security};

pub(crate) use self::broker::Broker;
use crate::{
    clock,
    layout::{Layout, write_private},
    parent::Endpoints,
};

/// Makes the ODB, the secrets and, where there was no ODB yet, drops the services of `seeds`.
pub(crate) fn prepare(layout: &Layout, odb_url: &str, seeds: Option<&Path>) -> anyhow::Result<()> {
    // The ODB comes last: were it first, a start that was interrupted would leave seeds behind.
    if let Some(folder) = seeds
        && !Odb::is_begun(odb_url).context("failed to open the ODB")?
    {
        drop_seeds(folder, layout)?;
    }
    Odb::migrate(odb_url).context("failed to migrate the ODB")?;
    ensure_token(layout)?;
    let odb = Odb::open(odb_url, 1).context("failed to open the ODB")?;
    ensure_invoker(layout, &odb)
}

/// The admin token, made where there is none.
pub(crate) fn ensure_token(layout: &Layout) -> anyhow::Result<()> {
    if !layout.admin_token().exists() {
        let (token, _) = busbar_admin::new_api_key()?;
        write_private(&layout.admin_token(), &token).context("failed to write admin-token")?;
    }
    Ok(())
}

fn by() -> By {
    By { actor: "quickstart".to_owned(), correlation_id: None, now: clock::now() }
}

fn drop_seeds(folder: &Path, layout: &Layout) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("failed to read the services in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let name = path.file_name().context("failed to name a service's file")?;
            fs::copy(&path, layout.pickup().join(name))
                .with_context(|| format!("failed to copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// The key for calls by name: in a file for whoever may read the folder, as a digest in the ODB.
fn ensure_invoker(layout: &Layout, odb: &Odb) -> anyhow::Result<()> {
    let known = odb
        .securities(
            &Page::first(1),
            &security::Filter { name: Some(INVOKER.to_owned()), ..security::Filter::default() },
        )?
        .items
        .pop();
    if known.is_some() && layout.invoker_key().exists() {
        return Ok(());
    }
    let by = by();
    let (key, credential) = busbar_admin::new_api_key()?;
    match known {
        None => {
            let draft = security::Draft { name: INVOKER.parse()?, credential };
            odb.create_security(&by, draft)?;
        }
        Some(known) => {
            odb.update_security::<Error>(&by, &known.id, None, |draft| {
                Ok(security::Draft { credential: credential.clone(), ..draft })
            })?;
        }
    }
    write_private(&layout.invoker_key(), &key).context("failed to write invoker-key")
}

/// Says where everything is and what to try.
pub(crate) fn greet(endpoints: &Endpoints) {
    let text = welcome(endpoints, std::io::stdout().is_terminal());
    // Nobody may be listening.
    let _: io::Result<()> = std::io::stdout().lock().write_all(text.as_bytes());
}

fn welcome(endpoints: &Endpoints, terminal: bool) -> String {
    let (bold, plain) = if terminal { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let Endpoints { http, admin, folder, .. } = endpoints;
    let admin = admin.as_deref().unwrap_or_default();
    format!(
        "
{bold}Busbar is up.{plain}  services {http}   admin {admin}   folder {folder}

{bold}Try{plain}
  curl {http}/greet/Ada
  curl {http}/greet -d '{{\"name\":\"Ada\",\"language\":\"fr\"}}'
  curl '{http}/echo?colour=blue' -d 'hello'
  curl {http}/wasi-http/any/path
  curl -i {http}/orders -d '{{\"customer\":\"Ada\",\"email\":\"ada@example.org\",\"lines\":[{{\"sku\":\"tea\",\"quantity\":2}}]}}'
  curl '{http}/soap/orders?wsdl'
  curl {http}/_busbar/invoke/greeter.greet -H \"X-API-Key: $(cat {folder}/invoker-key)\" -d '{{\"name\":\"Ada\"}}'

{bold}Deploy{plain}  drop a component; it is live on every worker when the file has moved to pickup/deployed
  cp my-service.wasm {folder}/pickup/

{bold}See{plain}
  curl {admin}/api/v1/services -H \"Authorization: Bearer $(cat {folder}/admin-token)\"
  curl {http}/_busbar/openapi.json
  curl {admin}/metrics
  tail -f {folder}/logs/access-*.jsonl

Ctrl-C stops all of it; started again on the same folder it keeps its state.

"
    )
}
