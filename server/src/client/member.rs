//! `busbar join-token`, `busbar member` and `busbar authority`: who belongs to the cluster, and who signs for it.

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Session,
    answer::view,
    api::{Question, encoded},
    table::{Fields, Table},
};

const TOKENS: &str = "/api/v1/cluster/join-tokens";
const MEMBERS: &str = "/api/v1/cluster/members";
const AUTHORITY: &str = "/api/v1/cluster/authority";
const ROLES: [&str; 4] = ["server", "balancer", "admin", "operator"];

/// Makes a token by which one machine may join the cluster, once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar join-token\n  busbar join-token --role balancer --name lb-1 --life 600\n  busbar join-token --role operator > token"
)]
pub(crate) struct Token {
    /// What it is to be.
    #[arg(long, value_name = "ROLE", default_value = "server", value_parser = ROLES)]
    role: String,
    /// Only a machine of this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Seconds in which it can be used.
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(60..=604_800))]
    life: u64,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows who has a certificate of the cluster.
    #[command(after_help = "Example:\n  busbar member list")]
    List,
    /// Forgets a member: its certificate is not renewed, and opens the admin API no more.
    #[command(after_help = "Example:\n  busbar member forget operator ada")]
    Forget {
        /// Its role.
        #[arg(value_parser = ROLES)]
        role: String,
        /// Its name.
        name: String,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Authority {
    /// Shows the authority of the cluster, and how a roll to the next one stands.
    #[command(after_help = "Example:\n  busbar authority show")]
    Show,
    /// Begins to change to a new authority. It goes on by itself as members confirm each step.
    #[command(after_help = "Example:\n  busbar authority roll")]
    Roll,
    /// Goes back to the authority before, as long as all members still trust it.
    #[command(after_help = "Example:\n  busbar authority turn-back")]
    TurnBack,
}

#[derive(Deserialize)]
struct TokenView {
    token: String,
    expires_at: String,
}

#[derive(Deserialize)]
struct Member {
    role: String,
    name: String,
    expires_at: String,
    joined_at: String,
    seen_at: String,
    certificate_sha256: String,
}

#[derive(Deserialize)]
struct View {
    cluster: String,
    step: String,
    issuer: String,
    trusted: Vec<Trusted>,
    waits_for: Option<Waits>,
}

#[derive(Deserialize)]
struct Trusted {
    number: u32,
    fingerprint: String,
}

#[derive(Deserialize)]
struct Waits {
    missing: String,
    members: Vec<String>,
}

pub(crate) async fn token(session: &mut Session, args: Token) -> anyhow::Result<()> {
    let api = session.admin()?;
    let mut wish = json!({"role": args.role, "life_s": args.life});
    if let Some(name) = args.name {
        wish["name"] = Value::from(name);
    }
    let answer = api.ask(Question::new(Method::POST, TOKENS).json(&wish)).await;
    let answer = answer.context("failed to make a join token")?.json()?;
    if session.output.json() {
        return Ok(session.output.value(&answer)?);
    }
    let made: TokenView = view(&answer)?;
    session.output.text(&made.token)?;
    let text = format!("It lets one machine join until {}: `busbar join TOKEN` there.", made.expires_at);
    Ok(session.output.note(&text)?)
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => {
            let items = api.list(MEMBERS).await.context("failed to look at the members")?;
            if session.output.json() {
                return Ok(session.output.value(&super::api::whole_list(items))?);
            }
            let mut table = Table::new(["role", "name", "joined", "seen", "expires", "sha256"]);
            for member in super::answer::views::<Member>(&items)? {
                let Member { role, name, expires_at, joined_at, seen_at, certificate_sha256 } = member;
                table.row([role, name, joined_at, seen_at, expires_at, certificate_sha256]);
            }
            Ok(session.output.table(&table)?)
        }
        Command::Forget { role, name } => {
            let href = format!("{MEMBERS}/{}/{}", encoded(&role), encoded(&name));
            api.ask(Question::new(Method::DELETE, href)).await.context("failed to forget the member")?;
            let text = format!("{role} {name} is no member of the cluster any more.");
            Ok(session.output.text(&text)?)
        }
    }
}

pub(crate) async fn authority(session: &mut Session, command: Authority) -> anyhow::Result<()> {
    // A roll may wait for who asks about it.
    session.refresh().await?;
    let api = session.admin()?;
    let (question, failed) = match command {
        Authority::Show => (Question::get(AUTHORITY), "failed to look at the authority"),
        Authority::Roll => {
            (Question::new(Method::POST, format!("{AUTHORITY}/roll")), "failed to begin a roll")
        }
        Authority::TurnBack => {
            (Question::new(Method::POST, format!("{AUTHORITY}/turn-back")), "failed to turn back")
        }
    };
    let answer = api.ask(question).await.context(failed)?.json()?;
    if session.output.json() {
        return Ok(session.output.value(&answer)?);
    }
    let shown: View = view(&answer)?;
    let mut fields = Fields::default().with("cluster", shown.cluster).with("step", shown.step);
    for trusted in shown.trusted {
        let signs = if trusted.fingerprint == shown.issuer { ", signs" } else { "" };
        fields = fields.with("authority", format!("{}: {}{signs}", trusted.number, trusted.fingerprint));
    }
    if let Some(waits) = shown.waits_for {
        fields = fields.with("waits for", format!("{} of {}", waits.missing, waits.members.join(", ")));
    }
    Ok(session.output.fields(&fields)?)
}
