//! What is due, what has missed its time, and what a misfire policy makes of it.

use std::time::{Duration, Instant};

use busbar_schedule::{Never, Planning, bounds::MISSED_COUNTED_MAX, jitter_ms};
use chrono::TimeDelta;
use serde_json::json;

use super::{at, cron, every, planning, schedule, seconds, timing};

const NIGHT: &str = "2026-06-01T00:00:00Z";

#[test]
fn nothing_is_due_before_its_time() {
    let hourly = every("1h");
    let plan = planning(&hourly, "once", at(NIGHT)).at(at(NIGHT) + seconds(3_599));
    assert!(plan.runs.is_empty() && plan.missed.is_none());
    assert_eq!((plan.after, plan.next), (at(NIGHT), Ok(at(NIGHT) + seconds(3_600))));
}

#[test]
fn what_is_a_little_late_runs_whatever_the_policy() {
    let often = every("1s");
    for policy in ["skip", "once", "all(1)"] {
        let plan = planning(&often, policy, at(NIGHT)).at(at(NIGHT) + seconds(5));
        assert_eq!(plan.runs.len(), 5, "{policy}");
        assert_eq!(plan.missed, None);
        assert_eq!(plan.after, at(NIGHT) + seconds(5));
    }
}

#[test]
fn the_policy_decides_about_what_was_missed() {
    let hourly = every("1h");
    let later = at(NIGHT) + seconds(5 * 3_600 + 60);
    let plan = |policy: &str| planning(&hourly, policy, at(NIGHT)).at(later);
    let hour = |hour: i64| at(NIGHT) + seconds(hour * 3_600);
    let skipped = plan("skip");
    assert!(skipped.runs.is_empty());
    assert_eq!(
        skipped.missed.map(|missed| (missed.first, missed.last, missed.count)),
        Some((hour(1), hour(5), 5))
    );
    let once = plan("once");
    assert_eq!(once.runs, [hour(5)]);
    assert_eq!(once.missed.map(|missed| (missed.last, missed.count)), Some((hour(4), 4)));
    let some = plan("all(3)");
    assert_eq!(some.runs, [hour(3), hour(4), hour(5)]);
    assert_eq!(some.missed.map(|missed| missed.count), Some(2));
    let all = plan("all(100)");
    assert_eq!((all.runs.len(), all.missed), (5, None));
    for plan in [plan("skip"), plan("all(100)")] {
        assert_eq!((plan.after, plan.next), (hour(5), Ok(hour(6))));
    }
}

#[test]
fn a_run_that_is_due_stands_for_those_that_were_missed() {
    let hourly = every("1h");
    let plan = planning(&hourly, "once", at(NIGHT)).at(at(NIGHT) + seconds(5 * 3_600));
    assert_eq!(plan.runs, [at(NIGHT) + seconds(5 * 3_600)]);
    assert_eq!(plan.missed.map(|missed| missed.count), Some(4));
}

#[test]
fn a_year_of_seconds_is_bounded_work() {
    let year_later = at(NIGHT) + seconds(365 * 86_400);
    for schedule in [every("1s"), cron("* * * * * *", "Europe/Berlin")] {
        for policy in ["skip", "once", "all(100)"] {
            let begun = Instant::now();
            let planning = Planning { jitter_ms: 60_000, ..planning(&schedule, policy, at(NIGHT)) };
            let plan = planning.at(year_later);
            assert!(begun.elapsed() < Duration::from_secs(2), "{schedule} {policy}: {:?}", begun.elapsed());
            assert!(plan.runs.len() <= 200, "{}", plan.runs.len());
            assert_eq!(plan.missed.map(|missed| missed.count), Some(MISSED_COUNTED_MAX));
            assert!(plan.after <= year_later && plan.after > year_later - seconds(61));
        }
    }
}

#[test]
fn a_clock_that_goes_back_makes_nothing_due_again() {
    let often = every("10s");
    let plan = planning(&often, "all(100)", at(NIGHT)).at(at(NIGHT) + seconds(3_600));
    let again = Planning { after: plan.after, ..planning(&often, "all(100)", at(NIGHT)) };
    let back = again.at(at(NIGHT) + seconds(30));
    assert!(back.runs.is_empty() && back.missed.is_none());
    assert_eq!(back.after, plan.after);
}

#[test]
fn repeats_are_runs_not_times() {
    let thrice = schedule(json!({"kind": "interval", "every": "1h", "repeats": 3}));
    let later = at(NIGHT) + seconds(10 * 3_600 + 60);
    let all = planning(&thrice, "all(100)", at(NIGHT)).at(later);
    assert_eq!((all.runs.len(), all.next), (3, Err(Never::Done)));
    let once = planning(&thrice, "once", at(NIGHT)).at(later);
    assert_eq!((once.runs.len(), once.next.is_ok()), (1, true));
    let done = Planning { runs: 3, ..planning(&thrice, "once", at(NIGHT)) }.at(later);
    assert_eq!((done.runs.len(), done.next), (0, Err(Never::Done)));
}

#[test]
fn a_single_time_that_was_missed_is_made_up_for_or_not() {
    let once = schedule(json!({"kind": "once", "at": "2026-06-01T01:00:00Z"}));
    let later = at("2026-06-01T02:00:00Z");
    let plan = planning(&once, "once", at(NIGHT)).at(later);
    assert_eq!((plan.runs, plan.next), (vec![at("2026-06-01T01:00:00Z")], Err(Never::Past)));
    let plan = planning(&once, "skip", at(NIGHT)).at(later);
    assert_eq!(
        (plan.runs.len(), plan.missed.map(|missed| missed.count), plan.next),
        (0, Some(1), Err(Never::Past))
    );
}

#[test]
fn jitter_puts_a_run_off_and_keeps_the_order() {
    let minutely = cron("* * * * *", "UTC");
    let planning = Planning { jitter_ms: 50_000, ..planning(&minutely, "once", at(NIGHT)) };
    let first = at("2026-06-01T00:01:00Z");
    let jitter = i64::try_from(jitter_ms("job", first, 50_000)).unwrap();
    assert!(jitter > 0);
    let due = first + TimeDelta::milliseconds(jitter);
    assert_eq!(planning.due_at(first), due);
    assert!(planning.at(due - TimeDelta::milliseconds(1)).runs.is_empty());
    assert_eq!(planning.at(due).runs, [first]);
    assert_eq!(timing(&minutely, None).next(first), planning.at(due).next);
}
