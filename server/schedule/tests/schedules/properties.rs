//! What holds of every schedule.

use busbar_schedule::{Planning, Rules, Schedule};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::{planning, schedule, seconds, timing};

fn schedules() -> impl Strategy<Value = Schedule> {
    let fields = (
        0..60_u32,
        0..24_u32,
        prop_oneof![Just("*".to_owned()), (1..29_u32).prop_map(|day| day.to_string())],
    );
    let zones = prop_oneof![
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe")
    ];
    let crons = (fields, zones, any::<bool>()).prop_map(|((minute, hour, day), zone, hourly)| {
        let hour = if hourly { "*".to_owned() } else { hour.to_string() };
        schedule(
            json!({"kind": "cron", "expression": format!("{minute} {hour} {day} * *"), "time_zone": zone}),
        )
    });
    let intervals = (1..200_000_u64, proptest::option::of(1..50_u64)).prop_map(|(every, repeats)| {
        schedule(json!({"kind": "interval", "every": format!("{every}s"), "repeats": repeats}))
    });
    prop_oneof![crons, intervals]
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (1_767_225_600_000_000_i64..1_830_297_600_000_000)
        .prop_map(|us| DateTime::from_timestamp_micros(us).unwrap())
}

fn calendars() -> impl Strategy<Value = Option<Rules>> {
    let weekend = json!({"weekdays": ["SAT", "SUN"], "yearly": [{"from": "12-20", "to": "01-06"}]});
    prop_oneof![Just(None), Just(serde_json::from_value(weekend).ok())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_time_is_later_and_the_one_before_it_is_not_between(
        schedule in schedules(), after in instants(), calendar in calendars()
    ) {
        let timing = timing(&schedule, calendar.as_ref());
        if let Ok(next) = timing.next(after) {
            prop_assert!(next > after);
            prop_assert!(timing.previous(next).is_none_or(|previous| previous <= after));
            prop_assert_eq!(timing.previous(next + seconds(1)), Some(next));
            if let Some(calendar) = &calendar {
                prop_assert!(!calendar.excludes(schedule.zone().day(next)));
            }
        }
    }

    /// Looked at in two steps or in one: each time is dealt with once.
    #[test]
    fn no_time_is_due_twice(
        schedule in schedules(), after in instants(), first in 0..500_000_i64, second in 0..500_000_i64
    ) {
        let begin = planning(&schedule, "all(100)", after);
        let one = begin.at(after + seconds(first));
        let two = Planning { after: one.after, runs: one.runs.len() as u64, ..begin }.at(after + seconds(first + second));
        prop_assert!(one.after >= after && two.after >= one.after);
        let all: Vec<_> = one.runs.iter().chain(&two.runs).collect();
        prop_assert!(all.is_sorted_by(|a, b| a < b), "{:?}", all);
        prop_assert!(two.runs.iter().all(|run| *run > one.after));
    }
}
