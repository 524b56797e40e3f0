//! `busbar init`: makes a cluster: its database, its keys, its authority, and the folder of its first admin process.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use busbar_pki::{Cluster, Csr, KeyPair, Name, Role, Subject, TicketKey};
use busbar_registrar::{Error, Registrar};
use busbar_store::{By, Odb};
use serde_json::json;

use super::{
    Session,
    failure::Usage,
    join::{agree, member_name, open, settings_text::with},
};
use crate::{
    clock,
    layout::{Layout, replace_text},
    master_key,
    membership::{Held, hosts},
    settings::{self, Settings},
};

/// Makes a cluster, and this folder that of its first admin process.
///
/// The cluster gets an authority of its own, which signs the certificates of its members; nobody has to make any. Asked
/// again after it was cut off, it goes on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar init prod --odb postgres://busbar:SECRET@db.example.org/busbar --dir /var/lib/busbar-admin\n  busbar init prod --address admin.example.org:8183 --dir /var/lib/busbar-admin\n  busbar init prod --odb mysql://busbar:SECRET@db/busbar --amqp amqp://busbar:SECRET@mq:5672/busbar --address admin.example.org:8183 --dir /var/lib/busbar-admin"
)]
pub(crate) struct Args {
    /// What the cluster is called in certificates, for good: a-z, 0-9 and -, up to 40 characters.
    #[arg(value_name = "CLUSTER")]
    cluster: String,
    /// The database that its servers share: postgres://… or mysql://….
    /// Not needed where `odb.url` is set in busbar.toml or as BUSBAR_ODB_URL, which others on this host don't see.
    #[arg(long, value_name = "URL")]
    odb: Option<String>,
    /// The RabbitMQ by which they tell each other what is new: amqp(s)://USER:PASSWORD@HOST:PORT/VHOST.
    #[arg(long, value_name = "URL")]
    amqp: Option<String>,
    /// Where others reach this admin process; the host's name and the port of --listen if not given.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8183")]
    listen: SocketAddr,
    /// What it is called; the host's name if not given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let unfit = |error: busbar_pki::Error| Usage::error(error.to_string());
    let cluster: Cluster = args.cluster.parse().map_err(unfit)?;
    let name: Name = args.name.clone().unwrap_or_else(member_name).parse().map_err(unfit)?;
    let layout = open(&session.folder, false)?;
    let (text, settings) = settings_of(&layout, &args)?;
    if settings.odb.url.as_deref().is_none_or(|url| url.starts_with("sqlite")) {
        let text =
            "a cluster shares a database of PostgreSQL, MySQL or MariaDB (--odb); SQLite is for one machine";
        return Err(Usage::error(text));
    }
    let who = cluster.clone();
    let made = {
        let (layout, name) = (layout.clone(), name.clone());
        tokio::task::spawn_blocking(move || make(&layout, &settings, &who, name)).await?
    };
    let held = made?;
    replace_text(&layout.settings_file(), &text).context("failed to write busbar.toml")?;
    held.write(&layout).context("failed to keep the certificate")?;
    if session.output.json() {
        let authority = held.confirmed()?.issuer.to_string();
        let value = json!({"cluster": cluster.as_str(), "name": name.as_str(), "authority": authority});
        return Ok(session.output.value(&value)?);
    }
    let folder = session.folder.display();
    Ok(session.output.text(&format!(
        "The cluster {cluster} is made, and {name} is its first admin process.\n\n\
         Start it      busbar admin --dir {folder}\n\
         A server      busbar join-token --dir {folder}, and on its host busbar join TOKEN\n\
         A balancer    busbar join-token --role balancer --dir {folder}\n\
         A person      busbar join-token --role operator --dir {folder}\n\n\
         Back up {folder}/master-key: without it nothing that is secret in the database can be read."
    ))?)
}

fn settings_of(layout: &Layout, args: &Args) -> anyhow::Result<(String, Settings)> {
    let file = layout.settings_file();
    let host = || format!("{}:{}", member_name(), args.listen.port());
    let url = format!("https://{}", args.address.clone().unwrap_or_else(host));
    let listen = args.listen.to_string();
    let mut text = settings::read(&file)?;
    let known = settings::understand(&file, &text, &settings::environment())?;
    agree("odb.url", known.odb.url.as_deref(), args.odb.as_deref())?;
    agree("amqp.url", known.amqp.url.as_deref(), args.amqp.as_deref())?;
    let odb = args.odb.as_deref().map(|url| ("odb", "url", url));
    let amqp = args.amqp.as_deref().map(|url| ("amqp", "url", url));
    let own = [("admin", "listen", listen.as_str()), ("admin", "url", &url)];
    for (section, key, value) in own.into_iter().chain(odb).chain(amqp) {
        text = with(&text, section, key, value);
    }
    let settings = settings::understand(&file, &text, &settings::environment())?;
    Ok((text, settings))
}

fn make(layout: &Layout, settings: &Settings, cluster: &Cluster, name: Name) -> anyhow::Result<Held> {
    let url = settings.odb.url.as_deref().unwrap_or_default();
    Odb::migrate(url).context("failed to make the database's tables")?;
    let path = master_key::path(layout, settings);
    master_key::ensure(&path, url)?;
    let key = Arc::new(master_key::read(&path)?);
    let registrar = Registrar::new(Odb::open(url, 1)?, key);
    let by = By { actor: "busbar init".to_owned(), correlation_id: None, now: clock::now() };
    match registrar.found(&by, cluster) {
        Ok(()) => {}
        // It was cut off before: the master key fits, or it would not have come here.
        Err(Error::Founded { cluster: found }) if found == *cluster => {}
        Err(error @ Error::Founded { .. }) => {
            return Err(Usage::error(format!("{error}: `busbar join` makes this folder a member")));
        }
        Err(error) => return Err(error).context("failed to make the authority"),
    }
    let own = KeyPair::generate()?;
    let subject = Subject { role: Role::Admin, name, hosts: hosts(settings) };
    let granted = registrar.enroll(&by, &subject, &Csr::new(&own)?)?;
    let certificate = granted.certificate.context("no certificate was given")?;
    let held = Held { key: own, certificate, trust: granted.trust, tickets: TicketKey::generate()? };
    held.credentials()?;
    Ok(held)
}
