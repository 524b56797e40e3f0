//! Keeping a membership: asks the registrar what is new, renews the certificate in time, goes along with a roll of the
//! authority.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use busbar_model::Timestamp;
use busbar_pki::{Certificate, Confirmed, Csr, Host, Identity, KeyPair, TicketKey, due};
use busbar_registrar::{Granted, Registrar, Visit};
use busbar_store::{By, MasterKey, Odb};

use super::files::{self, Held};
use crate::{causes::chain, clock, layout::Layout, settings::Settings};

/// How often a member asks. Longer than its processes need to take up what was found the last time.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Where a member asks.
pub(crate) trait Desk {
    /// `who` asks by the certificate that it has.
    async fn visit(&mut self, who: &Identity, visit: Visit) -> anyhow::Result<Granted>;

    /// Whether everything of this folder uses what stands there for some seconds by now. Processes of ours do.
    async fn is_used(&self) -> bool {
        true
    }
}

/// For who has the ODB and the master key: asks itself.
pub(crate) struct Own(Registrar);

impl Own {
    pub(crate) fn new(odb: Odb, key: Arc<MasterKey>) -> Self {
        Self(Registrar::new(odb, key))
    }
}

impl Desk for Own {
    /// Moves a roll on, too, as soon as all have confirmed its step.
    async fn visit(&mut self, who: &Identity, visit: Visit) -> anyhow::Result<Granted> {
        let (registrar, identity) = (self.0.clone(), who.clone());
        let ask = move || {
            let now = clock::now();
            let granted = registrar.visit(now, &identity, &visit)?;
            let by = By { actor: "cluster".to_owned(), correlation_id: None, now };
            match registrar.advance(&by) {
                // Another one was faster.
                Ok(_) | Err(busbar_registrar::Error::Meanwhile) => {}
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "the roll of the authority does not go on")
                }
            }
            Ok::<_, busbar_registrar::Error>(granted)
        };
        Ok(tokio::task::spawn_blocking(ask).await??)
    }
}

