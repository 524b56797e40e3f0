//! Waits for a deployment, and shows how it comes along.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    api::{Api, Reply},
    failure::Cause,
    output::{Output, short},
};

/// How often the server is asked: soon at first, then less often.
const ASK_FIRST: Duration = Duration::from_millis(50);
const ASK_LATER: Duration = Duration::from_millis(400);

#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Waiting {
    /// Waits until every worker has made the change; this is what happens anyway.
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Returns when the server has taken the order.
    #[arg(long, overrides_with = "wait")]
    no_wait: bool,
    /// How long to wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Every worker runs the version.
    Live,
    /// No worker runs the version.
    Gone,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    plugin: String,
    digest: String,
    state: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    servers: Vec<Server>,
}

#[derive(Debug, Deserialize)]
struct Server {
    server: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    workers: Vec<Worker>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    digest: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Underway,
    Reached,
    /// It will not be reached, and why.
    Ended(String),
}

impl Deployment {
    fn read(view: &Value) -> Result<Self, Cause> {
        let unclear = |error| Cause::Other(format!("the deployment can't be understood: {error}"));
        Self::deserialize(view).map_err(unclear)
    }

    /// Workers that run the version, and all workers.
    fn workers(&self) -> (usize, usize) {
        let workers = || self.servers.iter().flat_map(|server| &server.workers);
        let runs = |worker: &&Worker| worker.digest.as_ref() == Some(&self.digest);
        (workers().filter(runs).count(), workers().count())
    }

    fn progress(&self, goal: Goal) -> Progress {
        let (running, all) = self.workers();
        match (goal, self.state.as_str()) {
            (Goal::Gone, _) if running == 0 => Progress::Reached,
            (Goal::Gone, _) => Progress::Underway,
            (Goal::Live, "active") if running == all && all > 0 => Progress::Reached,
            (Goal::Live, "failed") => Progress::Ended(self.why()),
            (Goal::Live, "superseded") => {
                Progress::Ended("it was superseded by another deployment".to_owned())
            }
            (Goal::Live, "recalled") => Progress::Ended("it was recalled".to_owned()),
            (Goal::Live, _) => Progress::Underway,
        }
    }

    fn why(&self) -> String {
        let own = self.reason.clone().filter(|reason| !reason.is_empty());
        let of_servers = || {
            let reasons = self.servers.iter().filter_map(|server| {
                server.reason.as_ref().map(|reason| format!("{}: {reason}", server.server))
            });
            reasons.collect::<Vec<_>>().join("; ")
        };
        Some(own.unwrap_or_else(of_servers))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "the server gave no reason".to_owned())
    }

    fn line(&self, goal: Goal) -> String {
        let (running, all) = self.workers();
        let done = if goal == Goal::Live { running } else { all - running };
        format!("{}: {}, workers {done}/{all}", self.plugin, self.state)
    }
}

/// The deployment as it was last seen, and why it did not get to where it should.
pub(crate) struct Outcome {
    pub(crate) view: Value,
    pub(crate) ended: Result<(), Cause>,
}

impl Waiting {
    /// Follows the deployment that a server has just taken on.
    pub(crate) async fn follow(
        &self,
        api: &Api,
        output: &Output,
        accepted: Reply,
        goal: Goal,
    ) -> Result<Outcome, Cause> {
        let location = accepted.location;
        if self.no_wait {
            return Ok(Outcome { view: accepted.body, ended: Ok(()) });
        }
        let location = location
            .ok_or_else(|| Cause::Other("the reply does not say where the deployment is".to_owned()))?;
        let follower = Follower { api, output, goal, location: &location, started: Instant::now() };
        let ended = follower.run(accepted.body, Duration::from_secs(self.timeout)).await;
        output.progress_ends();
        ended
    }

    /// Shows what came of it; JSON has it all, also where it failed.
    pub(crate) fn show(&self, output: &Output, outcome: &Outcome, goal: Goal) {
        if output.is_json() || outcome.ended.is_err() {
            return;
        }
        let view = &outcome.view;
        let Ok(deployment) = Deployment::read(view) else { return };
        let (running, all) = deployment.workers();
        let (plugin, digest) = (&deployment.plugin, short(&view["digest"]));
        output.line(&match goal {
            _ if self.no_wait => format!("{plugin} {digest} is {}: {}", deployment.state, short(&view["id"])),
            Goal::Live => format!("{plugin} {digest} is active on {running} of {all} workers"),
            Goal::Gone => format!("{plugin} {digest} is recalled from {all} workers"),
        });
        if !self.no_wait {
            output.table(&["SERVER", "WORKER PID", "DIGEST"], worker_rows(view));
        }
    }
}

/// A row for each worker of a deployment's view: server, pid and digest.
pub(crate) fn worker_rows(view: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for server in view["servers"].as_array().into_iter().flatten() {
        for worker in server["workers"].as_array().into_iter().flatten() {
            rows.push(vec![short(&server["server"]), short(&worker["pid"]), short(&worker["digest"])]);
        }
    }
    rows
}

struct Follower<'a> {
    api: &'a Api,
    output: &'a Output,
    goal: Goal,
    location: &'a str,
    started: Instant,
}

