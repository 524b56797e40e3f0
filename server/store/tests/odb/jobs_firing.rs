//! Jobs: what is due becomes runs, each once, whatever the clock and others do.

use std::{
    collections::HashSet,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use busbar_model::{bounds, calendar, delivery::DeliveryState, job::Draft, run::Outcome};
use busbar_store::{Error, MasterKey, Page, Wanted, secret::seal};
use serde_json::json;

use crate::{
    fixture::{Fixture, by, name},
    scheduling::{HOUR, SECOND, by_at, every, fire_all, scheduled},
    staging::{after, claim_as},
};

#[test]
fn a_due_time_becomes_a_run_and_a_delivery() {
    let fixture = Fixture::new();
    let input = json!({"day": "today"});
    let job = fixture.job(Draft { input: input.clone(), max_run_ms: Some(7), ..every("hourly", "1h") });
    assert_eq!(job.progress.next_at, Some(after(HOUR)));
    assert_eq!(fixture.fire(HOUR - 1).late_ms, [0; 0]);
    assert_eq!(fixture.fire(HOUR + 250).late_ms, [250]);
    assert_eq!(fixture.fire(HOUR + 251).late_ms, [0; 0]);
    let runs = fixture.runs(&job);
    assert_eq!(fixture.shown(&job), [(3_600, None)]);
    let delivery = fixture.delivery(runs[0].delivery.as_ref().unwrap());
    assert_eq!((delivery.target.to_string().as_str(), delivery.state), ("summary", DeliveryState::Waiting));
    assert_eq!(
        (delivery.correlation_id.as_str(), delivery.policy.attempts_max),
        (runs[0].correlation_id.as_str(), 3)
    );
    let claimed = fixture.claim_only(HOUR + 300);
    assert_eq!(claimed.payload, input.to_string().into_bytes());
    assert_eq!(claimed.attempt_ms(30_000), 7, "the attempt has the job's own time limit");
    assert_eq!(fixture.runs(&job)[0].started_at, Some(after(HOUR + 300)));
    let now = fixture.job_now(&job);
    assert_eq!((now.progress.next_at, now.progress.runs), (Some(after(2 * HOUR)), 1));
    assert_eq!(now.revision, job.revision, "running is no change of the definition");
}

#[test]
fn ten_thousand_that_are_due_at_once_are_fired_once_each() {
    let fixture = Fixture::new();
    let jobs = (0..10_000).map(|at| every(&format!("job-{at}"), "1h")).collect();
    let wanted = Wanted { jobs, ..Wanted::default() };
    fixture.odb.apply(&by(), &MasterKey::new(&[7; seal::KEY_BYTES]), &wanted, false, false).unwrap();
    let begun = Instant::now();
    let fired = fixture.fire(HOUR);
    assert_eq!((fired.late_ms.len(), fired.skipped), (10_000, 0));
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    assert_eq!(fixture.fire(HOUR + SECOND).late_ms, [0; 0]);
    let waiting = fixture.odb.delivery_counts().unwrap();
    assert!(waiting.contains(&(DeliveryState::Waiting, 10_000)), "{waiting:?}");
}

#[test]
fn two_who_fire_at_once_make_each_run_once() {
    let fixture = Fixture::new();
    let jobs: Vec<_> = (0..300).map(|at| fixture.job(every(&format!("job-{at}"), "10s"))).collect();
    let (barrier, fence) = (Barrier::new(2), fixture.fence);
    let fire = |odb: busbar_store::Odb| {
        barrier.wait();
        let mut fired = 0;
        for second in 10..40 {
            fired += fire_all(&odb, fence, after(second * SECOND)).late_ms.len();
        }
        fired
    };
    let (one, other) = thread::scope(|scope| {
        let (one, other) = (fixture.another(), fixture.another());
        let one = scope.spawn(|| fire(one));
        let other = scope.spawn(|| fire(other));
        (one.join().unwrap(), other.join().unwrap())
    });
    // Those of later times are skipped while the first has not ended.
    assert_eq!(one + other, 300);
    for job in &jobs {
        let runs = fixture.runs(job);
        let times: HashSet<_> = runs.iter().map(|run| run.scheduled_for).collect();
        assert_eq!((runs.len(), times.len()), (3, 3));
        assert_eq!(runs.iter().filter(|run| run.delivery.is_some()).count(), 1);
    }
}

#[test]
fn a_clock_that_is_an_hour_ahead_or_behind_makes_no_run_twice() {
    let fixture = Fixture::new();
    let job =
        fixture.job(Draft { overlap: true, misfire: "all(100)".parse().unwrap(), ..every("often", "10m") });
    fixture.fire(600 * SECOND);
    // An hour ahead: six times are made up for.
    assert_eq!(fixture.fire(600 * SECOND + HOUR).late_ms.len(), 6);
    // And back again: nothing is due before the clock is where it was.
    for minute in 11..70 {
        assert_eq!(fixture.fire(minute * 60 * SECOND).late_ms, [0; 0], "{minute}");
    }
    assert_eq!(fixture.fire(80 * 60 * SECOND).late_ms.len(), 1);
    let expected: Vec<_> = (1..=8).map(|run| (run * 600, None)).collect();
    assert_eq!(fixture.shown(&job), expected);
}

#[test]
fn a_run_that_is_due_while_the_one_before_has_not_ended_is_skipped() {
    let fixture = Fixture::new();
    let job = fixture.job(every("often", "10s"));
    let overlapping = fixture.job(Draft { overlap: true, ..every("overlapping", "10s") });
    for second in [10, 20, 30] {
        fixture.fire(second * SECOND);
    }
    let skipped = Some(Outcome::Skipped);
    assert_eq!(fixture.shown(&job), [(10, None), (20, skipped), (30, skipped)]);
    let reason = fixture.runs(&job)[0].error.clone().unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.message.as_str()),
        ("overlap", "the run before it had not ended")
    );
    assert_eq!(fixture.shown(&overlapping), [(10, None), (20, None), (30, None)]);
    assert_eq!(fixture.job_now(&job).tally.skipped, 2);
}

