//! Days that are left out, and schedules that never come.

use std::time::{Duration, Instant};

use busbar_schedule::{Never, Rules, Schedule};
use serde_json::{Value, json};

use super::{at, cron, every, schedule, timing};

fn rules(value: Value) -> Rules {
    serde_json::from_value(value).unwrap()
}

fn next(schedule: &Schedule, calendar: &Rules, after: &str) -> Result<String, Never> {
    timing(schedule, Some(calendar)).next(at(after)).map(|at| at.to_rfc3339())
}

#[test]
fn days_are_those_of_the_zone() {
    let holidays = rules(json!({"dates": ["2026-12-25"]}));
    // In Auckland Christmas is over when it begins in London's afternoon before.
    let nightly = cron("0 1 * * *", "Pacific/Auckland");
    assert_eq!(next(&nightly, &holidays, "2026-12-23T20:00:00Z").unwrap(), "2026-12-25T12:00:00+00:00");
    let nightly = cron("0 1 * * *", "UTC");
    assert_eq!(next(&nightly, &holidays, "2026-12-24T20:00:00Z").unwrap(), "2026-12-26T01:00:00+00:00");
}

#[test]
fn an_interval_goes_on_counting_over_days_that_are_left_out() {
    let weekends = rules(json!({"weekdays": ["SAT", "SUN"]}));
    let odd = every("7h");
    // Friday, 2026-01-02, has the 42nd hour of the year; the 49th to the 91st are of the weekend.
    let monday = next(&odd, &weekends, "2026-01-02T21:30:00Z").unwrap();
    assert_eq!(monday, "2026-01-05T02:00:00+00:00");
    let before = timing(&odd, Some(&weekends)).previous(at("2026-01-05T02:00:00Z")).unwrap();
    assert_eq!(before, at("2026-01-02T18:00:00Z"));
}

#[test]
fn what_never_comes_says_why_and_takes_no_time() {
    let all = rules(json!({"weekdays": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]}));
    let long = rules(json!({"ranges": [{"from": "2000-01-01", "to": "9999-12-31"}]}));
    let christmas = rules(json!({"yearly": ["12-25"]}));
    let mondays = rules(json!({"weekdays": ["MON"]}));
    let none = Rules::default();
    let once = schedule(json!({"kind": "once", "at": "2026-12-25T08:00:00Z"}));
    let cases = [
        (cron("0 0 30 2 *", "Europe/Berlin"), &none, Never::NoSuchTime),
        (cron("0 0 31 4,6,9,11 *", "UTC"), &none, Never::NoSuchTime),
        (cron("0 8 * * *", "Europe/Berlin"), &all, Never::Excluded),
        (cron("* * * * * *", "UTC"), &long, Never::Excluded),
        (cron("0 8 25 12 *", "UTC"), &christmas, Never::Excluded),
        (cron("0 8 * * MON", "UTC"), &mondays, Never::Excluded),
        (every("1s"), &all, Never::Excluded),
        (every("7d"), &rules(json!({"weekdays": ["THU"]})), Never::Excluded),
        (once.clone(), &christmas, Never::Excluded),
    ];
    for (schedule, calendar, never) in cases {
        let begun = Instant::now();
        assert_eq!(next(&schedule, calendar, "2026-01-01T00:00:00Z"), Err(never), "{schedule}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{schedule}: {:?}", begun.elapsed());
    }
    assert_eq!(next(&once, &none, "2026-12-25T08:00:00Z"), Err(Never::Past));
}

#[test]
fn a_time_of_leap_years_comes() {
    let leap = cron("0 0 29 2 *", "UTC");
    assert_eq!(next(&leap, &Rules::default(), "2096-03-01T00:00:00Z").unwrap(), "2104-02-29T00:00:00+00:00");
}

#[test]
fn repeats_come_to_an_end() {
    let thrice =
        schedule(json!({"kind": "interval", "every": "1h", "start": "2026-01-01T00:00:00Z", "repeats": 3}));
    let upcoming = timing(&thrice, None).upcoming(at("2025-12-31T00:00:00Z"), 1, 10);
    assert_eq!(upcoming.times, [at("2026-01-01T00:00:00Z"), at("2026-01-01T01:00:00Z")]);
    assert_eq!(upcoming.never, Some(Never::Done));
}
