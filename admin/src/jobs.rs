//! Jobs: `/api/v1/jobs`, and their runs.

mod patch;
mod view;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Job, Timestamp,
    bounds::NEXT_RUNS_SHOWN,
    job::Draft,
    run::{Outcome, Trigger},
    schedule::bounds::UPCOMING_MAX,
};
use busbar_store::{Odb, RunFilter, job::Filter};
use utoipa::{
    PartialSchema as _,
    openapi::{RefOr, Schema},
};

pub(crate) use self::patch::New;
use self::{
    patch::Patch,
    view::{Next, RunView, View, href},
};
use crate::{
    app::App,
    body::Input,
    caller::{Caller, Key},
    check::{Check, shown},
    clock, describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/jobs";
const COUNT: &str = "count";

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("name", "Only the job of this name."),
        ("service", "Only jobs of this service."),
        ("calendar", "Only jobs that skip the days of this calendar."),
        ("paused", "Only paused (true) or running (false) jobs."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "paused" { describe::switch() } else { String::schema() }
    }
}

type Listing = List<Fields>;

pub(crate) struct RunFields;

impl Filters for RunFields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("outcome", "Only runs that ended so."),
        ("trigger", "Only runs of the schedule, or those that someone asked for."),
        ("correlation_id", "Only the run with this correlation id."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        match field {
            "outcome" => describe::one_of(Outcome::ALL.map(Outcome::as_str)),
            "trigger" => describe::one_of(Trigger::ALL.map(Trigger::as_str)),
            _ => String::schema(),
        }
    }
}

type RunListing = List<RunFields>;

/// Jobs.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(Listing),
    responses((status = 200, description = "A page of jobs.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = Filter {
        name: list.filter("name"),
        service: list.filter("service"),
        calendar: list.filter("calendar"),
        paused: list.switch("paused")?,
    };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.jobs(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a job. The reply shows its next ten times.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", request_body = New,
    responses((status = 201, description = "The new job.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<Patch>,
) -> Result<Response, Problem> {
    let draft = new.into_draft()?;
    app.answer(move |odb| {
        let job = odb.create_job(&by, draft)?;
        Ok(etag::created(job.revision, &href(&job.id), with_next(odb, &job, by.now)?))
    })
    .await
}

/// A job, with its next ten times.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, description = "The job.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let (job, upcoming) = app.read(move |odb| Ok(odb.upcoming(&id, clock::now(), NEXT_RUNS_SHOWN)?)).await?;
    Ok(etag::tagged(job.revision, View::with_next(job, upcoming)))
}

/// Change a job. With another schedule, calendar or jitter its times are counted from now on.
#[utoipa::path(patch, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The job as it is now, with its next ten times.", body = View,
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
        let job = odb.update_job(&by, &id, seen, |draft| Ok::<_, Problem>(edit.apply(draft)))?;
        Ok(etag::tagged(job.revision, with_next(odb, &job, by.now)?))
    })
    .await
}

/// Remove a job and its runs. What is under way ends.
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The job is gone.")))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_job(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Pause a job: none of its times are run for until it is resumed. What is under way ends.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/pause", tag = "jobs", params(("id" = String, Path), IfMatch),
    responses((status = 200, description = "The job as it is now.", body = View,
        headers(("ETag" = String)))))]
pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: Key,
    seen: IfMatch,
) -> Result<Response, Problem> {
    set_paused(app, caller, key, seen, true).await
}

/// Resume a job: its misfire policy decides about the times since it was paused.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/resume", tag = "jobs", params(("id" = String, Path), IfMatch),
    responses((status = 200, description = "The job as it is now.", body = View,
        headers(("ETag" = String)))))]
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: Key,
    seen: IfMatch,
) -> Result<Response, Problem> {
    set_paused(app, caller, key, seen, false).await
}

async fn set_paused(
    app: Arc<App>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    paused: bool,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        let job = odb.update_job(&by, &id, seen, |draft| Ok::<_, Problem>(Draft { paused, ..draft }))?;
        Ok(etag::tagged(job.revision, with_next(odb, &job, by.now)?))
    })
    .await
}

/// Run a job now, whatever its schedule says and whether or not it is paused.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/run", tag = "jobs", params(("id" = String, Path)),
    responses((status = 202, description = "The run, which is on its way.", body = RunView,
        headers(("Location" = String))), Conflict))]
pub(crate) async fn run(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        let run = odb.run_job(&by, &id)?;
        let location = format!("{}/runs?correlation_id={}", href(&id), run.correlation_id);
        let headers = [(axum::http::header::LOCATION, location)];
        Ok((StatusCode::ACCEPTED, headers, Json(RunView::from(run))).into_response())
    })
    .await
}

/// A job's next times.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/next", tag = "jobs",
    params(("id" = String, Path),
        ("count" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many; 10 if not given.")),
    responses((status = 200, description = "The times.", body = Next)))]
pub(crate) async fn next(State(app): State<Arc<App>>, Key(id): Key, uri: Uri) -> Result<Json<Next>, Problem> {
    let given = page::parameters(&uri, &[COUNT])?;
    let count = given.get(COUNT).map_or(Ok(NEXT_RUNS_SHOWN), |text| {
        let count = text.parse().ok().filter(|count| (1..=UPCOMING_MAX).contains(count));
        count.ok_or_else(|| {
            let message = format!("is {:?}; allowed is 1 to {UPCOMING_MAX}", shown(text));
            Problem::invalid_at(format!("/{COUNT}"), message)
        })
    })?;
    let (_, upcoming) = app.read(move |odb| Ok(odb.upcoming(&id, clock::now(), count)?)).await?;
    Ok(Json(upcoming.into()))
}

/// A job's runs.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/runs", tag = "jobs", params(("id" = String, Path), RunListing),
    responses((status = 200, description = "A page of runs.", body = Listed<RunView>)))]
pub(crate) async fn runs(
    State(app): State<Arc<App>>,
    Key(id): Key,
    list: RunListing,
) -> Result<Json<Listed<RunView>>, Problem> {
    let filter = RunFilter {
        outcome: list.word("outcome", &Outcome::ALL.map(Outcome::as_str))?,
        trigger: list.word("trigger", &Trigger::ALL.map(Trigger::as_str))?,
        correlation_id: list.filter("correlation_id"),
    };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.job_runs(&id, &page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, RunView::from)))
}

fn with_next(odb: &Odb, job: &Job, now: Timestamp) -> Result<View, Problem> {
    let (job, upcoming) = odb.upcoming(&job.id, now, NEXT_RUNS_SHOWN)?;
    Ok(View::with_next(job, upcoming))
}
