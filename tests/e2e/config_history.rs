//! The settings' history: what is edited and put in force is a version; what is refused is none; an earlier one
//! comes back.

use std::{fs, process::Command, time::Duration};

use busbar_tests::{Folder, Options, Quickstart, poll};
use serde_json::Value;

/// A record is made beside the start or the reload.
const RECORDED: Duration = Duration::from_secs(30);

fn settings(kept_s: u64) -> String {
    format!("[admin]\ntoken = \"s3cret-token\" # ours\n\n[deliveries]\nconfirmed_kept_s = {kept_s}\n")
}

fn write(bus: &Quickstart, text: &str) {
    fs::write(bus.folder().path("busbar.toml"), text).unwrap();
}

/// Waits until there are that many versions; they are newest first.
async fn versions(bus: &Quickstart, number: usize) -> Vec<Value> {
    poll::until("the versions", RECORDED, async || {
        let log = bus.cli(&["config", "log", "--json"]).await;
        if log.code != Some(0) {
            return Err(format!("{log:?}"));
        }
        let log = log.json();
        let items = log["items"].as_array().cloned().unwrap_or_default();
        if items.len() == number { Ok(items) } else { Err(log.to_string()) }
    })
    .await
}

fn git(bus: &Quickstart, arguments: &[&str]) -> String {
    let output =
        Command::new("git").arg("-C").arg(bus.folder().path("config-history")).args(arguments).output();
    let output = output.expect("git is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn what_was_in_force_is_recorded_and_comes_back() {
    let folder = Folder::default();
    fs::create_dir_all(folder.dir()).unwrap();
    fs::write(folder.path("busbar.toml"), settings(60)).unwrap();
    let bus = Quickstart::start_in(folder, Options { services: vec!["echo"], ..Options::default() }).await;
    let first = versions(&bus, 1).await.remove(0);
    assert_eq!(first["kind"], "start", "{first}");
    let first = first["id"].as_str().unwrap().to_owned();

    // Edited by nobody knows whom, and by someone who says so.
    write(&bus, &settings(61));
    bus.cli(&["reload"]).await.expect(0);
    let edited = versions(&bus, 2).await.remove(0);
    assert_eq!((&edited["kind"], &edited["author"]), (&"manual-edit".into(), &"manual edit".into()));
    write(&bus, &settings(62));
    bus.cli(&["reload", "--message", "longer still", "--author", "Jane <jane@x.org>"]).await.expect(0);
    let told = versions(&bus, 3).await.remove(0);
    assert_eq!((&told["author"], &told["email"]), (&"Jane".into(), &"jane@x.org".into()));
    assert_eq!((&told["reason"], &told["kind"]), (&"longer still".into(), &"reload".into()));
    let diff = bus.cli(&["config", "diff", &first]).await;
    diff.expect(0);
    for line in ["\n-confirmed_kept_s = 60\n", "\n+confirmed_kept_s = 62\n"] {
        assert!(diff.stdout.contains(line), "{diff:?}");
    }

    // A bad edit is refused, and what was in force still is.
    let before = poll::until("the end of workers that drain", RECORDED, async || {
        let workers = bus.processes_of("worker");
        if workers.len() == 2 { Ok(workers) } else { Err(format!("{workers:?}")) }
    })
    .await;
    write(&bus, &format!("{}[log]\nlevle = \"warn\"\n", settings(63)));
    let refused = bus.cli(&["reload", "--message", "oops"]).await;
    refused.expect(1);
    assert!(refused.stderr.contains("levle"), "{refused:?}");
    assert_eq!(bus.processes_of("worker"), before);
    bus.cli(&["config", "check"]).await.expect(1);
    assert_eq!(versions(&bus, 3).await[0], told);
    bus.http().get("/echo").await.expect_status(200);

    let why = ["config", "rollback", first.as_str(), "--message", "60 is enough", "--reload"];
    bus.cli(&why).await.expect(0);
    assert_eq!(bus.folder().read("busbar.toml"), settings(60));
    assert!(bus.folder().read("busbar.toml.replaced").contains("levle"), "the edit is not lost");
    let back = versions(&bus, 4).await.remove(0);
    assert_eq!((&back["kind"], &back["reason"]), (&"rollback".into(), &"60 is enough".into()));
    bus.cli(&["config", "check"]).await.expect(0);
    bus.http().get("/echo").await.expect_status(200);

    assert_eq!(
        git(&bus, &["rev-parse", "HEAD^{tree}"]),
        git(&bus, &["rev-parse", &format!("{first}^{{tree}}")])
    );
    let all = git(&bus, &["log", "-p"]);
    assert!(all.contains("60 is enough") && all.contains("token = \"hidden-"), "{all}");
    assert!(!all.contains("s3cret"), "{all}");
    bus.stop().await;
}

/// Trouble with the history stops nobody, and a damaged one is begun anew.
#[tokio::test]
async fn a_damaged_history_stops_no_start() {
    let folder = Folder::default();
    fs::create_dir_all(folder.path("config-history")).unwrap();
    fs::write(folder.path("busbar.toml"), settings(60)).unwrap();
    let bus = Quickstart::start_in(folder, Options { services: vec!["echo"], ..Options::default() }).await;
    bus.http().get("/echo").await.expect_status(200);
    let first = versions(&bus, 1).await.remove(0);
    assert!(first["reason"].as_str().unwrap().contains("damaged"), "{first}");
    assert!(bus.folder().console().contains("was put aside"), "{}", bus.folder().tail());
    bus.stop().await;
}
