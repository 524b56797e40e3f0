//! `busbar join`: makes this folder one of a member of a cluster, with a token that one of its admin processes gave.

pub(crate) mod settings_text;

use std::{
    fs,
    io::{self, Read as _},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_model::Timestamp;
use busbar_pki::{
    Certificate, Csr, JoinToken, KeyPair, Name, Role, TicketKey, Trust, joining_config, system_clock,
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::settings_text::{Wanted, with};
use super::{
    Session,
    answer::{Error, view},
    api::{Api, Question},
    dial::Tls,
    failure::Usage,
    locate::Access,
};
use crate::{
    cli,
    layout::{Layout, replace_text, write_private},
    master_key,
    membership::{Held, hosts},
    parent, settings,
};

const PATH: &str = "/api/v1/cluster/join";
const TOKEN_BYTES_MAX: u64 = 16 * 1024;

/// Makes this folder one of a member of a cluster.
///
/// The token says what it becomes: a server, an admin process, a balancer's agent, or a person with the right to
/// administer. It is given a certificate for a key that is made here and stays here, and what it needs to know. Asked
/// again after it was cut off, it goes on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar join busbar-join.1.TOKEN --dir /var/lib/busbar\n  busbar join - --name bus-2 --address bus-2.example.org:17010 --dir /var/lib/busbar < token"
)]
pub(crate) struct Args {
    /// What `busbar join-token` gave; - reads it from standard input, where others don't see it.
    #[arg(value_name = "TOKEN")]
    token: String,
    /// What it is called in the cluster; the host's name if not given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where balancers reach a server, or others an admin process; the host's name and the port if not given.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Where a server takes calls, or an admin process listens.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Also if the folder is one of a member: whose certificate ended, or who was forgotten.
    #[arg(long)]
    again: bool,
}

/// What the registrar gave.
#[derive(Deserialize)]
struct Joined {
    cluster: String,
    role: String,
    name: String,
    certificate: String,
    trust: String,
    settings: Option<Shared>,
}

#[derive(Deserialize)]
struct Shared {
    odb_url: String,
    amqp_url: Option<String>,
    master_key: String,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let token = JoinToken::parse(&text_of(&args.token)?).map_err(|error| Usage::error(error.to_string()))?;
    let layout = open(&session.folder, args.again)?;
    let file = layout.settings_file();
    let text = settings::read(&file)?;
    let understood = |text: &str| settings::understand(&file, text, &settings::environment());
    let known = understood(&text)?;
    agree("server.name", known.server.name.as_deref(), args.name.as_deref())?;
    agree("server.address", known.server.address.as_deref(), args.address.as_deref())?;
    let name = args.name.or_else(|| known.server.name.clone()).unwrap_or_else(member_name);
    let name: Name = name.parse().map_err(|error: busbar_pki::Error| Usage::error(error.to_string()))?;
    // Found out before the token is used.
    understood(&with(&text, "server", "name", name.as_str()))?;
    let key = key(&layout)?;
    let mut of_hosts = known.clone();
    of_hosts.server.address = args.address.clone().or(of_hosts.server.address);
    let asks = json!({
        "id": token.id,
        "secret": token.secret.to_text().as_str(),
        "name": name.as_str(),
        "hosts": hosts(&of_hosts).iter().map(ToString::to_string).collect::<Vec<_>>(),
        "request": Csr::new(&key)?.to_pem(),
    });
    let (url, answer) = ask(&token, &asks).await?;
    let joined: Joined = view(&answer)?;
    let trust = Trust::from_pem(&joined.trust)?;
    anyhow::ensure!(
        token.pins.iter().any(|pin| trust.fingerprints().contains(pin)),
        "{url} trusts authorities that the token does not name: make another token"
    );
    let certificate = Certificate::from_pem(&joined.certificate)?;
    let held = Held { key, certificate, trust, tickets: TicketKey::generate()? };
    held.credentials().context("what the admin process gave does not fit together")?;
    let role: Role = joined.role.parse()?;
    let wanted = Wanted {
        role,
        name: &joined.name,
        address: args.address.as_deref(),
        listen: args.listen,
        admin_url: &url,
        odb_url: joined.settings.as_ref().map(|shared| shared.odb_url.as_str()),
        amqp_url: joined.settings.as_ref().and_then(|shared| shared.amqp_url.as_deref()),
    };
    let text = wanted.written(&text, &known);
    understood(&text).with_context(|| format!("what stands in {} is in the way", file.display()))?;
    keep((&layout, &master_key::path(&layout, &known)), &held, &joined, &text)?;
    tell(session, &joined, &held, role)
}

