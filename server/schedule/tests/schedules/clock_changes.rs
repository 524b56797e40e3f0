//! Clocks that are put forward and back, in three zones: one with an hour in Europe, one in America, and one with
//! half an hour in the south.

use super::{cron, every, times};

#[test]
fn a_time_that_does_not_exist_runs_at_the_first_instant_after_the_gap() {
    // Berlin leaves out 02:00 to 03:00 on March 29.
    let nightly = cron("30 2 * * *", "Europe/Berlin");
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(times(&nightly, "2026-03-27T12:00:00Z", 3), expected);
    // New York leaves out 02:00 to 03:00 on March 8.
    let nightly = cron("30 2 * * *", "America/New_York");
    let expected = ["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"];
    assert_eq!(times(&nightly, "2026-03-06T12:00:00Z", 3), expected);
    // Lord Howe Island leaves out 02:00 to 02:30 on October 4.
    let nightly = cron("15 2 * * *", "Australia/Lord_Howe");
    let expected = ["2026-10-02T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"];
    assert_eq!(times(&nightly, "2026-10-02T12:00:00Z", 3), expected);
}

#[test]
fn a_time_that_comes_twice_runs_once_the_first_time() {
    // Berlin has 02:00 to 03:00 twice on October 25.
    let nightly = cron("30 2 * * *", "Europe/Berlin");
    let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(times(&nightly, "2026-10-23T12:00:00Z", 3), expected);
    // Also seen from between the two.
    assert_eq!(times(&nightly, "2026-10-25T01:10:00Z", 1), ["2026-10-26T01:30:00Z"]);
    // New York has 01:00 to 02:00 twice on November 1.
    let nightly = cron("30 1 * * *", "America/New_York");
    let expected = ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"];
    assert_eq!(times(&nightly, "2026-10-30T12:00:00Z", 3), expected);
    // Lord Howe Island has 01:30 to 02:00 twice on April 5.
    let nightly = cron("45 1 * * *", "Australia/Lord_Howe");
    let expected = ["2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"];
    assert_eq!(times(&nightly, "2026-04-03T12:00:00Z", 3), expected);
}

#[test]
fn what_runs_every_hour_follows_elapsed_time() {
    let hourly = cron("30 * * * *", "Europe/Berlin");
    let forward = ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"];
    assert_eq!(times(&hourly, "2026-03-29T00:00:00Z", 3), forward);
    let back = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    assert_eq!(times(&hourly, "2026-10-25T00:00:00Z", 3), back);
}

#[test]
fn an_interval_is_elapsed_time() {
    let daily = every("1d");
    assert_eq!(times(&daily, "2026-03-28T12:00:00Z", 2), ["2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"]);
}

#[test]
fn looking_back_finds_what_looking_forward_finds() {
    for (expression, zone) in [
        ("30 2 * * *", "Europe/Berlin"),
        ("30 1 * * *", "America/New_York"),
        ("45 1 * * *", "Australia/Lord_Howe"),
        ("*/20 * * * *", "Europe/Berlin"),
    ] {
        let schedule = cron(expression, zone);
        let timing = super::timing(&schedule, None);
        let mut at = super::at("2026-01-01T00:00:00Z");
        let mut passed = Vec::new();
        for _ in 0..400 {
            at = timing.next(at).unwrap();
            passed.push(at);
        }
        let mut back = at + super::seconds(1);
        while let Some(expected) = passed.pop() {
            back = timing.previous(back).unwrap();
            assert_eq!(back, expected, "{expression} {zone}");
        }
    }
}
