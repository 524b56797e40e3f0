//! Jobs and calendars as definitions.

use busbar_model::{calendar, job::Draft, schedule::Rules};
use busbar_store::{
    Action, AuditFilter, Error, MasterKey, ObjectKind, Page, Wanted, job::Filter, secret::seal,
};
use serde_json::json;

use crate::{
    fixture::{Fixture, by, name},
    scheduling::{HOUR, SECOND, by_at, every, scheduled},
    staging::after,
};

fn closed() -> calendar::Draft {
    let rules = json!({"yearly": ["12-25"], "weekdays": ["SUN"]});
    calendar::Draft { name: name("closed"), rules: serde_json::from_value(rules).unwrap() }
}

fn full() -> Draft {
    Draft {
        input: json!({"a": [1, null]}),
        calendar: Some(name("closed")),
        misfire: "all(7)".parse().unwrap(),
        jitter_ms: 5,
        max_run_ms: Some(6),
        attempts: 7,
        expires_ms: 8_000,
        overlap: true,
        on_success: Some(name("a.b")),
        on_failure: Some(name("a.c")),
        paused: true,
        ..scheduled("full", json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Asia/Tokyo"}))
    }
}

#[test]
fn a_job_is_kept_as_it_was_saved() {
    let fixture = Fixture::new();
    let calendar = fixture.odb.create_calendar(&by(), closed()).unwrap();
    assert_eq!(fixture.odb.calendar(&calendar.id).unwrap(), calendar);
    let job = fixture.job(full());
    assert_eq!(fixture.job_now(&job), job);
    assert_eq!(job.draft, full());
    let found = |filter: Filter| fixture.odb.jobs(&Page::first(10), &filter).unwrap().items.len();
    let all = Filter::default();
    assert_eq!(found(Filter { calendar: Some("closed".to_owned()), ..all.clone() }), 1);
    assert_eq!(found(Filter { paused: Some(false), ..all.clone() }), 0);
    assert_eq!(
        found(Filter { service: Some("summary".to_owned()), name: Some("full".to_owned()), ..all }),
        1
    );
}

#[test]
fn names_are_taken_once_and_calendars_must_exist() {
    let fixture = Fixture::new();
    fixture.job(every("a", "1h"));
    assert!(matches!(fixture.odb.create_job(&by(), every("a", "2h")), Err(Error::NameTaken { .. })));
    assert!(matches!(fixture.odb.create_job(&by(), full()), Err(Error::UnknownCalendar { .. })));
    fixture.odb.create_calendar(&by(), closed()).unwrap();
    assert!(matches!(fixture.odb.create_calendar(&by(), closed()), Err(Error::NameTaken { .. })));
}

#[test]
fn another_schedule_counts_from_when_it_is_saved_and_other_changes_do_not() {
    let fixture = Fixture::new();
    let job = fixture.job(every("a", "1h"));
    let edit = |ms: i64, change: fn(&mut Draft)| {
        let change = |mut draft: Draft| {
            change(&mut draft);
            Ok::<_, Error>(draft)
        };
        fixture.odb.update_job(&by_at(ms), &job.id, None, change).unwrap().progress.next_at
    };
    assert_eq!(edit(600 * SECOND, |draft| draft.attempts = 1), Some(after(HOUR)));
    assert_eq!(
        edit(600 * SECOND, |draft| draft.schedule = every("a", "2h").schedule),
        Some(after(2 * HOUR + 600 * SECOND))
    );
    let stale = fixture.odb.update_job(&by(), &job.id, Some(1), Ok::<_, Error>);
    assert!(matches!(stale, Err(Error::RevisionMismatch { current: 3 })), "{stale:?}");
}

#[test]
fn the_audit_trail_tells_what_was_done() {
    let fixture = Fixture::new();
    let job = fixture.job(every("a", "1h"));
    for paused in [true, false] {
        let pause = |draft| Ok::<_, Error>(Draft { paused, ..draft });
        fixture.odb.update_job(&by(), &job.id, None, pause).unwrap();
    }
    fixture.odb.run_job(&by(), &job.id).unwrap();
    fixture.odb.delete_job(&by(), &job.id, None).unwrap();
    let filter = AuditFilter { kind: Some(ObjectKind::Job), ..AuditFilter::default() };
    let entries = fixture.odb.audit(&Page::first(10), &filter).unwrap().items;
    let actions: Vec<Action> = entries.iter().rev().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::Create, Action::Pause, Action::Resume, Action::Run, Action::Delete]);
}

#[test]
fn a_service_that_a_job_calls_is_in_use() {
    let fixture = Fixture::new();
    fixture.deploy("summary", b"v1");
    fixture.odb.recall(&by(), &name("summary")).unwrap();
    let job = fixture.job(every("a", "1h"));
    let refused = fixture.odb.delete_plugin(&by(), "summary", None).unwrap_err();
    assert!(refused.to_string().contains("job \"a\""), "{refused}");
    fixture.odb.delete_job(&by(), &job.id, None).unwrap();
    fixture.odb.delete_plugin(&by(), "summary", None).unwrap();
}

#[test]
fn a_configuration_has_jobs_and_calendars() {
    let fixture = Fixture::new();
    let key = MasterKey::new(&[7; seal::KEY_BYTES]);
    let wanted =
        Wanted { calendars: vec![closed()], jobs: vec![full(), every("b", "1h")], ..Wanted::default() };
    let apply = |wanted: &Wanted, prune: bool| {
        let applied = fixture.odb.apply(&by(), &key, wanted, prune, false).unwrap();
        let edits = applied.edits.iter();
        let edits = edits.map(|edit| format!("{} {} {}", edit.action, edit.object_kind, edit.object_name));
        (
            edits.collect::<Vec<_>>(),
            applied
                .refusals
                .into_iter()
                .map(|refusal| format!("{}: {}", refusal.path, refusal.error))
                .collect::<Vec<_>>(),
        )
    };
    let created = ["create calendar closed", "create job full", "create job b"].map(str::to_owned).to_vec();
    assert_eq!(apply(&wanted, true), (created, vec![]));
    fixture.fire(HOUR);
    let (_, before) = fixture.odb.configuration().unwrap();
    assert_eq!(apply(&wanted, true), (vec![], vec![]));
    assert_eq!(fixture.odb.configuration().unwrap().1, before, "a job goes on where it is");
    let other = calendar::Draft { rules: Rules::default(), ..closed() };
    let less = Wanted { calendars: vec![other], jobs: vec![full()], ..Wanted::default() };
    let changed = ["update calendar closed", "delete job b"].map(str::to_owned).to_vec();
    assert_eq!(apply(&less, true), (changed, vec![]));
    let unknown =
        Wanted { jobs: vec![Draft { calendar: Some(name("open")), ..full() }], ..Wanted::default() };
    let refused = vec!["/jobs/full/calendar: calendar \"open\" does not exist".to_owned()];
    assert_eq!(apply(&unknown, false).1, refused);
    let none = ["delete job full", "delete calendar closed"].map(str::to_owned).to_vec();
    assert_eq!(apply(&Wanted::default(), true), (none, vec![]));
}