/// What is asked for on the command line and what stands in the settings are one thing.
pub(crate) fn agree(key: &str, known: Option<&str>, asked: Option<&str>) -> anyhow::Result<()> {
    match (known, asked) {
        (Some(known), Some(asked)) if known != asked => {
            Err(Usage::error(format!("{key} is {known:?} in the settings, and {asked:?} is asked for")))
        }
        _ => Ok(()),
    }
}

/// `again`: what makes it the folder of a member is replaced.
pub(crate) fn open(folder: &Path, again: bool) -> anyhow::Result<Layout> {
    let layout =
        Layout::create(folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
    if let Some(pid) = parent::running(&layout)? {
        return Err(Usage::error(format!("process {pid} runs in {}: stop it first", folder.display())));
    }
    if again {
        return Ok(layout);
    }
    if let Some(held) = Held::read(&layout)? {
        let who = held.identity()?;
        return Err(Usage::error(format!(
            "{} is the folder of {} {} of the cluster {} already; --again joins all the same",
            folder.display(),
            who.role,
            who.name,
            who.cluster
        )));
    }
    Ok(layout)
}

/// The host's name in lower case, as far as it is one of a member.
pub(crate) fn member_name() -> String {
    cli::host_name().to_ascii_lowercase().replace('_', "-")
}

fn text_of(given: &str) -> anyhow::Result<Zeroizing<String>> {
    if given != "-" {
        return Ok(Zeroizing::new(given.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(TOKEN_BYTES_MAX).read_to_string(&mut text).context("failed to read the token")?;
    Ok(text)
}

/// Made once: by it who joins is known when it asks again.
fn key(layout: &Layout) -> anyhow::Result<KeyPair> {
    let path = layout.run().join("joining-key.pem");
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => Ok(KeyPair::from_pem(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write_private(&path, &key.to_pem())?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// The first admin process that is there answers.
async fn ask(token: &JoinToken, asks: &Value) -> anyhow::Result<(String, Value)> {
    let config = Arc::new(joining_config(&token.pins, &system_clock())?);
    let mut unreachable = None;
    for url in &token.urls {
        let tls = Some(Tls::Joining(Arc::clone(&config)));
        let access = Access { url: url.clone(), secret: None, origin: "the token".to_owned(), tls };
        match Api::admin(access)?.ask(Question::new(Method::POST, PATH).json(asks)).await {
            Ok(answer) => return Ok((url.clone(), answer.json()?)),
            Err(error @ Error::Unreachable { .. }) => unreachable = Some(error),
            Err(error) => return Err(error).context("failed to join"),
        }
    }
    match unreachable {
        Some(error) => Err(error).context("failed to join"),
        None => Err(Usage::error("the token names no admin process")),
    }
}

/// The certificate comes last: with it the folder is a member's.
fn keep(
    (layout, master_key): (&Layout, &Path),
    held: &Held,
    joined: &Joined,
    settings: &str,
) -> anyhow::Result<()> {
    if let Some(shared) = &joined.settings {
        let bytes = STANDARD.decode(&shared.master_key).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| anyhow::anyhow!("the master key that was given is damaged"))?;
        master_key::receive(master_key, &bytes)?;
    }
    replace_text(&layout.settings_file(), settings).context("failed to write busbar.toml")?;
    held.write(layout).context("failed to keep the certificate")?;
    let _ = fs::remove_file(layout.run().join("joining-key.pem"));
    Ok(())
}

fn tell(session: &mut Session, joined: &Joined, held: &Held, role: Role) -> anyhow::Result<()> {
    let Joined { cluster, name, .. } = joined;
    if session.output.json() {
        let expires_at = Timestamp::from(held.certificate.not_after());
        let value =
            json!({"cluster": cluster, "role": role.as_str(), "name": name, "expires_at": expires_at});
        return Ok(session.output.value(&value)?);
    }
    let folder = session.folder.display();
    let next = match role {
        Role::Server => format!("`busbar server --dir {folder}` starts it."),
        Role::Admin => format!("`busbar admin --dir {folder}` starts it."),
        Role::Balancer => format!("`busbar lb-agent --dir {folder}` starts it."),
        Role::Operator => format!("Commands find the cluster by --dir {folder}."),
    };
    Ok(session.output.text(&format!("{name} is a member of the cluster {cluster}, as {role}. {next}"))?)
}