#[test]
fn runs_that_catch_up_come_one_after_the_other() {
    let fixture = Fixture::new();
    let job = fixture.job(Draft { misfire: "all(3)".parse().unwrap(), ..every("hourly", "1h") });
    fixture.fire(10 * HOUR + 60 * SECOND);
    let made: Vec<_> = fixture.shown(&job);
    let hour = |hour: i64| hour * 3_600;
    assert_eq!(made, [(hour(7), Some(Outcome::Skipped)), (hour(8), None), (hour(9), None), (hour(10), None)]);
    let claims = claim_as(&fixture.odb, "one/0", 10 * HOUR + 61 * SECOND, 10);
    assert_eq!(claims.claimed.len(), 1, "they do not overlap");
    let reason = fixture.runs(&job).into_iter().find_map(|run| run.error).unwrap();
    assert!(reason.message.starts_with("7 times from 2027-01-15T09:00:00"), "{}", reason.message);
}

#[test]
fn an_interval_stops_after_its_repeats() {
    let fixture = Fixture::new();
    let job = fixture.job(Draft {
        overlap: true,
        ..scheduled("thrice", json!({"kind": "interval", "every": "10s", "repeats": 3}))
    });
    for second in (10..100).step_by(10) {
        fixture.fire(second * SECOND);
    }
    assert_eq!(fixture.shown(&job), [(10, None), (20, None), (30, None)]);
    let (now, upcoming) = fixture.odb.upcoming(&job.id, after(100 * SECOND), 10).unwrap();
    assert_eq!((now.progress.next_at, upcoming.times.len()), (None, 0));
    assert_eq!(upcoming.never.unwrap().to_string(), "all of its repeats are made");
}

#[test]
fn a_single_time_is_run_for_once() {
    let fixture = Fixture::new();
    let job = fixture.job(scheduled("one", json!({"kind": "once", "at": "2027-01-15T08:00:30Z"})));
    let past = fixture.job(scheduled("past", json!({"kind": "once", "at": "2027-01-15T07:00:00Z"})));
    for second in [29, 30, 31, 3_600] {
        fixture.fire(second * SECOND);
    }
    assert_eq!(fixture.shown(&job), [(30, None)]);
    assert_eq!(fixture.shown(&past), []);
    let (_, upcoming) = fixture.odb.upcoming(&past.id, after(0), 10).unwrap();
    assert_eq!(upcoming.never.unwrap().to_string(), "its only time is past");
}

