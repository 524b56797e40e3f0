//! Waiting until every worker of every live server runs what was asked for.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, anyhow};
use busbar_model::DeploymentState;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Session,
    answer::{Answer, Error, view},
    api::{Api, relative},
    bounds::LOOK_EVERY,
    deployment,
    plugin::needs,
    progress::Progress,
    server::{self, Server, Worker},
    table::{Table, short_digest},
    text::{count, duration, seconds},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Patience {
    /// Waits until every worker of every live server has switched; what happens anyway.
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,
    /// Returns once the bus has taken it on.
    #[arg(long)]
    no_wait: bool,
    /// How long to wait: 250ms, 30s, 2m, 1h.
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// All run it.
    Live,
    /// None runs it any more.
    Recalled,
}

/// How a deployment stands to its goal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    UnderWay,
    Reached,
    /// A newer version took its place.
    Superseded,
    Missed(String),
}

/// A deployment and the servers at one moment.
pub(crate) struct Look {
    value: Value,
    pub(crate) deployment: deployment::View,
    pub(crate) servers: Vec<Server>,
}

impl Look {
    pub(crate) fn new(value: Value, servers: Vec<Server>) -> Result<Self, Error> {
        Ok(Self { deployment: view(&value)?, value, servers })
    }

    async fn at(api: &Api, path: &str) -> Result<Self, Error> {
        let value = api.get(path).await?;
        // After it, so that workers are never older than the state that they are to have reached.
        Self::new(value, server::list(api).await?)
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.live)
    }

    pub(crate) fn runs(&self, worker: &Worker) -> bool {
        worker.runs(&self.deployment.plugin, &self.deployment.digest)
    }

    /// Workers of live servers that run it, and all of them.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let workers = || self.live().flat_map(Server::serving);
        (workers().filter(|worker| self.runs(worker)).count(), workers().count())
    }

    fn is_everywhere(&self) -> bool {
        let runs_on = |server: &Server| {
            server.serving().next().is_some() && server.serving().all(|worker| self.runs(worker))
        };
        self.live().all(runs_on)
    }

    fn standing(&self, goal: Goal) -> Standing {
        use DeploymentState::{
            Active, Compiled, Failed, Prepared, Recalled, Received, Superseded, Validated,
        };
        let reached = |yes| if yes { Standing::Reached } else { Standing::UnderWay };
        match (self.deployment.state, goal) {
            (Failed, _) => Standing::Missed(
                self.deployment.reason.clone().unwrap_or_else(|| "no reason is given".to_owned()),
            ),
            (Received | Validated | Compiled | Prepared, _) | (Active, Goal::Recalled) => Standing::UnderWay,
            (Active, Goal::Live) => reached(self.is_everywhere()),
            (Superseded, Goal::Live) => Standing::Superseded,
            (Recalled, Goal::Live) => Standing::Missed("it was recalled meanwhile".to_owned()),
            (Recalled | Superseded, Goal::Recalled) => reached(self.counts().0 == 0),
        }
    }

    /// Each worker of the live servers, and the servers that the deployment knows beside them.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new(["SERVER", "STATE", "SLOT", "PID", "WORKER", "DIGEST"]);
        let known = |name: &str| self.deployment.servers.iter().find(|server| server.server == name);
        let mut shown = BTreeSet::new();
        for server in self.live() {
            shown.insert(server.name.as_str());
            let state = known(&server.name).map(|server| server.state.to_string()).unwrap_or_default();
            for worker in &server.workers {
                table.row([
                    server.name.clone(),
                    state.clone(),
                    worker.slot.to_string(),
                    worker.pid.to_string(),
                    worker.state.clone(),
                    worker.plugins.get(&self.deployment.plugin).cloned().unwrap_or_default(),
                ]);
            }
        }
        for gone in self.deployment.servers.iter().filter(|server| !shown.contains(server.server.as_str())) {
            let (name, state) = (gone.server.clone(), gone.state.to_string());
            table.row([name, state, String::new(), String::new(), "not live".to_owned(), String::new()]);
        }
        table
    }

    fn subject(&self) -> String {
        format!("{} {}", self.deployment.plugin, short_digest(&self.deployment.digest))
    }
}

/// Follows what was accepted until it has reached its goal, if that is wanted, and says how it went.
pub(crate) async fn follow(
    session: &mut Session,
    api: &Api,
    accepted: &Answer,
    goal: Goal,
    patience: &Patience,
) -> anyhow::Result<()> {
    if patience.no_wait {
        return acknowledge(session, accepted);
    }
    let path = relative("/", &accepted.location()?);
    let started = Instant::now();
    let (look, standing) = wait(session, api, &path, goal, patience.timeout).await?;
    if session.output.json() {
        session.output.value(&look.value)?;
    } else {
        session.output.table(&look.table())?;
    }
    let (subject, time) = (look.subject(), seconds(started.elapsed()));
    match standing {
        Standing::Missed(reason) => Err(anyhow!("{subject}: {reason}")),
        Standing::Superseded => {
            Ok(session.output.note(&format!("{subject}: a newer version took its place ({time})"))?)
        }
        Standing::Reached | Standing::UnderWay => {
            let (_, workers) = look.counts();
            let workers =
                format!("{} of {}", count(workers, "worker"), count(look.live().count(), "live server"));
            let done = if goal == Goal::Live { "is live on" } else { "is recalled from" };
            session.output.note(&format!("{subject} {done} {workers} ({time})"))?;
            match goal {
                Goal::Live => needs::tell(session, api, &look.deployment.plugin).await,
                Goal::Recalled => Ok(()),
            }
        }
    }
}

