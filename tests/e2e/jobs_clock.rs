//! Jobs while the machine's clock is set, ahead and back, by libfaketime under the processes of the bus.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use busbar_tests::{Options, Quickstart, poll};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::jobs::{BOUND, counting, create, microseconds, received, runs, wait_ended};

/// Debian's, wherever it has it on this kind of machine.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap();
    let mut places = folders.map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"));
    places.find(|place| place.is_file()).expect("`apt-get install libfaketime`, or `make libfaketime`")
}

/// A bus whose clock is off by what a file says.
async fn start(offset: &Path) -> Quickstart {
    set(offset, 0);
    let environment = vec![
        ("LD_PRELOAD", libfaketime().display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // Setting a clock leaves the time since the start as it is.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let options = Options { services: vec!["keeper"], environment, ..Options::default() };
    Quickstart::start_with(options).await
}

fn set(offset: &Path, seconds: i64) {
    // At once: a file that is half written is no time.
    let new = offset.with_extension("new");
    fs::write(&new, format!("{seconds:+}\n")).unwrap();
    fs::rename(&new, offset).unwrap();
}

fn times(runs: &[Value]) -> Vec<i64> {
    runs.iter().map(|run| microseconds(run, "scheduled_for")).collect()
}

#[tokio::test]
async fn a_clock_that_is_set_by_an_hour_loses_and_doubles_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let offset = folder.path().join("offset");
    let bus = start(&offset).await;
    let every = |every: &str| json!({"kind": "interval", "every": every});
    let patient = |misfire: &str| json!({"misfire": misfire, "overlap": true, "expires_ms": 7_200_000});
    let beat = create(&bus, counting("beat", every("1s"), patient("skip"))).await;
    let each = create(&bus, counting("each", every("10m"), patient("all(100)"))).await;
    let stand_in = create(&bus, counting("stand-in", every("10m"), patient("once"))).await;
    wait_ended(&bus, &beat, 2).await;

    set(&offset, 3600);
    let caught_up = times(&wait_ended(&bus, &each, 6).await);
    assert!(caught_up.windows(2).all(|pair| pair[1] - pair[0] == 600_000_000), "{caught_up:?}");
    wait_ended(&bus, &stand_in, 1).await;
    let so_far = runs(&bus, &beat).await.len();
    wait_ended(&bus, &beat, so_far + 2).await;

    set(&offset, 0);
    // Until the clock is where it was nothing comes again, and what is new is not held up.
    let fresh = create(&bus, counting("fresh", every("1s"), patient("skip"))).await;
    wait_ended(&bus, &fresh, 3).await;
    let waiting = runs(&bus, &beat).await.len();
    let path = format!("/jobs/{}/run", stand_in["id"].as_str().unwrap());
    bus.admin("POST", &path, None).await.expect_status(202);
    wait_ended(&bus, &stand_in, 2).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!((runs(&bus, &beat).await.len(), runs(&bus, &each).await.len()), (waiting, 6));

    set(&offset, 3600);
    wait_ended(&bus, &beat, waiting + 2).await;
    for (name, job, count) in [("beat", beat, None), ("each", each, Some(6)), ("stand-in", stand_in, Some(2))]
    {
        bus.admin("POST", &format!("/jobs/{}/pause", job["id"].as_str().unwrap()), None).await.expect(200);
        let ended = poll::until("the end of all", BOUND, async || {
            let runs = runs(&bus, &job).await;
            let well = runs.iter().all(|run| run["outcome"] == "success" || run["outcome"] == "skipped");
            if well { Ok(runs) } else { Err(json!(runs).to_string()) }
        })
        .await;
        let ran: Vec<Value> = ended.into_iter().filter(|run| run["outcome"] == "success").collect();
        let different: HashSet<i64> = times(&ran).into_iter().collect();
        assert_eq!(different.len(), ran.len(), "{name}: no time has two runs: {ran:?}");
        assert!(count.is_none_or(|count| count == ran.len()), "{name}: {ran:?}");
        assert_eq!(received(&bus, name).await, i64::try_from(ran.len()).unwrap(), "{name}");
    }
}
