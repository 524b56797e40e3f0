//! `busbar deploy`: plugins into service.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use busbar_model::bounds::PLUGIN_BYTES_MAX;
use bytes::Bytes;
use http::Method;

use super::{
    Session,
    api::{Question, encoded},
    bounds::UPLOAD_TIME_MAX,
    deployment::PATH,
    failure::Usage,
    watch::{self, Goal, follow},
};

const SUFFIX: &str = ".wasm";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar deploy orders.wasm\n  busbar deploy prices.wasm orders.wasm --timeout 5m\n  busbar deploy target/orders.wasm --name orders-eu --no-wait\n  busbar deploy orders.wasm --force"
)]
pub(crate) struct Args {
    /// Components; deployed in this order, up to the first that fails.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What to call a plugin that does not name itself; else its file's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Deploy even what breaks callers of the version before it.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    watch: watch::Patience,
}

/// A file that is there and may be deployed.
struct Plugin {
    path: PathBuf,
    name: String,
}

impl Plugin {
    fn of(path: &Path, name: Option<&str>) -> anyhow::Result<Self> {
        let refuse = |reason: String| Usage::error(format!("{} {reason}", path.display()));
        let file = fs::metadata(path).map_err(|error| refuse(format!("can't be read: {error}")))?;
        if !file.is_file() {
            return Err(refuse("is not a file".to_owned()));
        }
        if file.len() > PLUGIN_BYTES_MAX {
            return Err(refuse(format!("has {} bytes; a plugin has {PLUGIN_BYTES_MAX} at most", file.len())));
        }
        let own = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = match name {
            Some(name) if !name.ends_with(SUFFIX) => format!("{name}{SUFFIX}"),
            Some(name) => name.to_owned(),
            None => own(),
        };
        Ok(Self { path: path.to_owned(), name })
    }
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(Usage::error("--name goes with one file only"));
    }
    // All are looked at before the first is sent: a slip of the pen deploys nothing.
    let plugins = args.files.iter().map(|file| Plugin::of(file, args.name.as_deref()));
    let plugins = plugins.collect::<Result<Vec<_>, _>>()?;
    let api = session.admin()?;
    for plugin in &plugins {
        let failed = || format!("failed to deploy {}", plugin.path.display());
        let bytes = fs::read(&plugin.path).with_context(failed)?;
        let force = if args.force { "&force=true" } else { "" };
        let question = Question::new(Method::POST, format!("{PATH}?name={}{force}", encoded(&plugin.name)))
            .content("application/wasm", Bytes::from(bytes))
            .patience(Some(UPLOAD_TIME_MAX));
        let accepted = api.ask(question).await.with_context(failed)?;
        follow(session, &api, &accepted, Goal::Live, &args.watch).await.with_context(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::PathBuf,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Args, run};
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(fake: &Fake, line: &str) -> Args {
        let file = fake.folder().join("orders.wasm");
        fs::write(&file, b"\0asm").unwrap();
        let words = ["deploy".to_owned(), file.display().to_string()].into_iter();
        Line::try_parse_from(words.chain(line.split_whitespace().map(str::to_owned))).unwrap().args
    }

    fn deployment(state: &str, reason: Option<&str>) -> Value {
        json!({"id": "1", "plugin": "orders", "digest": "sha256:new", "state": state, "reason": reason,
            "source": "api", "created_at": "now", "servers": [{"server": "one", "state": state, "reason": reason}],
            "href": "/api/v1/deployments/1"})
    }

    fn servers(digest: &str) -> Value {
        let worker = json!({"slot": 0, "pid": 7, "state": "ready", "plugins": {"orders": digest}});
        json!({"items": [{"name": "one", "live": true, "workers": [worker]}], "next": null})
    }

    /// A bus that answers looks at the deployment with one state after the other, and whose worker
    /// switches with the look after the last.
    async fn bus(states: &'static [(&'static str, Option<&'static str>)]) -> Fake {
        let looks = AtomicUsize::new(0);
        Fake::start(move |asked: &Asked| match asked.line().as_str() {
            "POST /api/v1/deployments?name=orders.wasm"
            | "POST /api/v1/deployments?name=orders.wasm&force=true" => (202, deployment("received", None)),
            "GET /api/v1/deployments/1" => {
                let at = looks.fetch_add(1, Ordering::Relaxed).min(states.len() - 1);
                (200, deployment(states[at].0, states[at].1))
            }
            "GET /api/v1/servers?limit=500" if looks.load(Ordering::Relaxed) > states.len() => {
                (200, servers("sha256:new"))
            }
            "GET /api/v1/servers?limit=500" => (200, servers("sha256:old")),
            "GET /api/v1/plugins/orders" => {
                let grants = json!({"invoke": [], "secrets": []});
                (200, json!({"name": "orders", "state": "active", "secrets": ["pay-key"], "grants": grants}))
            }
            line => panic!("{line} was not expected"),
        })
        .await
    }

    #[tokio::test]
    async fn waits_for_every_worker() {
        let fake = bus(&[("received", None), ("prepared", None), ("active", None)]).await;
        let (mut session, out, err) = fake.session(false);
        run(&mut session, args(&fake, "--wait")).await.unwrap();
        assert_eq!(
            out.text(),
            "SERVER\tSTATE\tSLOT\tPID\tWORKER\tDIGEST\none\tactive\t0\t7\tready\tsha256:new\n"
        );
        let said = err.text();
        for part in [
            "orders: prepared",
            "runs on 0 of 1 worker",
            "orders sha256:new is live on 1 worker of 1 live server",
            "orders asks for: secret pay-key\n",
            "not granted: secret pay-key",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let sent = &fake.changes()[0];
        assert_eq!((sent.header("content-type"), &sent.body[..]), (Some("application/wasm"), &b"\0asm"[..]));
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_reason() {
        let fake = bus(&[("received", None), ("failed", Some("it imports x\nwhich nobody has"))]).await;
        let (mut session, _, err) = fake.session(false);
        let outcome = run(&mut session, args(&fake, "")).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        let said = err.text();
        assert!(said.contains("orders.wasm: orders sha256:new: it imports x\nwhich nobody has\n"), "{said}");
    }

    #[tokio::test]
    async fn a_newer_version_is_no_failure() {
        let fake = bus(&[("superseded", None)]).await;
        let (mut session, _, err) = fake.session(false);
        run(&mut session, args(&fake, "")).await.unwrap();
        assert!(err.text().contains("a newer version took its place"), "{}", err.text());
    }

    #[tokio::test]
    async fn gives_up_in_the_end() {
        let fake = bus(&[("compiled", None)]).await;
        let (mut session, ..) = fake.session(false);
        let error = run(&mut session, args(&fake, "--timeout 400ms")).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("not done after 0.4 s: orders sha256:new is compiled"), "{text}");
        assert!(text.contains("busbar deployment show 1"), "{text}");
    }

    #[tokio::test]
    async fn need_not_wait() {
        let fake = bus(&[("received", None)]).await;
        let (mut session, out, _) = fake.session(true);
        run(&mut session, args(&fake, "--no-wait")).await.unwrap();
        let value: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(value["state"], "received");
        assert_eq!(fake.asked().len(), 1);
    }

    #[tokio::test]
    async fn a_deployment_is_forced_on_request_only() {
        let fake = bus(&[("received", None)]).await;
        let (mut session, ..) = fake.session(true);
        run(&mut session, args(&fake, "--no-wait --force")).await.unwrap();
        run(&mut session, args(&fake, "--no-wait")).await.unwrap();
        let lines: Vec<String> = fake.asked().iter().map(Asked::line).collect();
        let path = "POST /api/v1/deployments?name=orders.wasm";
        assert_eq!(lines, [format!("{path}&force=true"), path.to_owned()]);
    }

    #[tokio::test]
    async fn a_missing_file_deploys_nothing() {
        let fake = bus(&[("active", None)]).await;
        let (mut session, ..) = fake.session(false);
        let mut args = args(&fake, "");
        args.files.push(PathBuf::from("no-such-file.wasm"));
        let outcome = run(&mut session, args).await;
        assert_eq!(conclude(&mut session.output, outcome), 2);
        assert!(fake.asked().is_empty());
    }

    #[tokio::test]
    async fn a_problem_names_the_file() {
        let fake =
            Fake::start(|_| (409, json!({"title": "Conflict", "detail": "no", "code": "conflict"}))).await;
        let (mut session, _, err) = fake.session(false);
        let outcome = run(&mut session, args(&fake, "")).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        let said = err.text();
        assert!(said.starts_with("error: failed to deploy "), "{said}");
        assert!(said.ends_with("orders.wasm: no (409 conflict)\ncorrelation id: c-1\n"), "{said}");
    }
}
