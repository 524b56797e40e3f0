//! What can be given of a job, and how it is checked.

use std::{borrow::Cow, fmt};

use busbar_model::{
    Name, bounds,
    job::{self as model, Draft},
    schedule::{Misfire, Schedule, bounds::JITTER_MS_MAX},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    check::{self, Check, REQUIRED},
    describe,
    member::{Member, Whole},
    problem::Problem,
};

/// What is to be changed. Null puts a member that has a default back to it. `input` and `schedule` are replaced
/// whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    name: Member<String>,
    /// Need not be deployed yet: runs wait for it until they expire.
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    service: Member<String>,
    /// What the service is called with. Default: an object without members.
    #[serde(default)]
    #[schema(schema_with = describe::input)]
    input: Member<Value>,
    #[serde(default)]
    #[schema(schema_with = describe::schedule)]
    schedule: Member<Value>,
    /// Name of a calendar whose days are skipped. Default: none.
    #[serde(default)]
    #[schema(schema_with = describe::name_or_null)]
    calendar: Member<String>,
    /// What becomes of runs whose time was missed: skip, once or all(N). Default: once.
    #[serde(default)]
    #[schema(schema_with = describe::misfire_or_null)]
    misfire: Member<String>,
    /// The longest time by which a run is put off, so that many do not begin at once. Default: 0.
    #[serde(default)]
    #[schema(schema_with = jitter_or_null)]
    jitter_ms: Member<Whole>,
    /// Time for each attempt. Default: what the service's calls may take, which is the most in any case.
    #[serde(default)]
    #[schema(schema_with = max_run_or_null)]
    max_run_ms: Member<Whole>,
    /// Attempts at each run. Default: 3.
    #[serde(default)]
    #[schema(schema_with = attempts_or_null)]
    attempts: Member<Whole>,
    /// After this time a run that has not succeeded has failed. Default: an hour.
    #[serde(default)]
    #[schema(schema_with = expires_or_null)]
    expires_ms: Member<Whole>,
    /// Whether a run may begin while the one before has not ended. Default: false.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    overlap: Member<bool>,
    /// A service that is told of each run that succeeded. Default: none.
    #[serde(default)]
    #[schema(schema_with = describe::name_or_null)]
    on_success: Member<String>,
    /// A service that is told of each run that failed. Default: none.
    #[serde(default)]
    #[schema(schema_with = describe::name_or_null)]
    on_failure: Member<String>,
    /// Default: false.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    paused: Member<bool>,
}

/// A new job: `name`, `service` and `schedule` are required.
pub(crate) struct New;

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        match Patch::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required = ["name", "service", "schedule"].map(str::to_owned).to_vec();
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewJob".into()
    }
}

fn jitter_or_null() -> RefOr<Schema> {
    describe::whole_or_null(0, JITTER_MS_MAX)
}

fn max_run_or_null() -> RefOr<Schema> {
    describe::whole_or_null(1, bounds::CALL_TIMEOUT_MS_CEILING)
}

fn attempts_or_null() -> RefOr<Schema> {
    describe::whole_or_null(1, bounds::JOB_ATTEMPTS_CEILING.into())
}

fn expires_or_null() -> RefOr<Schema> {
    describe::whole_or_null(bounds::JOB_EXPIRES_MS_FLOOR, bounds::JOB_EXPIRES_MS_CEILING)
}

/// A checked patch: `None` leaves a member as it is.
#[derive(Debug)]
pub(super) struct Edit {
    name: Option<Name>,
    service: Option<Name>,
    input: Option<Value>,
    schedule: Option<Schedule>,
    calendar: Option<Option<Name>>,
    misfire: Option<Misfire>,
    jitter_ms: Option<u64>,
    max_run_ms: Option<Option<u64>>,
    attempts: Option<u32>,
    expires_ms: Option<u64>,
    overlap: Option<bool>,
    on_success: Option<Option<Name>>,
    on_failure: Option<Option<Name>>,
    paused: Option<bool>,
}

