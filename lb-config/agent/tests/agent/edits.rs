//! Edits by hand.

use std::{fs, time::Duration};

use busbar_lb_agent::{Request, Response};
use busbar_lb_config::{Bounded, Origin, Outcome, Report, Standing};
use tokio::time::sleep;

use crate::{
    backend::Backend,
    load::Load,
    stage::{Stage, server},
};

const FRONTEND: &str = "    # BEGIN own lines for frontend (kept by busbar lb-agent)\n";

fn own(text: String, line: &str) -> String {
    text.replace(FRONTEND, &format!("{FRONTEND}{line}\n"))
}

fn number(report: &Report) -> u64 {
    report.applied.as_ref().unwrap().number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_lines_are_taken_over_and_survive() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let first = number(&stage.applied().await);
    let load = Load::start(stage.port, 4);
    stage.edit(|text| own(text, "    http-request return status 418 if { path /teapot }"));
    let report = stage.reported("the edit is in force", |report| number(report) > first).await;
    let entry = report.applied.clone().unwrap();
    assert_eq!(
        (entry.origin, entry.outcome, report.standing),
        (Origin::Edited, Outcome::Reloaded, Standing::Ok)
    );
    assert_eq!(stage.get("/teapot", "").await.0, 418);
    stage.want(vec![server(&a)], |settings| settings.retries = Bounded::nearest(1));
    stage.applied().await;
    assert_eq!(stage.get("/teapot", "").await.0, 418);
    // A rollback to a time before them takes them away until someone resumes.
    stage.ask(Request::Rollback { to: Some(first) }).await;
    assert_eq!(stage.get("/teapot", "").await.0, 200);
    stage.ask(Request::Resume).await;
    assert_eq!(stage.get("/teapot", "").await.0, 418);
    // The history says what was applied then, not what was edited later.
    let before =
        fs::read_to_string(stage.options.folder.join(format!("configs/{first}/haproxy.cfg"))).unwrap();
    assert!(!before.contains("teapot"));
    load.all_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_edits_leave_the_old_one_in_force() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let first = stage.applied().await;
    let good = fs::read_to_string(stage.config()).unwrap();
    let mut load = Some(Load::start(stage.port, 4));
    let dead = own(good.clone(), "    http-request deny if { path_beg /_busbar/ping }");
    for (broken, reason) in [
        (own(good.clone(), "    http-request retrun"), "but got 'retrun'"),
        (own(good.clone(), "    http-request \"return"), "is unreadable: a double quote is not closed"),
        (own(good.clone(), "backend mine"), "own lines for frontend begin a section"),
        (good.replace("mode http", "mode htpp"), "unknown proxy mode 'htpp'"),
        (good.replace("http-check expect status 200", "http-check connect sni str(x)"), "fails every one"),
        (good.replace("maxconn 4000", "maxconn 999999999"), "descriptors"),
        (String::new(), "no stats socket says \"level admin\""),
        (dead, "answers /_busbar/ping with 403, not 200"),
        (good.replace("expect status 200", "expect status 201"), "no server is up: a is DOWN (L7STS"),
    ] {
        // Only this one is found out by what it does to callers.
        if reason.starts_with("no server") {
            println!("{} requests, 0 failed", load.take().unwrap().all_well().await);
        }
        stage.edit(|_| broken.clone());
        let is_so = |report: &Report| matches!(&report.standing, Standing::Failed { reason: found } if found.contains(reason));
        let report = stage.reported(&format!("refused: {reason}"), is_so).await;
        assert_eq!(number(&report), number(&first));
        assert_eq!(fs::read_to_string(stage.config()).unwrap(), good);
        let kept = stage.options.folder.join(format!("configs/{}/rejected.cfg", number(&first)));
        assert_eq!(fs::read_to_string(kept).unwrap(), broken);
    }
    // A killed HAProxy comes back with the old one, and the reason stays to be seen.
    let report = stage.report().unwrap();
    assert!(matches!(report.standing, Standing::Failed { .. }), "{report:?}");
    stage.kill(i32::try_from(report.haproxy.unwrap().pid).unwrap());
    stage.reported("a restart", |report| report.restarts == 1 && report.haproxy.is_some()).await;
    assert_eq!(stage.get("/x", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_told_and_kept_until_someone_applies() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    stage.applied().await;
    stage.edit(|text| text.replace("retries 3", "retries 7"));
    let report = stage.reported("drift", |report| matches!(report.standing, Standing::Drift { .. })).await;
    let Standing::Drift { diff } = report.standing else { unreachable!() };
    assert_eq!(diff.to_string(), "[defaults]\n- retries 3\n+ retries 7\n");
    // It is kept while other things are wanted, and by the next agent.
    stage.want(vec![server(&a)], |settings| settings.timeouts.queue_ms = Bounded::nearest(7_000));
    stage.end().await;
    stage.begin();
    sleep(Duration::from_millis(600)).await;
    stage.reported("drift still", |report| matches!(report.standing, Standing::Drift { .. })).await;
    assert!(fs::read_to_string(stage.config()).unwrap().contains("retries 7"));
    let Response::Diff { diff } = stage.ask(Request::Diff).await else { panic!("no diff") };
    assert_eq!(
        diff.to_string(),
        "[defaults]\n- retries 7\n- timeout queue 10s\n+ retries 3\n+ timeout queue 7s\n"
    );
    let Response::Done { entry } = stage.ask(Request::Apply).await else { panic!("not applied") };
    assert_eq!(entry.unwrap().origin, Origin::Rendered);
    stage.applied().await;
    assert!(fs::read_to_string(stage.config()).unwrap().contains("retries 3"));

    // A drift that is taken back by hand is none.
    stage.edit(|text| text.replace("retries 3", "retries 7"));
    stage.reported("drift", |report| matches!(report.standing, Standing::Drift { .. })).await;
    stage.edit(|text| text.replace("retries 7", "retries 3"));
    stage.applied().await;
}
