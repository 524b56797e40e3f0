//! What a request says of a dictionary, checked: what is wrong in itself is told at once, and what does not go with the
//! rest of the dictionary when that is known.

use std::collections::BTreeMap;

use axum::{extract::Request, http::HeaderMap};
use busbar_model::{
    Name,
    bounds::{
        DICTIONARY_ENTRIES_MAX, DICTIONARY_SYSTEMS_MAX, DICTIONARY_SYSTEMS_MIN, DICTIONARY_UNFIT_TOLD_MAX,
    },
    dictionary::{self, Code, Date, Draft, Named, Parts, System, Table, Unfit},
    fault::FieldError,
};
use bytes::Bytes;
use serde::Deserialize;

use crate::{
    app::App,
    body::{self, JSON},
    bounds,
    check::{self, Check, REQUIRED},
    deployments::Turn,
    member::{Member, Object},
    problem::Problem,
};

/// A new dictionary, or what is to be changed of one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    #[serde(default)]
    name: Member<String>,
    #[serde(default)]
    summary: Member<String>,
    #[serde(default)]
    systems: Member<Vec<String>>,
    #[serde(default)]
    defaults: Member<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    entries: Member<Vec<Object<Entry>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    codes: BTreeMap<System, Code>,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
}

/// A checked patch: `None` leaves a member as it is.
#[derive(Debug)]
pub(super) struct Edit {
    name: Option<Name>,
    summary: Option<Option<String>>,
    systems: Option<Vec<System>>,
    defaults: Defaults,
    entries: Option<Vec<Named>>,
}

#[derive(Debug)]
enum Defaults {
    None,
    /// `None` takes a system's away; that of a system which is not named stays.
    Of(BTreeMap<System, Option<Code>>),
}

/// Bytes of a body that may be as large as a dictionary, of which only a few are received at once.
pub(super) async fn read(app: &App, request: Request, bytes_max: u64) -> Result<(HeaderMap, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let _turn = Turn::for_request(app, &parts).await?;
    let bytes = body::read(&parts.headers, body, bytes_max, bounds::UPLOAD_TIME_MAX).await?;
    Ok((parts.headers, bytes))
}

impl Patch {
    pub(super) async fn read(app: &App, request: Request) -> Result<Self, Problem> {
        let (headers, bytes) = read(app, request, bounds::DICTIONARY_BYTES_MAX).await?;
        if bytes.is_empty() {
            return Err(Problem::invalid_at("", "the body is empty"));
        }
        body::require_type(&headers, &JSON)?;
        body::exact_object(&bytes)
    }

    pub(super) fn checked(self) -> Result<Edit, Problem> {
        let mut check = Check::default();
        let edit = self.check(&mut check);
        check.finish()?;
        Ok(edit)
    }

    pub(super) fn into_draft(self) -> Result<Draft, Problem> {
        let mut check = Check::default();
        for (path, is_absent) in [("/name", self.name.is_absent()), ("/systems", self.systems.is_absent())] {
            if is_absent {
                check.refuse(path, REQUIRED);
            }
        }
        let edit = self.check(&mut check);
        let (name, systems) = check.finish_with(edit.name.clone().zip(edit.systems.clone()))?;
        let table = made(Parts { systems, ..Parts::default() })?;
        edit.apply(Draft { name, summary: None, table })
    }

    fn check(self, check: &mut Check) -> Edit {
        let some = |text| dictionary::summary(text).map(Some);
        Edit {
            name: self.name.checked(check, "/name", None, check::name),
            summary: self.summary.checked(check, "/summary", Some(None), some),
            systems: systems(self.systems, check),
            defaults: match self.defaults {
                Member::Absent => Defaults::Of(BTreeMap::new()),
                Member::Null => Defaults::None,
                Member::Given(given) => Defaults::Of(defaults(given, check)),
            },
            entries: match self.entries {
                Member::Absent => None,
                Member::Null => Some(Vec::new()),
                Member::Given(given) => Some(entries(given, check)),
            },
        }
    }
}