impl Patch {
    pub(super) fn checked(self, check: &mut Check) -> Edit {
        let optional = |text| check::name(text).map(Some);
        let max_run = |given: Whole| given.within(1, bounds::CALL_TIMEOUT_MS_CEILING).map(Some);
        let attempts = |given: Whole| {
            let attempts = given.within(1, bounds::JOB_ATTEMPTS_CEILING.into())?;
            u32::try_from(attempts).map_err(|error| error.to_string())
        };
        let expires =
            |given: Whole| given.within(bounds::JOB_EXPIRES_MS_FLOOR, bounds::JOB_EXPIRES_MS_CEILING);
        let misfire = |text: String| text.parse::<Misfire>();
        let flag = Ok::<bool, fmt::Error>;
        Edit {
            name: self.name.checked(check, "/name", None, check::name),
            service: self.service.checked(check, "/service", None, check::name),
            input: self.input.checked(check, "/input", Some(json!({})), model::input),
            schedule: schedule(self.schedule, check),
            calendar: self.calendar.checked(check, "/calendar", Some(None), optional),
            misfire: self.misfire.checked(check, "/misfire", Some(Misfire::default()), misfire),
            jitter_ms: self
                .jitter_ms
                .checked(check, "/jitter_ms", Some(0), |given| given.within(0, JITTER_MS_MAX)),
            max_run_ms: self.max_run_ms.checked(check, "/max_run_ms", Some(None), max_run),
            attempts: self.attempts.checked(check, "/attempts", Some(bounds::JOB_ATTEMPTS_DEFAULT), attempts),
            expires_ms: self.expires_ms.checked(
                check,
                "/expires_ms",
                Some(bounds::JOB_EXPIRES_MS_DEFAULT),
                expires,
            ),
            overlap: self.overlap.checked(check, "/overlap", Some(false), flag),
            on_success: self.on_success.checked(check, "/on_success", Some(None), optional),
            on_failure: self.on_failure.checked(check, "/on_failure", Some(None), optional),
            paused: self.paused.checked(check, "/paused", Some(false), flag),
        }
    }

    pub(super) fn into_draft(self) -> Result<Draft, Problem> {
        let mut check = Check::default();
        let absent = [
            ("/name", self.name == Member::Absent),
            ("/service", self.service == Member::Absent),
            ("/schedule", self.schedule == Member::Absent),
        ];
        let edit = self.checked(&mut check);
        for (path, _) in absent.into_iter().filter(|(_, absent)| *absent) {
            check.refuse(path, REQUIRED);
        }
        let needed = edit.name.clone().zip(edit.service.clone()).zip(edit.schedule.clone());
        let ((name, service), schedule) = check.finish_with(needed)?;
        Ok(edit.apply(Draft::new(name, service, schedule)))
    }
}

fn schedule(given: Member<Value>, check: &mut Check) -> Option<Schedule> {
    let value = given.checked(check, "/schedule", None, Ok::<_, fmt::Error>)?;
    match Schedule::read(&value) {
        Ok(schedule) => Some(schedule),
        Err(mistake) => {
            check.refuse(format!("/schedule{}", mistake.path), mistake.message);
            None
        }
    }
}

impl Edit {
    pub(super) fn apply(&self, draft: Draft) -> Draft {
        Draft {
            name: self.name.clone().unwrap_or(draft.name),
            service: self.service.clone().unwrap_or(draft.service),
            input: self.input.clone().unwrap_or(draft.input),
            schedule: self.schedule.clone().unwrap_or(draft.schedule),
            calendar: self.calendar.clone().unwrap_or(draft.calendar),
            misfire: self.misfire.unwrap_or(draft.misfire),
            jitter_ms: self.jitter_ms.unwrap_or(draft.jitter_ms),
            max_run_ms: self.max_run_ms.unwrap_or(draft.max_run_ms),
            attempts: self.attempts.unwrap_or(draft.attempts),
            expires_ms: self.expires_ms.unwrap_or(draft.expires_ms),
            overlap: self.overlap.unwrap_or(draft.overlap),
            on_success: self.on_success.clone().unwrap_or(draft.on_success),
            on_failure: self.on_failure.clone().unwrap_or(draft.on_failure),
            paused: self.paused.unwrap_or(draft.paused),
        }
    }
}
