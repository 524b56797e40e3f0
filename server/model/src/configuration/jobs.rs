//! Jobs in a document.

use busbar_schedule::{Misfire, Schedule, bounds::JITTER_MS_MAX};
use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, flag, free, parsed, shown_free, whole},
};
use crate::{
    bounds,
    job::{self, Draft},
    name::Name,
};

impl Entry for Draft {
    const SECTION: &'static str = "jobs";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let name_of = || parsed(|text| text.parse::<Name>());
        let service = members.required("service", name_of());
        let input = members.or("input", json!({}), |node| Ok(job::input(free(node)?)?));
        let schedule = members.required("schedule", |node| {
            Schedule::read(&free(node)?).map_err(|mistake| Wrong::at(mistake.path, mistake.message))
        });
        let calendar = members.optional("calendar", name_of());
        let misfire = members.or("misfire", Misfire::default(), parsed(|text| text.parse::<Misfire>()));
        let jitter_ms = members.or("jitter_ms", 0, whole(0, JITTER_MS_MAX));
        let max_run_ms = members.optional("max_run_ms", whole(1, bounds::CALL_TIMEOUT_MS_CEILING));
        let attempts = whole(1, bounds::JOB_ATTEMPTS_CEILING.into());
        let attempts = members.or("attempts", bounds::JOB_ATTEMPTS_DEFAULT.into(), attempts);
        let expires = whole(bounds::JOB_EXPIRES_MS_FLOOR, bounds::JOB_EXPIRES_MS_CEILING);
        let expires_ms = members.or("expires_ms", bounds::JOB_EXPIRES_MS_DEFAULT, expires);
        let overlap = members.or("overlap", false, flag);
        let on_success = members.optional("on_success", name_of());
        let on_failure = members.optional("on_failure", name_of());
        let paused = members.or("paused", false, flag);
        Some(Self {
            name,
            service: service?,
            input: input?,
            schedule: schedule?,
            calendar: calendar?,
            misfire: misfire?,
            jitter_ms: jitter_ms?,
            max_run_ms: max_run_ms?,
            attempts: u32::try_from(attempts?).unwrap_or(bounds::JOB_ATTEMPTS_CEILING),
            expires_ms: expires_ms?,
            overlap: overlap?,
            on_success: on_success?,
            on_failure: on_failure?,
            paused: paused?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let default = Self::new(self.name.clone(), self.service.clone(), self.schedule.clone());
        let other = |differs: bool, value: Value| differs.then_some(value);
        let members = [
            ("service", Some(json!(self.service))),
            ("input", other(self.input != default.input, shown_free(&self.input))),
            ("schedule", Some(json!(self.schedule))),
            ("calendar", self.calendar.as_ref().map(|name| json!(name))),
            ("misfire", other(self.misfire != default.misfire, json!(self.misfire))),
            ("jitter_ms", other(self.jitter_ms != default.jitter_ms, json!(self.jitter_ms))),
            ("max_run_ms", self.max_run_ms.map(|ms| json!(ms))),
            ("attempts", other(self.attempts != default.attempts, json!(self.attempts))),
            ("expires_ms", other(self.expires_ms != default.expires_ms, json!(self.expires_ms))),
            ("overlap", other(self.overlap, json!(self.overlap))),
            ("on_success", self.on_success.as_ref().map(|name| json!(name))),
            ("on_failure", self.on_failure.as_ref().map(|name| json!(name))),
            ("paused", other(self.paused, json!(self.paused))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
