//! `busbar lb-agent`: keeps this host's HAProxy at what the cluster wants, which it takes from the admin API.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use busbar_lb_agent::{Options, Source, Unavailable};
use busbar_lb_config::{
    BindSettings, BindTls, FilePath, Hop, HopTls, ListenAddress, Report, Settings, State,
};
use busbar_pki::{Expected, Role};
use http::Method;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli,
    client::{Access, Api, Question, Tls},
    layout::Layout,
    logging,
    membership::{LOOK_EVERY, Membership, Remote, TLS_CA, TLS_MEMBER, keep},
    settings,
};

const STATE: &str = "/api/v1/balancer/state";
const REPORTS: &str = "/api/v1/balancer/reports";
/// An admin process that does not answer is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs until a signal says stop. HAProxy runs on.
pub(crate) fn run(folder: &Path) -> anyhow::Result<()> {
    let (layout, settings, _) = cli::open(folder)?;
    let logs = settings.log.dir.clone().unwrap_or_else(|| layout.logs());
    logging::start("lb-agent", &logs, &settings.log.level)?;
    let name = settings.server.name.clone().unwrap_or_else(cli::host_name);
    let mut options = Options::new(&name, layout.balancer());
    options.haproxy = settings.balancer.haproxy.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let administration = Administration::of(&layout, &settings)?;
        if let Some(desk) = administration.desk(&layout) {
            tokio::spawn(keep(layout.clone(), desk, Vec::new(), LOOK_EVERY));
        }
        tracing::info!(pid = std::process::id(), name, "the balancer's agent runs");
        Ok(busbar_lb_agent::run(options, administration, stop).await?)
    })
}

/// The admin API, and what this host adds to what it says.
struct Administration {
    api: Arc<Api>,
    front_end: Vec<BindSettings>,
    hop: Hop,
    is_member: bool,
}

fn token(layout: &Layout, settings: &settings::Settings) -> anyhow::Result<String> {
    match &settings.admin.token {
        Some(token) => Ok(token.clone()),
        None => std::fs::read_to_string(layout.admin_token())
            .context("failed to read admin-token; set admin.token, or put the admin process's file there"),
    }
}

/// The hop to servers by the agent's own certificate.
fn of_membership(layout: &Layout) -> anyhow::Result<HopTls> {
    let file = |name: &str| {
        let path = layout.tls().join(name);
        FilePath::new(&path.to_string_lossy()).with_context(|| format!("failed to use {}", path.display()))
    };
    Ok(HopTls { ca: file(TLS_CA)?, certificate: file(TLS_MEMBER)? })
}

impl Administration {
    fn of(layout: &Layout, settings: &settings::Settings) -> anyhow::Result<Self> {
        let membership = Membership::begin(layout).context("failed to read the certificate in tls")?;
        let (secret, tls) = match &membership {
            Some(membership) => {
                let connector = membership.connector(Expected::any(Role::Admin))?;
                (None, Some(Tls::Member(connector)))
            }
            None => (Some(token(layout, settings)?), None),
        };
        let scheme = if membership.is_some() { "https" } else { "http" };
        let url = settings.admin.url.clone();
        let url = url.unwrap_or_else(|| format!("{scheme}://{}", settings.admin.listen));
        let access = Access { url, secret, origin: "admin.url".to_owned(), tls };
        let (front_end, mut hop) = of_this_host(&settings.balancer)?;
        if membership.is_some() && hop.tls.is_none() {
            hop.tls = Some(of_membership(layout)?);
        }
        Ok(Self { api: Arc::new(Api::admin(access)?), front_end, hop, is_member: membership.is_some() })
    }

    /// Where the agent of a member asks what is new for it.
    fn desk(&self, layout: &Layout) -> Option<Remote> {
        self.is_member.then(|| Remote::of_balancer(Arc::clone(&self.api), layout.balancer()))
    }
}

fn of_this_host(balancer: &settings::Balancer) -> anyhow::Result<(Vec<BindSettings>, Hop)> {
    let file = |key: &str, path: &str| FilePath::new(path).with_context(|| format!("failed to use {key}"));
    let mut front_end = vec![BindSettings { address: ListenAddress::new(&balancer.listen)?, tls: None }];
    match (&balancer.tls_listen, &balancer.tls_certificate) {
        (Some(address), Some(certificate)) => {
            let client_ca = balancer.tls_client_ca.as_deref();
            let tls = BindTls {
                certificate: file("balancer.tls_certificate", certificate)?,
                client_ca: client_ca.map(|path| file("balancer.tls_client_ca", path)).transpose()?,
                http2: true,
            };
            front_end.push(BindSettings { address: ListenAddress::new(address)?, tls: Some(tls) });
        }
        (None, None) => {}
        _ => bail!("balancer.tls_listen and balancer.tls_certificate go together"),
    }
    let tls = match (&balancer.hop_ca, &balancer.hop_certificate) {
        (Some(ca), Some(certificate)) => Some(HopTls {
            ca: file("balancer.hop_ca", ca)?,
            certificate: file("balancer.hop_certificate", certificate)?,
        }),
        (None, None) => None,
        _ => bail!("balancer.hop_ca and balancer.hop_certificate go together"),
    };
    Ok((front_end, Hop { tls }))
}

impl Source for Administration {
    async fn desired(&self) -> Result<State, Unavailable> {
        let question = Question::get(STATE).patience(Some(PATIENCE));
        let answer = self.api.ask(question).await.map_err(|error| Unavailable(Box::new(error)))?;
        let value = answer.json().map_err(|error| Unavailable(Box::new(error)))?;
        let state: State = serde_json::from_value(value).map_err(|error| Unavailable(Box::new(error)))?;
        let settings =
            Settings { front_end: self.front_end.clone(), hop: self.hop.clone(), ..state.settings().clone() };
        state.with_settings(settings).map_err(|error| Unavailable(Box::new(error)))
    }

    async fn report(&self, report: Report) {
        let said = json!({ "agent": report.agent, "report": report });
        let question = Question::new(Method::POST, REPORTS).json(&said).patience(Some(PATIENCE));
        if let Err(error) = self.api.ask(question).await {
            tracing::debug!(%error, "the report did not reach the admin API; the next one says it all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of_this_host;
    use crate::settings::Balancer;

    #[test]
    fn what_goes_together_is_given_together() {
        let (front_end, hop) = of_this_host(&Balancer::default()).unwrap();
        assert_eq!((front_end.len(), hop.tls), (1, None));
        let tls = || Balancer {
            tls_listen: Some("*:443".to_owned()),
            tls_certificate: Some("/etc/busbar/front.pem".to_owned()),
            hop_ca: Some("/etc/busbar/ca.pem".to_owned()),
            hop_certificate: Some("/etc/busbar/hop.pem".to_owned()),
            ..Balancer::default()
        };
        let (front_end, hop) = of_this_host(&tls()).unwrap();
        assert!(front_end[1].tls.is_some() && hop.tls.is_some());
        for half in [
            Balancer { tls_certificate: None, ..tls() },
            Balancer { hop_ca: None, ..tls() },
            Balancer { tls_client_ca: Some("relative.pem".to_owned()), ..tls() },
        ] {
            assert!(of_this_host(&half).is_err(), "{half:?}");
        }
    }
}
