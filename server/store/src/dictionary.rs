//! Dictionaries.

mod audited;

use busbar_model::{
    Dictionary, Name, Timestamp,
    bounds::{DICTIONARIES_CODE_BYTES_MAX, DICTIONARIES_CODES_MAX, DICTIONARIES_MAX},
    dictionary::{Draft, Table},
};
use diesel::prelude::*;
use serde_json::json;

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    plugin,
    schema::dictionary as table,
};

const WHAT: &str = "dictionary";

/// Which dictionaries a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
}

/// A dictionary as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    pub id: String,
    pub name: Name,
    pub summary: Option<String>,
    /// Without entries.
    pub table: Table,
    pub entries_count: usize,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    summary: Option<String>,
    systems_json: String,
    defaults_json: String,
    entries_json: String,
    entries_count: i64,
    codes_count: i64,
    code_bytes: i64,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct OverviewRow {
    id: String,
    name: String,
    summary: Option<String>,
    systems_json: String,
    defaults_json: String,
    entries_count: i64,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

/// A table's bounds keep it small.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Row {
    fn of(dictionary: &Dictionary) -> Self {
        let Draft { name, summary, table } = &dictionary.draft;
        let (systems, defaults, entries) = table.columns();
        Self {
            id: dictionary.id.clone(),
            name: name.to_string(),
            summary: summary.clone(),
            systems_json: json!(systems).to_string(),
            defaults_json: json!(defaults).to_string(),
            entries_json: json!(entries).to_string(),
            entries_count: number(entries.len()),
            codes_count: number(table.codes_count()),
            code_bytes: number(table.code_bytes()),
            revision: dictionary.revision,
            created_us: dictionary.created_at.0,
            updated_us: dictionary.updated_at.0,
        }
    }

    fn into_model(self) -> Result<Dictionary, Error> {
        let Self { id, summary, revision, .. } = self;
        let read = || serde_json::from_str(&self.entries_json);
        let table = stored(&self.systems_json, &self.defaults_json, read);
        Ok(Dictionary {
            draft: Draft {
                name: self.name.parse().map_err(Error::corrupt(WHAT, &id))?,
                summary,
                table: table.map_err(Error::corrupt(WHAT, &id))?,
            },
            id,
            revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl OverviewRow {
    fn into_model(self) -> Result<Overview, Error> {
        let table = stored(&self.systems_json, &self.defaults_json, || Ok(Vec::new()));
        Ok(Overview {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            summary: self.summary,
            table: table.map_err(Error::corrupt(WHAT, &self.id))?,
            id: self.id,
            entries_count: usize::try_from(self.entries_count).unwrap_or_default(),
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

fn stored(
    systems: &str,
    defaults: &str,
    entries: impl FnOnce() -> serde_json::Result<Vec<busbar_model::dictionary::Entry>>,
) -> serde_json::Result<Table> {
    Ok(Table::of_columns(serde_json::from_str(systems)?, serde_json::from_str(defaults)?, entries()?))
}

impl Odb {
    pub fn create_dictionary(&self, by: &By, draft: Draft) -> Result<Dictionary, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, by, draft.clone()))
    }

    /// As [`Odb::update_channel`].
    pub fn update_dictionary<E: From<Error>>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Dictionary, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            match edit(before.draft.clone()) {
                Ok(draft) => update(connection, recorder, by, &before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Refused while plugins' grants name it.
    pub fn delete_dictionary(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }

    pub fn dictionary(&self, id: &str) -> Result<Dictionary, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn dictionaries(&self, page: &Page, filter: &Filter) -> Result<Paged<Overview>, Error> {
        let mut query = table::table
            .select(OverviewRow::as_select())
            .order(table::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(table::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(table::name.eq(name));
        }
        let rows = query.load::<OverviewRow>(&mut *self.connection()?)?;
        page.cut(rows, |row| row.id.clone(), OverviewRow::into_model)
    }
}

/// Every dictionary, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Dictionary>, Error> {
    let rows = table::table.select(Row::as_select()).order(table::id.asc()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Dictionary, Error> {
    let row = table::table.find(id).select(Row::as_select()).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found(WHAT, id))?.into_model()
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    draft: Draft,
) -> Result<Dictionary, Error> {
    let (created_at, updated_at) = (by.now, by.now);
    let made = Dictionary { id: new_id(by.now), draft, revision: 1, created_at, updated_at };
    refuse_taken_name(connection, &made)?;
    require_room(connection, &made)?;
    diesel::insert_into(table::table).values(Row::of(&made)).execute(connection)?;
    recorder.record(Action::Create, object(&made), None, Some(audited::view(&made, None)));
    Ok(made)
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: &Dictionary,
    draft: Draft,
) -> Result<Dictionary, Error> {
    if draft == before.draft {
        return Ok(before.clone());
    }
    let after = Dictionary { draft, revision: before.revision + 1, updated_at: by.now, ..before.clone() };
    if after.draft.name != before.draft.name {
        refuse_taken_name(connection, &after)?;
        // Grants go by name: they would not find it any more.
        refuse_granted(connection, before)?;
    }
    require_room(connection, &after)?;
    diesel::update(table::table.find(&before.id)).set(Row::of(&after)).execute(connection)?;
    let (was, is) = (audited::view(before, Some(&after)), audited::view(&after, Some(before)));
    recorder.record(Action::Update, object(&after), Some(was), Some(is));
    Ok(after)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Dictionary,
) -> Result<(), Error> {
    refuse_granted(connection, before)?;
    diesel::delete(table::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(audited::view(before, None)), None);
    Ok(())
}

fn refuse_taken_name(connection: &mut AnyConnection, own: &Dictionary) -> Result<(), Error> {
    let name = &own.draft.name;
    let others = table::table
        .filter(table::name.eq(name.as_str()).and(table::id.ne(&own.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 { Err(Error::NameTaken { what: WHAT, name: name.clone() }) } else { Ok(()) }
}

fn refuse_granted(connection: &mut AnyConnection, own: &Dictionary) -> Result<(), Error> {
    let name = &own.draft.name;
    let users = plugin::granted_to(connection, name, |grants| &grants.dictionaries)?;
    if users.is_empty() { Ok(()) } else { Err(Error::InUse { what: WHAT, name: name.clone(), users }) }
}

/// Of two that are saved at once each may take the same room: that is little, and workers bear it.
fn require_room(connection: &mut AnyConnection, own: &Dictionary) -> Result<(), Error> {
    let others = table::table
        .filter(table::id.ne(&own.id))
        .select((table::codes_count, table::code_bytes))
        .load::<(i64, i64)>(connection)?;
    let row = Row::of(own);
    let codes = others.iter().map(|(codes, _)| codes).sum::<i64>() + row.codes_count;
    let bytes = others.iter().map(|(_, bytes)| bytes).sum::<i64>() + row.code_bytes;
    for (what, would, most) in [
        ("dictionaries", number(others.len() + 1), number(DICTIONARIES_MAX)),
        ("codes of dictionaries", codes, number(DICTIONARIES_CODES_MAX)),
        ("bytes of dictionaries' codes", bytes, number(DICTIONARIES_CODE_BYTES_MAX)),
    ] {
        if would > most {
            return Err(Error::DictionariesFull { what, would, most });
        }
    }
    Ok(())
}

fn object(dictionary: &Dictionary) -> Object<'_> {
    Object { kind: ObjectKind::Dictionary, id: &dictionary.id, name: dictionary.draft.name.as_str() }
}
