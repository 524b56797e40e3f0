//! Calendars: `/api/v1/calendars`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Calendar, Name, Timestamp,
    calendar::Draft,
    schedule::{Date, Range, Rules, Weekday, Yearly, bounds::CALENDAR_RULES_MAX},
};
use busbar_store::calendar::Filter;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    body::Input,
    caller::{Caller, Key},
    check::{self, Check, REQUIRED},
    describe,
    etag::{self, IfMatch},
    member::Member,
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/calendars";

/// Days on which jobs do not run: those of any of its rules, in the job's time zone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calendar)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(schema_with = describe::calendar_dates)]
    dates: Vec<Date>,
    #[schema(schema_with = describe::calendar_ranges)]
    ranges: Vec<Range>,
    #[schema(schema_with = describe::calendar_yearly)]
    yearly: Vec<Yearly>,
    #[schema(schema_with = describe::calendar_weekdays)]
    weekdays: Vec<Weekday>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

impl From<Calendar> for View {
    fn from(calendar: Calendar) -> Self {
        let Rules { dates, ranges, yearly, weekdays } = calendar.draft.rules;
        Self {
            href: format!("{PATH}/{}", calendar.id),
            id: calendar.id,
            name: calendar.draft.name.into(),
            dates,
            ranges,
            yearly,
            weekdays,
            created_at: calendar.created_at,
            updated_at: calendar.updated_at,
        }
    }
}

/// A new calendar, or what is to be changed of one. Each list is replaced whole; null stands for an empty one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CalendarPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    name: Member<String>,
    #[serde(default)]
    #[schema(schema_with = describe::calendar_dates_or_null)]
    dates: Member<Vec<Value>>,
    #[serde(default)]
    #[schema(schema_with = describe::calendar_ranges_or_null)]
    ranges: Member<Vec<Value>>,
    /// Days of each year, the 29th of February in leap years only.
    #[serde(default)]
    #[schema(schema_with = describe::calendar_yearly_or_null)]
    yearly: Member<Vec<Value>>,
    #[serde(default)]
    #[schema(schema_with = describe::calendar_weekdays_or_null)]
    weekdays: Member<Vec<Value>>,
}

/// A checked patch: `None` leaves a member as it is.
#[derive(Debug)]
struct Edit {
    name: Option<Name>,
    dates: Option<Vec<Date>>,
    ranges: Option<Vec<Range>>,
    yearly: Option<Vec<Yearly>>,
    weekdays: Option<Vec<Weekday>>,
}

impl Patch {
    fn checked(self, check: &mut Check) -> Edit {
        Edit {
            name: self.name.checked(check, "/name", None, check::name),
            dates: days(self.dates, check, "/dates"),
            ranges: days(self.ranges, check, "/ranges"),
            yearly: days(self.yearly, check, "/yearly"),
            weekdays: days(self.weekdays, check, "/weekdays"),
        }
    }

    fn into_draft(self) -> Result<Draft, Problem> {
        let mut check = Check::default();
        if self.name == Member::Absent {
            check.refuse("/name", REQUIRED);
        }
        let edit = self.checked(&mut check);
        let name = check.finish_with(edit.name.clone())?;
        Ok(edit.apply(Draft { name, rules: Rules::default() }))
    }
}

/// Each wrong one is told by its place.
fn days<T: DeserializeOwned>(given: Member<Vec<Value>>, check: &mut Check, path: &str) -> Option<Vec<T>> {
    let items = match given {
        Member::Absent => return None,
        Member::Null => return Some(Vec::new()),
        Member::Given(items) => items,
    };
    if items.len() > CALENDAR_RULES_MAX {
        check.refuse(path, format!("has {} items; allowed is {CALENDAR_RULES_MAX}", items.len()));
        return None;
    }
    let read = items.into_iter().enumerate();
    let read = read.map(|(at, item)| check.ok(&format!("{path}/{at}"), serde_json::from_value(item)));
    // All of them are looked at.
    read.collect::<Vec<Option<T>>>().into_iter().collect()
}

impl Edit {
    fn apply(&self, draft: Draft) -> Draft {
        let Draft { name, rules } = draft;
        Draft {
            name: self.name.clone().unwrap_or(name),
            rules: Rules {
                dates: self.dates.clone().unwrap_or(rules.dates),
                ranges: self.ranges.clone().unwrap_or(rules.ranges),
                yearly: self.yearly.clone().unwrap_or(rules.yearly),
                weekdays: self.weekdays.clone().unwrap_or(rules.weekdays),
            },
        }
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[("name", "Only the calendar of this name.")];
}

type Listing = List<Fields>;

/// Calendars.
#[utoipa::path(get, path = "/api/v1/calendars", tag = "calendars", params(Listing),
    responses((status = 200, description = "A page of calendars.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = Filter { name: list.filter("name") };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.calendars(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a calendar. `name` is required.
#[utoipa::path(post, path = "/api/v1/calendars", tag = "calendars", request_body = describe::NewCalendar,
    responses((status = 201, description = "The new calendar.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<Patch>,
) -> Result<Response, Problem> {
    let draft = new.into_draft()?;
    app.answer(move |odb| {
        let view = View::from(odb.create_calendar(&by, draft)?);
        let href = view.href.clone();
        Ok(etag::created(1, &href, view))
    })
    .await
}

/// A calendar.
#[utoipa::path(get, path = "/api/v1/calendars/{id}", tag = "calendars", params(("id" = String, Path)),
    responses((status = 200, description = "The calendar.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let calendar = app.read(move |odb| Ok(odb.calendar(&id)?)).await?;
    Ok(etag::tagged(calendar.revision, View::from(calendar)))
}

/// Change a calendar. Jobs that skip its days have other next times from then on.
#[utoipa::path(patch, path = "/api/v1/calendars/{id}", tag = "calendars",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The calendar as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Patch>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let edit = patch.checked(&mut check);
    check.finish()?;
    app.answer(move |odb| {
        let calendar = odb.update_calendar(&by, &id, seen, |draft| Ok::<_, Problem>(edit.apply(draft)))?;
        Ok(etag::tagged(calendar.revision, View::from(calendar)))
    })
    .await
}

/// Remove a calendar that no job skips the days of.
#[utoipa::path(delete, path = "/api/v1/calendars/{id}", tag = "calendars",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The calendar is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_calendar(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