fn acknowledge(session: &mut Session, accepted: &Answer) -> anyhow::Result<()> {
    let value = accepted.json()?;
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    let deployment: deployment::View = view(&value)?;
    Ok(session.output.fields(&deployment.fields())?)
}

async fn wait(
    session: &mut Session,
    api: &Api,
    path: &str,
    goal: Goal,
    timeout: Duration,
) -> anyhow::Result<(Look, Standing)> {
    let started = Instant::now();
    let deadline = started + timeout;
    let mut progress = Progress::default();
    let mut last: Option<Result<Look, Error>> = None;
    loop {
        match timeout_at(deadline, Look::at(api, path)).await {
            Err(_) => return Err(gave_up(timeout, last)),
            Ok(Err(error)) if error.is_passing() => last = Some(Err(error)),
            Ok(Err(error)) => return Err(error.into()),
            Ok(Ok(look)) => {
                progress.show(&mut session.output, &look, started.elapsed())?;
                match look.standing(goal) {
                    Standing::UnderWay => last = Some(Ok(look)),
                    ended => return Ok((look, ended)),
                }
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

fn gave_up(timeout: Duration, last: Option<Result<Look, Error>>) -> anyhow::Error {
    let given_up = format!("not done after {}", seconds(timeout));
    match last {
        None => anyhow!(given_up),
        Some(Err(error)) => {
            Err::<(), _>(error).context(given_up).err().unwrap_or_else(|| anyhow!("not done"))
        }
        Some(Ok(look)) => {
            let (on, all) = look.counts();
            anyhow!(
                "{given_up}: {} is {} and runs on {on} of {}; it goes on, `busbar deployment show {}` tells how",
                look.subject(),
                look.deployment.state,
                count(all, "worker"),
                look.deployment.id,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Goal, Look, Standing};
    use crate::client::answer::views;

    fn look(state: &str, servers: &[Value]) -> Look {
        let value = json!({"id": "1", "plugin": "orders", "digest": "new", "state": state, "reason": "why",
            "servers": [{"server": "gone", "state": "prepared", "reason": null}]});
        Look::new(value, views(servers).unwrap()).unwrap()
    }

    fn server(name: &str, live: bool, digests: &[&str]) -> Value {
        let worker = |(slot, digest): (usize, &&str)| json!({"slot": slot, "pid": 7, "state": "ready", "plugins": {"orders": digest}});
        let workers: Vec<_> = digests.iter().enumerate().map(worker).collect();
        json!({"name": name, "live": live, "workers": workers})
    }

    #[test]
    fn active_counts_once_every_worker_runs_it() {
        let standing = |servers: &[Value]| look("active", servers).standing(Goal::Live);
        assert_eq!(
            standing(&[server("a", true, &["new", "new"]), server("b", false, &["old"])]),
            Standing::Reached
        );
        assert_eq!(standing(&[server("a", true, &["new", "old"])]), Standing::UnderWay);
        assert_eq!(standing(&[server("a", true, &["new"]), server("b", true, &[])]), Standing::UnderWay);
        let mut draining = server("a", true, &["new", "old"]);
        draining["workers"][1]["state"] = "draining".into();
        assert_eq!(standing(&[draining]), Standing::Reached);
    }

    #[test]
    fn every_end_is_told_apart() {
        let all = [server("a", true, &["new"])];
        for pending in ["received", "validated", "compiled", "prepared"] {
            assert_eq!(look(pending, &all).standing(Goal::Live), Standing::UnderWay);
        }
        assert_eq!(look("failed", &all).standing(Goal::Live), Standing::Missed("why".to_owned()));
        assert_eq!(look("superseded", &all).standing(Goal::Live), Standing::Superseded);
        assert!(matches!(look("recalled", &all).standing(Goal::Live), Standing::Missed(_)));
        assert_eq!(look("recalled", &all).standing(Goal::Recalled), Standing::UnderWay);
        assert_eq!(
            look("recalled", &[server("a", true, &["old"])]).standing(Goal::Recalled),
            Standing::Reached
        );
    }

    #[test]
    fn servers_that_are_gone_are_shown() {
        let text = look("active", &[server("a", true, &["new"])]).table().render(None);
        assert!(text.ends_with("a\t-\t0\t7\tready\tnew\ngone\tprepared\t-\t-\tnot live\t-\n"), "{text}");
    }
}