#[test]
fn nothing_runs_while_a_job_is_paused_and_the_policy_decides_when_it_is_resumed() {
    let fixture = Fixture::new();
    let once = fixture.job(every("once", "1h"));
    let skip = fixture.job(Draft { misfire: "skip".parse().unwrap(), ..every("skip", "1h") });
    let pause = |job: &str, paused: bool, ms: i64| {
        fixture
            .odb
            .update_job(&by_at(ms), job, None, |draft| Ok::<_, Error>(Draft { paused, ..draft }))
            .unwrap()
    };
    for job in [&once, &skip] {
        assert_eq!(pause(&job.id, true, SECOND).progress.next_at, Some(after(HOUR)));
    }
    assert_eq!(fixture.fire(3 * HOUR).late_ms, [0; 0]);
    for job in [&once, &skip] {
        pause(&job.id, false, 3 * HOUR + 60 * SECOND);
    }
    fixture.fire(3 * HOUR + 60 * SECOND);
    let skipped = Some(Outcome::Skipped);
    assert_eq!(fixture.shown(&once), [(2 * 3_600, skipped), (3 * 3_600, None)]);
    assert_eq!(fixture.shown(&skip), [(3 * 3_600, skipped)]);
    assert_eq!(fixture.job_now(&skip).progress.next_at, Some(after(4 * HOUR)));
}

#[test]
fn someone_may_ask_for_a_run_at_any_time() {
    let fixture = Fixture::new();
    let job = fixture.job(Draft { paused: true, ..every("paused", "1h") });
    let run = fixture.odb.run_job(&by_at(5 * SECOND), &job.id).unwrap();
    assert_eq!((run.trigger.as_str(), run.scheduled_for), ("manual", after(5 * SECOND)));
    assert_eq!(fixture.claim_only(5 * SECOND).correlation_id, run.correlation_id);
    let refused = fixture.odb.run_job(&by_at(6 * SECOND), &job.id).unwrap_err();
    assert!(refused.to_string().contains("has a run that has not ended"), "{refused}");
    // Two at the same instant are two, where runs may overlap.
    let often = fixture.job(Draft { overlap: true, ..every("often", "1h") });
    let both = [(); 2].map(|()| fixture.odb.run_job(&by_at(HOUR), &often.id).unwrap());
    assert_ne!(both[0].scheduled_for, both[1].scheduled_for);
    // One that takes the place of a scheduled time stands for it, and stops nothing.
    assert_eq!(fixture.fire(HOUR).late_ms, [0; 0]);
    assert_eq!(fixture.fire(2 * HOUR).late_ms, [0]);
}

#[test]
fn a_calendar_that_changes_changes_the_next_times() {
    let fixture = Fixture::new();
    let rules = |days: serde_json::Value| serde_json::from_value(json!({"weekdays": days})).unwrap();
    let none = calendar::Draft { name: name("closed"), rules: rules(json!([])) };
    let calendar = fixture.odb.create_calendar(&by(), none).unwrap();
    let daily = json!({"kind": "cron", "expression": "0 9 * * *", "time_zone": "Europe/Berlin"});
    let job = fixture.job(Draft { calendar: Some(name("closed")), ..scheduled("daily", daily) });
    // It is Friday, nine o'clock in Berlin.
    assert_eq!(job.progress.next_at, Some(after(24 * HOUR)));
    let set = |days: serde_json::Value| {
        let edit =
            |draft: calendar::Draft| Ok::<_, Error>(calendar::Draft { rules: rules(days.clone()), ..draft });
        fixture.odb.update_calendar(&by_at(SECOND), &calendar.id, None, edit).unwrap();
        assert_eq!(fixture.fire(2 * SECOND).late_ms, [0; 0]);
        fixture.job_now(&job).progress.next_at
    };
    assert_eq!(set(json!(["SAT", "SUN"])), Some(after(72 * HOUR)));
    assert_eq!(set(json!(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])), None);
    assert_eq!(set(json!(["SUN"])), Some(after(24 * HOUR)));
    let refused = fixture.odb.delete_calendar(&by(), &calendar.id, None).unwrap_err();
    assert_eq!(refused.to_string(), "calendar \"closed\" is in use by job \"daily\"");
    fixture.odb.delete_job(&by(), &job.id, None).unwrap();
    fixture.odb.delete_calendar(&by(), &calendar.id, None).unwrap();
}

#[test]
fn the_history_of_each_job_is_bounded() {
    let fixture = Fixture::new();
    let job = fixture.job(every("often", "1s"));
    for second in 1..=1_200 {
        fixture.fire(second * SECOND);
    }
    let page = Page::first(5_000);
    let runs = fixture.odb.job_runs(&job.id, &page, &Default::default()).unwrap().items;
    let most = usize::try_from(bounds::RUNS_KEPT_PER_JOB).unwrap();
    assert!((most..most + 70).contains(&runs.len()), "{}", runs.len());
    assert!(runs.iter().any(|run| run.ended_at.is_none()), "what is under way is not forgotten");
}
