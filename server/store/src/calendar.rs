//! Calendars.

use busbar_model::{Calendar, Timestamp, calendar::Draft, schedule::Rules};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    schema::{calendar, job},
};

const WHAT: &str = "calendar";

/// Which calendars a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = calendar, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    rules_json: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

impl Row {
    fn of(calendar: &Calendar) -> Self {
        Self {
            id: calendar.id.clone(),
            name: calendar.draft.name.to_string(),
            rules_json: json!(calendar.draft.rules).to_string(),
            revision: calendar.revision,
            created_us: calendar.created_at.0,
            updated_us: calendar.updated_at.0,
        }
    }

    fn into_model(self) -> Result<Calendar, Error> {
        Ok(Calendar {
            draft: Draft {
                name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
                rules: serde_json::from_str(&self.rules_json).map_err(Error::corrupt(WHAT, &self.id))?,
            },
            id: self.id,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl Odb {
    pub fn create_calendar(&self, by: &By, draft: Draft) -> Result<Calendar, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, by, draft.clone()))
    }

    /// As [`Odb::update_channel`]. The jobs that skip its days are looked at again.
    pub fn update_calendar<E: From<Error>>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Calendar, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            match edit(before.draft.clone()) {
                Ok(draft) => update(connection, recorder, by, before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Refused while jobs skip its days.
    pub fn delete_calendar(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn calendar(&self, id: &str) -> Result<Calendar, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn calendars(&self, page: &Page, filter: &Filter) -> Result<Paged<Calendar>, Error> {
        let mut query = calendar::table
            .select(Row::as_select())
            .order(calendar::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(calendar::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(calendar::name.eq(name));
        }
        let rows = query.load::<Row>(&mut *self.connection()?)?;
        page.cut(rows, |row| row.id.clone(), Row::into_model)
    }
}

/// Every calendar, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Calendar>, Error> {
    let rows = calendar::table.select(Row::as_select()).order(calendar::id.asc()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Calendar, Error> {
    let row = calendar::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))?.into_model()
}

/// The id and the rules of the one of that name.
pub(crate) fn named(connection: &mut AnyConnection, name: &str) -> Result<Option<(String, Rules)>, Error> {
    let row = calendar::table.filter(calendar::name.eq(name)).select(Row::as_select());
    let found = row.first(connection).optional()?.map(Row::into_model).transpose()?;
    Ok(found.map(|calendar| (calendar.id, calendar.draft.rules)))
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    draft: Draft,
) -> Result<Calendar, Error> {
    let (created_at, updated_at) = (by.now, by.now);
    let calendar = Calendar { id: new_id(by.now), draft, revision: 1, created_at, updated_at };
    refuse_taken_name(connection, &calendar)?;
    diesel::insert_into(calendar::table).values(Row::of(&calendar)).execute(connection)?;
    recorder.record(Action::Create, object(&calendar), None, Some(view(&calendar)));
    Ok(calendar)
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Calendar,
    draft: Draft,
) -> Result<Calendar, Error> {
    if draft == before.draft {
        return Ok(before);
    }
    let after = Calendar { draft, revision: before.revision + 1, updated_at: by.now, ..before.clone() };
    if after.draft.name != before.draft.name {
        refuse_taken_name(connection, &after)?;
    }
    diesel::update(calendar::table.find(&before.id)).set(Row::of(&after)).execute(connection)?;
    if after.draft.rules != before.draft.rules {
        // Whoever fires jobs reckons their next times anew, a part of them after the other.
        let affected = job::table.filter(job::calendar_id.eq(&before.id).and(job::paused.eq(false)));
        diesel::update(affected).set(job::due_us.eq(by.now.0)).execute(connection)?;
    }
    recorder.record(Action::Update, object(&after), Some(view(&before)), Some(view(&after)));
    Ok(after)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Calendar,
) -> Result<(), Error> {
    let users = job::table
        .filter(job::calendar_id.eq(&before.id))
        .order(job::name.asc())
        .limit(10)
        .select(job::name)
        .load::<String>(connection)?;
    if !users.is_empty() {
        let users = users.iter().map(|name| format!("job {name:?}")).collect();
        return Err(Error::InUse { what: WHAT, name: before.draft.name.clone(), users });
    }
    diesel::delete(calendar::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

fn refuse_taken_name(connection: &mut AnyConnection, calendar: &Calendar) -> Result<(), Error> {
    let name = &calendar.draft.name;
    let others = calendar::table
        .filter(calendar::name.eq(name.as_str()).and(calendar::id.ne(&calendar.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 { Err(Error::NameTaken { what: WHAT, name: name.clone() }) } else { Ok(()) }
}

fn object(calendar: &Calendar) -> Object<'_> {
    Object { kind: ObjectKind::Calendar, id: &calendar.id, name: calendar.draft.name.as_str() }
}

/// What the audit trail shows.
fn view(calendar: &Calendar) -> Value {
    let mut view = json!(calendar.draft.rules);
    view["name"] = json!(calendar.draft.name);
    view
}