fn systems(given: Member<Vec<String>>, check: &mut Check) -> Option<Vec<System>> {
    let given = match given {
        Member::Absent => return None,
        Member::Null => {
            check.refuse("/systems", "is null, but must have a value");
            return None;
        }
        Member::Given(given) => given,
    };
    let count = given.len();
    if !(DICTIONARY_SYSTEMS_MIN..=DICTIONARY_SYSTEMS_MAX).contains(&count) {
        let allowed = format!("allowed is {DICTIONARY_SYSTEMS_MIN} to {DICTIONARY_SYSTEMS_MAX}");
        check.refuse("/systems", format!("has {count} items; {allowed}"));
        return None;
    }
    let mut systems = Vec::new();
    for (at, text) in given.iter().enumerate() {
        let path = format!("/systems/{at}");
        match check.ok(&path, text.parse::<System>()) {
            Some(system) if systems.contains(&system) => check.refuse(path, "stands twice"),
            parsed => systems.extend(parsed),
        }
    }
    Some(systems)
}

fn defaults(given: BTreeMap<String, Option<String>>, check: &mut Check) -> BTreeMap<System, Option<Code>> {
    let mut defaults = BTreeMap::new();
    for (system, code) in given {
        let path = format!("/defaults/{}", check::shown(&system).replace('~', "~0").replace('/', "~1"));
        let code = code.map(|code| check.ok(&path, Code::try_from(code)));
        defaults.extend(check.ok(&path, system.parse::<System>()).map(|system| (system, code.flatten())));
    }
    defaults
}

fn entries(given: Vec<Object<Entry>>, check: &mut Check) -> Vec<Named> {
    let count = given.len();
    if count > DICTIONARY_ENTRIES_MAX {
        check.refuse("/entries", format!("has {count} items; allowed is 0 to {DICTIONARY_ENTRIES_MAX}"));
        return Vec::new();
    }
    let mut told = 0;
    let entry = |(at, Object(Entry { codes, valid_from, valid_until })): (usize, Object<Entry>)| {
        if codes.len() < DICTIONARY_SYSTEMS_MIN && told < DICTIONARY_UNFIT_TOLD_MAX {
            told += 1;
            let message =
                format!("has codes of {} systems; allowed is {DICTIONARY_SYSTEMS_MIN} or more", codes.len());
            check.refuse(format!("/entries/{at}/codes"), message);
        }
        Named { codes, valid_from, valid_until }
    };
    given.into_iter().enumerate().map(entry).collect()
}

impl Edit {
    pub(super) fn apply(&self, draft: Draft) -> Result<Draft, Problem> {
        let Draft { name, summary, table } = draft;
        let untouched = Parts { entries: Vec::new(), ..table.parts() };
        let mut parts = if self.entries.is_some() { untouched } else { table.parts() };
        if let Some(entries) = &self.entries {
            parts.entries.clone_from(entries);
        }
        if let Some(systems) = &self.systems {
            parts.systems.clone_from(systems);
        }
        match &self.defaults {
            Defaults::None => parts.defaults.clear(),
            Defaults::Of(given) => {
                for (system, code) in given {
                    match code {
                        Some(code) => parts.defaults.insert(system.clone(), code.clone()),
                        None => parts.defaults.remove(system),
                    };
                }
            }
        }
        Ok(Draft {
            name: self.name.clone().unwrap_or(name),
            summary: self.summary.clone().unwrap_or(summary),
            table: made(parts)?,
        })
    }
}

/// Each of the members may be right, and not go with the others.
fn made(parts: Parts) -> Result<Table, Problem> {
    Table::new(parts).map_err(|unfit| {
        let error = |Unfit { path, message }| FieldError { path, message };
        Problem::conflict("unfit", unfit.into_iter().map(error).collect())
    })
}
