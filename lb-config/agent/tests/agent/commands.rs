//! What people ask of an agent.

use std::{fs, os::unix::fs::PermissionsExt};

use busbar_lb_agent::{AskError, Error, Request, Response, ask, run};
use busbar_lb_config::{Bounded, Origin, Standing};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use crate::{
    backend::Backend,
    stage::{Desk, Stage, server},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_holds_until_someone_resumes() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    for retries in [1, 2, 3] {
        stage.want(vec![server(&a)], |settings| settings.retries = Bounded::nearest(retries));
        stage.applied().await;
    }
    let text = || fs::read_to_string(stage.config()).unwrap();
    let Response::Done { entry } = stage.ask(Request::Rollback { to: None }).await else {
        panic!("no rollback")
    };
    assert_eq!(entry.unwrap().origin, Origin::Rollback { to: 2 });
    assert!(text().contains("retries 2"));
    let Response::Done { .. } = stage.ask(Request::Rollback { to: Some(1) }).await else {
        panic!("no rollback")
    };
    assert!(text().contains("retries 1"));
    stage.end().await;
    stage.begin();
    stage.want(vec![server(&a)], |settings| settings.retries = Bounded::nearest(4));
    stage
        .reported("it is held", |report| {
            report.standing == Standing::RolledBack { to: 1 } && report.wanted_version == Some(4)
        })
        .await;
    let text = || fs::read_to_string(stage.config()).unwrap();
    assert!(text().contains("retries 1"));
    for (request, reason) in [
        (Request::Apply, "configuration 1 is held since a rollback: resume first"),
        (Request::Rollback { to: Some(99) }, "there is no configuration 99: 1, 2, 3, 4, 5 are kept"),
    ] {
        assert_eq!(stage.ask(request).await, Response::Refused { reason: reason.to_owned() });
    }
    let Response::Done { .. } = stage.ask(Request::Resume).await else { panic!("not resumed") };
    stage.applied().await;
    assert!(text().contains("retries 4"));
    let Response::History { entries } = stage.ask(Request::History).await else { panic!("no history") };
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    let Response::Status { report } = stage.ask(Request::Status).await else { panic!("no status") };
    assert_eq!((report.agent.as_str(), report.standing), ("balancer-1", Standing::Ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_is_its_users_own_and_refuses_what_it_does_not_know() {
    let mut stage = Stage::new();
    stage.begin();
    let path = stage.options.folder.join("run/agent.sock");
    crate::stage::until("the agent listens", || path.exists()).await;
    stage.reported("it waits", |report| report.standing == Standing::Waiting).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (reader, mut writer) = UnixStream::connect(&path).await.unwrap().into_split();
    let mut lines = BufReader::new(reader).lines();
    for (line, reason) in [
        ("{", "the request is not understood"),
        (r#"{"ask":"reboot"}"#, "unknown variant `reboot`, expected one of `status`"),
        (r#"{"ask":"rollback","to":1,"now":true}"#, "unknown field `now`"),
        (r#"{"ask":"apply"}"#, "nothing is known yet of what is wanted"),
        (r#"{"ask":"rollback","to":null}"#, "there is no good configuration before the one in force"),
    ] {
        writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = lines.next_line().await.unwrap().unwrap();
        assert!(answer.contains(reason) && answer.contains("refused"), "{line}: {answer}");
    }
    stage.end().await;
    let error = ask(&stage.options.folder, Request::Status).await.unwrap_err();
    assert!(matches!(error, AskError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_agent_has_a_folder_and_options_are_checked() {
    let mut stage = Stage::new();
    stage.begin();
    stage.reported("it waits", |report| report.standing == Standing::Waiting).await;
    let second = run(stage.options.clone(), Desk::default(), std::future::pending()).await;
    assert!(matches!(second, Err(Error::Locked(_))), "{second:?}");
    for (change, reason) in [
        (
            (|options| options.folder = "lb".into()) as fn(&mut busbar_lb_agent::Options),
            "folder is lb: an absolute path",
        ),
        (|options| options.folder = format!("/{}", "a".repeat(70)).into(), "70 bytes at most"),
        (|options| options.canary = "/a b".to_owned(), "canary is /a b"),
        (|options| options.poll = std::time::Duration::ZERO, "poll is 0ns: 50 ms to 10 minutes are allowed"),
    ] {
        let mut options = stage.options.clone();
        change(&mut options);
        let error = run(options, Desk::default(), std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
