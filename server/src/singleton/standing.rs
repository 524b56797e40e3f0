//! How this server stands: whether it is fit for calls, and what its workers are to do. It says so to its workers at
//! once, and to the cluster with the next heartbeat.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Definitions,
    bounds::{FEED_PING_MS, HEARTBEAT_DEAD_MS},
    server::{Condition, Wanted},
};
use tokio::time::timeout;

use crate::{
    clock,
    feed::Duty,
    singleton::{Core, workers::Serving},
};

/// What nobody tells is looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Until all workers have heard that they are to drain, and were asked twice what they have under way.
const DRAIN_HEARD: Duration = Duration::from_millis(2 * FEED_PING_MS + 250);

/// What is known of the server beside what its workers run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    pub(crate) wanted: Wanted,
    /// Another server takes calls.
    pub(crate) others_ready: bool,
    /// Since it was ready for the first time, it is until something else is known.
    was_ready: bool,
    /// When it was heard first that it is to drain, by the boot-time clock.
    drains_since: Option<Duration>,
    /// Another server that lives has its name.
    pub(crate) namesake: bool,
}

impl Circumstances {
    pub(crate) fn of(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }
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
    let (catalog, told) = {
        let feed = core.feed.borrow();
        (feed.catalog.clone(), feed.duty.is_some())
    };
    let serving = core.workers.serving();
    let now = clock::boot_time();
    let circumstances = core.circumstances(|known| {
        // Workers that serve already when the first definitions come did so under the singleton before.
        known.was_ready |= catalog.is_some() && !told && !serving.is_empty();
        match known.wanted {
            Wanted::Serve => known.drains_since = None,
            Wanted::Drain => drop(known.drains_since.get_or_insert(now)),
        }
        *known
    });
    let others_ready = circumstances.others_ready
        && core.silence() < Duration::from_millis(HEARTBEAT_DEAD_MS.unsigned_abs());
    let circumstances = Circumstances { others_ready, ..circumstances };
    let (condition, reason) = condition(catalog.as_deref(), &serving, circumstances, now);
    if condition == Condition::Ready {
        core.circumstances(|known| known.was_ready = true);
    }
    core.standing.send_if_modified(|standing| {
        let (was, now) = ((standing.condition, &standing.reason), (condition, &reason));
        let differs = was != now;
        (standing.condition, standing.reason) = (condition, reason.clone());
        differs
    });
    // Workers of the singleton before go on as they are until more is known.
    if catalog.is_none() {
        return;
    }
    let limit_s = core.boot.settings.odb.stale_limit_s;
    let stale = limit_s > 0 && core.silence() >= Duration::from_secs(limit_s);
    let duty = Some(duty(condition, reason.as_deref(), circumstances, stale));
    core.feed.send_if_modified(|feed| {
        let differs = feed.duty != duty;
        if differs {
            let ready = duty.as_ref().is_some_and(|duty| duty.ready);
            tracing::info!(condition = condition.as_str(), reason, ready, "how this server stands");
            feed.duty = duty;
        }
        differs
    });
}

fn condition(
    catalog: Option<&Definitions>,
    serving: &[Serving],
    circumstances: Circumstances,
    now: Duration,
) -> (Condition, Option<String>) {
    if circumstances.namesake {
        return (Condition::Starting, Some("another server that lives has its name".to_owned()));
    }
    if circumstances.wanted == Wanted::Drain {
        let under_way: u64 = serving.iter().map(|worker| worker.under_way).sum();
        let since = circumstances.drains_since.unwrap_or(now);
        return match under_way {
            // Workers have heard by then, and said what they have.
            0 if now.saturating_sub(since) < DRAIN_HEARD => {
                (Condition::Draining, Some("its workers are being told".to_owned()))
            }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use busbar_model::{
        Digest,
        server::{Condition, Wanted},
    };

    use super::{Circumstances, DRAIN_HEARD, condition, duty};
    use crate::singleton::workers::Serving;

    fn worker(version: i64, under_way: u64) -> Serving {
        Serving { version, under_way, plugins: BTreeMap::from([("a".parse().unwrap(), Digest::of(b"1"))]) }
    }

    #[test]
    fn a_server_is_ready_once_its_workers_serve_what_is_active() {
        let none = Circumstances::default();
        let (zero, later_on) = (std::time::Duration::ZERO, DRAIN_HEARD * 2);
        assert_eq!(condition(None, &[worker(1, 0)], none, zero).0, Condition::Starting);
        let catalog = busbar_model::Definitions { version: 2, ..Default::default() };
        let at = |workers: &[Serving], known| condition(Some(&catalog), workers, known, later_on).0;
        assert_eq!(at(&[], none), Condition::Starting);
        assert_eq!(at(&[worker(2, 0), worker(1, 0)], none), Condition::Starting);
        assert_eq!(at(&[worker(2, 0), worker(2, 9)], none), Condition::Ready);
        let later = Circumstances { was_ready: true, ..none };
        assert_eq!(at(&[worker(2, 0), worker(1, 0)], later), Condition::Ready, "a change is on its way");
        let namesake = Circumstances { namesake: true, ..later };
        assert_eq!(at(&[worker(2, 0)], namesake), Condition::Starting);
        let drain = Circumstances { wanted: Wanted::Drain, drains_since: Some(zero), ..later };
        assert_eq!(
            condition(Some(&catalog), &[worker(2, 0)], drain, zero).0,
            Condition::Draining,
            "not heard yet"
        );
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
