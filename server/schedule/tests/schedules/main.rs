//! Schedules through their public interface.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use busbar_schedule::{Misfire, Planning, Rules, Schedule, Timing};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

mod calendars;
mod clock_changes;
mod due;
mod properties;

fn schedule(value: Value) -> Schedule {
    Schedule::read(&value).unwrap()
}

fn cron(expression: &str, zone: &str) -> Schedule {
    schedule(json!({"kind": "cron", "expression": expression, "time_zone": zone}))
}

fn every(every: &str) -> Schedule {
    schedule(json!({"kind": "interval", "every": every}))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// Saved at the beginning of 2026.
fn timing<'a>(schedule: &'a Schedule, calendar: Option<&'a Rules>) -> Timing<'a> {
    Timing { schedule, calendar, saved_at: at("2026-01-01T00:00:00Z") }
}

fn planning<'a>(schedule: &'a Schedule, misfire: &str, after: DateTime<Utc>) -> Planning<'a> {
    let misfire: Misfire = misfire.parse().unwrap();
    Planning { timing: timing(schedule, None), misfire, job: "job", jitter_ms: 0, after, runs: 0 }
}

/// The next times as they are written.
fn times(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let upcoming = timing(schedule, None).upcoming(at(after), 0, count);
    upcoming.times.iter().map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).collect()
}
