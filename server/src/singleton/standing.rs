//! How this server stands: whether it is fit for calls, and what its workers are to do. It says so to its workers at
//! once, and to the cluster with the next heartbeat.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Definitions,
    server::{Condition, Standing, Wanted},
};
use tokio::time::timeout;

use crate::{
    feed::Duty,
    singleton::{Core, workers::Serving},
};

/// What nobody tells is looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is known of the server beside what its workers run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    pub(crate) wanted: Wanted,
    /// Another server takes calls.
    pub(crate) others_ready: bool,
    /// Since it was ready for the first time, it is until something else is known.
    pub(crate) was_ready: bool,
}

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let mut changes = core.workers.changes();
    loop {
        changes.mark_unchanged();
        look(&core);
        tokio::select! {
            Ok(()) = changes.changed() => {}
            _ = timeout(LOOK_EVERY, core.stand.notified()) => {}
        }
    }
}

fn look(core: &Core) {
    let catalog = core.feed.borrow().catalog.clone();
    let serving = core.workers.serving();
    let circumstances = core.circumstances(|now| *now);
    let (condition, reason) = condition(catalog.as_deref(), &serving, circumstances);
    if condition == Condition::Ready {
        core.circumstances(|now| now.was_ready = true);
    }
    let limit_s = core.boot.settings.odb.stale_limit_s;
    let stale = limit_s > 0 && core.silence() >= Duration::from_secs(limit_s);
    let duty = duty(condition, reason.as_deref(), circumstances, stale);
    core.feed.send_if_modified(|feed| {
        let differs = feed.duty != duty;
        if differs {
            tracing::info!(
                condition = condition.as_str(),
                reason,
                ready = duty.ready,
                "how this server stands"
            );
            feed.duty = duty;
        }
        differs
    });
    core.standing.send_if_modified(|standing| {
        let (was, now) = ((standing.condition, &standing.reason), (condition, &reason));
        let differs = was != now;
        (standing.condition, standing.reason) = (condition, reason);
        differs
    });
}

fn condition(
    catalog: Option<&Definitions>,
    serving: &[Serving],
    circumstances: Circumstances,
) -> (Condition, Option<String>) {
    if circumstances.wanted == Wanted::Drain {
        let under_way: u64 = serving.iter().map(|worker| worker.under_way).sum();
        return match under_way {
            0 => (Condition::Drained, None),
            some => (Condition::Draining, Some(format!("{some} calls are under way"))),
        };
    }
    let Some(catalog) = catalog else {
        return (Condition::Starting, Some("the definitions are not read yet".to_owned()));
    };
    if serving.is_empty() {
        return (Condition::Starting, Some("no worker is ready".to_owned()));
    }
    if serving.iter().any(|worker| worker.version < catalog.version) && !circumstances.was_ready {
        return (Condition::Starting, Some("workers are not at the latest definitions yet".to_owned()));
    }
    match missing(catalog, serving) {
        Some(plugin) => (Condition::Behind, Some(format!("plugin {plugin} can't be loaded here"))),
        None => (Condition::Ready, None),
    }
}

/// A plugin that is active, and that a worker which has these definitions could not load.
fn missing(catalog: &Definitions, serving: &[Serving]) -> Option<String> {
    let at = || serving.iter().filter(|worker| worker.version == catalog.version);
    let active = catalog.plugins.iter().filter_map(|plugin| {
        let active = plugin.active.as_ref().filter(|active| active.quarantine.is_none())?;
        Some((&plugin.name, active.digest))
    });
    let mut missing =
        active.filter(|(name, digest)| at().any(|worker| worker.plugins.get(*name) != Some(digest)));
    missing.next().map(|(name, _)| name.to_string())
}

fn duty(condition: Condition, reason: Option<&str>, circumstances: Circumstances, stale: bool) -> Duty {
    let works = circumstances.wanted == Wanted::Serve;
    let not_ready = match condition {
        Condition::Ready => None,
        // Where nobody else could do better, the other services of this server are worth having.
        Condition::Behind if !circumstances.others_ready => None,
        Condition::Starting => Some("starting"),
        Condition::Behind => Some("behind"),
        Condition::Draining | Condition::Drained | Condition::Stopped => Some("draining"),
    };
    let reason = match (not_ready, stale) {
        (Some(code), _) => {
            let text = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            Some((code.to_owned(), format!("the server is {code}{text}")))
        }
        (None, true) => {
            let text = "the server could not reach its database for too long";
            Some(("stale".to_owned(), text.to_owned()))
        }
        (None, false) => None,
    };
    Duty { ready: reason.is_none(), reason, works }
}

/// What workers are told before it is known how the server stands.
pub(crate) fn before(wanted: Wanted) -> Duty {
    duty(Condition::Starting, None, Circumstances { wanted, ..Circumstances::default() }, false)
}

/// What the server says of itself at first.
pub(crate) fn at_first(address: Option<String>) -> Standing {
    Standing { address, ..Standing::default() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use busbar_model::{
        Digest,
        server::{Condition, Wanted},
    };

    use super::{Circumstances, condition, duty};
    use crate::singleton::workers::Serving;

    fn worker(version: i64, under_way: u64) -> Serving {
        Serving { version, under_way, plugins: BTreeMap::from([("a".parse().unwrap(), Digest::of(b"1"))]) }
    }

    #[test]
    fn a_server_is_ready_once_its_workers_serve_what_is_active() {
        let none = Circumstances::default();
        assert_eq!(condition(None, &[worker(1, 0)], none).0, Condition::Starting);
        let catalog = busbar_model::Definitions { version: 2, ..Default::default() };
        let at = |workers: &[Serving], now| condition(Some(&catalog), workers, now).0;
        assert_eq!(at(&[], none), Condition::Starting);
        assert_eq!(at(&[worker(2, 0), worker(1, 0)], none), Condition::Starting);
        assert_eq!(at(&[worker(2, 0), worker(2, 9)], none), Condition::Ready);
        let later = Circumstances { was_ready: true, ..none };
        assert_eq!(at(&[worker(2, 0), worker(1, 0)], later), Condition::Ready, "a change is on its way");
        let drain = Circumstances { wanted: Wanted::Drain, ..later };
        assert_eq!(at(&[worker(2, 1)], drain), Condition::Draining);
        assert_eq!(at(&[worker(2, 0)], drain), Condition::Drained);
    }

    #[test]
    fn who_is_behind_takes_calls_only_where_nobody_else_does() {
        let alone = Circumstances::default();
        let ready = |condition, circumstances, stale| duty(condition, None, circumstances, stale).ready;
        assert!(ready(Condition::Behind, alone, false));
        let among = Circumstances { others_ready: true, ..alone };
        assert!(!ready(Condition::Behind, among, false));
        assert!(ready(Condition::Ready, among, false) && !ready(Condition::Ready, among, true));
        let drain = duty(Condition::Drained, None, Circumstances { wanted: Wanted::Drain, ..among }, false);
        assert!(!drain.ready && !drain.works && drain.reason.unwrap().0 == "draining");
    }
}