/// Looks `every` so often, for ever.
pub(crate) async fn keep(layout: Layout, mut desk: impl Desk, hosts: Vec<Host>, every: Duration) {
    let mut seen = None;
    let mut trouble = String::new();
    loop {
        match look(&layout, &mut desk, &hosts, &mut seen).await {
            Ok(()) => trouble.clear(),
            Err(error) => {
                let text = format!("{error:#}");
                if text != trouble {
                    tracing::warn!(error = text, "the membership in the cluster could not be looked after");
                    trouble = text;
                }
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// Looks once, for a process that is about to end. The next one reads what stands there: nobody uses anything else.
pub(crate) async fn refresh(layout: &Layout, mut desk: impl Desk) -> anyhow::Result<()> {
    let mut seen = Held::read(layout)?.map(|held| held.confirmed()).transpose()?;
    look(layout, &mut desk, &[], &mut seen).await
}

/// Of who has the registrar at hand: a certificate that ended while nothing ran here is renewed, as long as it is that
/// of a member.
pub(crate) fn revive(layout: &Layout, registrar: &Registrar, held: &Held) -> anyhow::Result<()> {
    let (who, now) = (held.identity()?, clock::now());
    if !registrar.knows(&who)? {
        return Err(busbar_registrar::Error::NoMember { urn: who.urn() }.into());
    }
    if Timestamp::from(who.not_after) > now {
        return Ok(());
    }
    let mut visit = Visit::default();
    let key = asked(&mut visit)?;
    let granted = registrar.visit(now, &who, &visit)?;
    let certificate = granted.certificate.context("no certificate was given")?;
    let new = Held { key, certificate, trust: granted.trust, tickets: TicketKey::generate()? };
    new.credentials()?;
    new.write(layout).context("failed to keep a new certificate")
}

/// What was found the last time is used by all processes of this folder by now: each looks once a second.
async fn look(
    layout: &Layout,
    desk: &mut impl Desk,
    hosts: &[Host],
    seen: &mut Option<Confirmed>,
) -> anyhow::Result<()> {
    // One at a time, whoever looks: commands of a person run side by side.
    let Some(_alone) = files::alone(layout)? else { return Ok(()) };
    let held = Held::read(layout)?.context("the folder is not one of a member any more")?;
    let (who, confirmed) = (held.identity()?, held.confirmed()?);
    let settled = seen.as_ref() == Some(&confirmed) && desk.is_used().await;
    let mut visit =
        Visit { confirmed: settled.then(|| confirmed.clone()), request: None, hosts: hosts.to_vec() };
    let key = match is_due(&held.certificate) {
        true => Some(asked(&mut visit)?),
        false => None,
    };
    let mut granted = (desk.visit(&who, visit.clone()).await?, key);
    if granted.0.certificate.is_none() && granted.0.issuer != confirmed.issuer {
        let key = asked(&mut visit)?;
        granted = (desk.visit(&who, visit).await?, Some(key));
    }
    let (Granted { trust, certificate, .. }, key) = granted;
    let (key, certificate) = match (key, certificate) {
        (Some(key), Some(certificate)) => (key, certificate),
        _ if trust.fingerprints() == confirmed.trusts => {
            *seen = Some(confirmed);
            return Ok(());
        }
        _ => (held.key, held.certificate),
    };
    let new = Held { key, certificate, trust, tickets: TicketKey::generate()? };
    // Not put in place if it would not do.
    new.credentials().context("what the registrar gave does not fit together")?;
    let given = new.identity()?.urn();
    anyhow::ensure!(given == who.urn(), "the registrar gave a certificate for {given}");
    new.write(layout).context("failed to keep a new certificate")?;
    *seen = Some(new.confirmed()?);
    tracing::info!(sha256 = %new.certificate.fingerprint(), "the membership in the cluster is as it is to be");
    Ok(())
}

fn asked(visit: &mut Visit) -> anyhow::Result<KeyPair> {
    let key = KeyPair::generate()?;
    visit.request = Some(Csr::new(&key)?);
    Ok(key)
}

/// Members renew at different times, told apart by what is in their certificates.
fn is_due(certificate: &Certificate) -> bool {
    due(certificate, clock::now().into(), certificate.fingerprint().as_bytes()[0])
}

/// By which names and addresses this host is reached: its own name, and the host of what is said in the settings.
pub(crate) fn hosts(settings: &Settings) -> Vec<Host> {
    let own = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let said = [settings.server.address.as_deref(), settings.admin.url.as_deref()].into_iter().flatten();
    let mut hosts: Vec<Host> = ["localhost", "127.0.0.1", "::1"]
        .into_iter()
        .map(str::to_owned)
        .chain(own)
        .chain(said.map(|said| host_of(said).to_owned()))
        .chain([settings.http.listen.ip(), settings.admin.listen.ip()].map(|ip| ip.to_string()))
        .filter_map(|text| text.parse().ok())
        .collect();
    let mut known = Vec::new();
    hosts.retain(|host: &Host| {
        let unspecified = matches!(host, Host::Ip(ip) if ip.is_unspecified());
        let new = !unspecified && !known.contains(host);
        known.push(host.clone());
        new
    });
    hosts
}

/// Of `HOST:PORT` or `https://HOST:PORT`.
fn host_of(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let split = text.rsplit_once(':').filter(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    split.map_or(text, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::{host_of, hosts};
    use crate::settings::Settings;

    #[test]
    fn hosts_are_where_a_member_is_reached() {
        for (text, host) in [
            ("bus-1.example.org:17010", "bus-1.example.org"),
            ("https://10.0.0.7:8183/", "10.0.0.7"),
            ("[fe80::1]:17010", "[fe80::1]"),
            ("https://bus", "bus"),
        ] {
            assert_eq!(host_of(text), host, "{text}");
        }
        let mut settings = Settings::default();
        settings.server.address = Some("bus-1.example.org:17010".to_owned());
        settings.admin.url = Some("https://127.0.0.1:1".to_owned());
        let hosts: Vec<String> = hosts(&settings).iter().map(ToString::to_string).collect();
        assert!(hosts.contains(&"bus-1.example.org".to_owned()) && hosts.contains(&"localhost".to_owned()));
        assert_eq!(hosts.iter().filter(|host| *host == "127.0.0.1").count(), 1, "{hosts:?}");
        assert!(!hosts.contains(&"0.0.0.0".to_owned()), "{hosts:?}");
    }
}