impl Follower<'_> {
    async fn run(&self, mut view: Value, patience: Duration) -> Result<Outcome, Cause> {
        let deadline = self.started.checked_add(patience);
        let (mut shown, mut pause) = (String::new(), ASK_FIRST);
        loop {
            let deployment = Deployment::read(&view)?;
            self.show(&deployment, &mut shown);
            match deployment.progress(self.goal) {
                Progress::Reached => return Ok(Outcome { view, ended: Ok(()) }),
                Progress::Ended(why) => return Ok(Outcome { view, ended: Err(Cause::Other(why)) }),
                Progress::Underway => {}
            }
            let ask = async {
                sleep(pause).await;
                self.api.get(self.location).await
            };
            let asked = match deadline {
                Some(deadline) => timeout_at(deadline, ask).await.ok(),
                None => Some(ask.await),
            };
            match asked {
                Some(Ok(reply)) => view = reply.body,
                Some(Err(cause)) if cause.may_pass() => {}
                Some(Err(cause)) => return Ok(Outcome { view, ended: Err(cause) }),
                None => {
                    let seconds = patience.as_secs();
                    let text = format!("it was not done within {seconds} s: {}", deployment.line(self.goal));
                    return Ok(Outcome { view, ended: Err(Cause::Other(text)) });
                }
            }
            pause = (pause * 2).min(ASK_LATER);
        }
    }

    fn show(&self, deployment: &Deployment, shown: &mut String) {
        let line = deployment.line(self.goal);
        if self.output.is_live() {
            self.output.progress(&format!("{line}, {:.1} s", self.started.elapsed().as_secs_f64()));
        } else if *shown != line {
            self.output.progress(&line);
        }
        *shown = line;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Deployment, Goal, Outcome, Progress, Waiting};
    use crate::client::{
        api::{Api, Content},
        fake::{Answer, Fake},
        output::Output,
    };

    const NEW: &str = "sha256:new";

    fn view(state: &str, digests: &[Option<&str>]) -> Value {
        let workers: Vec<Value> = digests.iter().map(|digest| json!({"pid": 1, "digest": digest})).collect();
        json!({"id": "1", "plugin": "echo", "digest": NEW, "state": state, "reason": null,
            "servers": [{"server": "a", "state": state, "reason": null, "workers": workers},
                {"server": "silent", "state": state, "reason": null, "workers": []}]})
    }

    fn progress(state: &str, digests: &[Option<&str>], goal: Goal) -> Progress {
        Deployment::read(&view(state, digests)).unwrap().progress(goal)
    }

    #[test]
    fn a_version_is_live_when_every_worker_runs_it() {
        let live = |state, digests: &[_]| progress(state, digests, Goal::Live);
        assert_eq!(live("compiled", &[None, None]), Progress::Underway);
        assert_eq!(live("active", &[Some(NEW), Some("sha256:old")]), Progress::Underway);
        assert_eq!(live("active", &[]), Progress::Underway, "nobody runs it");
        assert_eq!(live("active", &[Some(NEW), Some(NEW)]), Progress::Reached);
        for ended in ["failed", "superseded", "recalled"] {
            assert!(matches!(live(ended, &[Some(NEW)]), Progress::Ended(_)), "{ended}");
        }
    }

    #[test]
    fn a_version_is_gone_when_no_worker_runs_it() {
        let gone = |digests: &[_]| progress("recalled", digests, Goal::Gone);
        assert_eq!(gone(&[Some(NEW), None]), Progress::Underway);
        assert_eq!(gone(&[Some("sha256:newer"), None]), Progress::Reached);
        assert_eq!(gone(&[]), Progress::Reached);
    }

    async fn follow(replies: Vec<Answer>, timeout: u64) -> (Outcome, usize) {
        let accepted = Answer::new(202, view("received", &[None])).with("location", "/api/v1/deployments/1");
        let fake = Fake::start([vec![accepted], replies].concat()).await;
        let api = Api::admin(&fake.target()).unwrap();
        let accepted = api.post("/api/v1/deployments?name=echo", Content::default()).await.unwrap();
        let waiting = Waiting { wait: true, no_wait: false, timeout };
        let outcome = waiting.follow(&api, &Output::new(true), accepted, Goal::Live).await.unwrap();
        (outcome, fake.requests().len())
    }

    #[tokio::test]
    async fn it_is_followed_until_all_workers_have_it() {
        let unready = Answer::new(503, json!({"status": 503, "detail": "not yet"}));
        let replies = vec![
            Answer::new(200, view("compiled", &[None, None])),
            unready,
            Answer::new(200, view("active", &[Some(NEW), None])),
            Answer::new(200, view("active", &[Some(NEW), Some(NEW)])),
        ];
        let (outcome, requests) = follow(replies, 30).await;
        assert!(outcome.ended.is_ok());
        assert_eq!((&outcome.view["state"], requests), (&json!("active"), 5));
    }

    #[tokio::test]
    async fn a_failure_comes_with_its_reason() {
        let mut failed = view("failed", &[None]);
        failed["reason"] = json!("is not a component");
        let (outcome, _) = follow(vec![Answer::new(200, failed)], 30).await;
        assert_eq!(outcome.ended.unwrap_err().to_string(), "is not a component");
        let mut failed = view("failed", &[None]);
        failed["servers"][0]["reason"] = json!("no memory");
        let (outcome, _) = follow(vec![Answer::new(200, failed)], 30).await;
        assert_eq!(outcome.ended.unwrap_err().to_string(), "a: no memory");
    }

    #[tokio::test]
    async fn patience_ends() {
        let started = std::time::Instant::now();
        let (outcome, _) = follow(vec![Answer::new(200, view("validated", &[None]))], 0).await;
        let text = outcome.ended.unwrap_err().to_string();
        assert!(text.contains("within 0 s") && text.contains("workers 0/1"), "{text}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
