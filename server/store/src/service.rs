//! Services: a plugin's own list of them, and what administrators set for each.

use busbar_model::{Name, Plugin, Service, plugin::Description, service::LimitsPatch};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    schema::{plugin, service},
};

pub(crate) const WHAT: &str = "service";

/// Which services a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    pub plugin: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = service)]
struct Row {
    id: String,
    name: String,
    limits_json: String,
    revision: i64,
}

impl Row {
    fn into_model(self, plugin: &str) -> Result<Service, Error> {
        Ok(Service {
            plugin: plugin.parse().map_err(Error::corrupt(WHAT, &self.name))?,
            limits: serde_json::from_str(&self.limits_json).map_err(Error::corrupt(WHAT, &self.name))?,
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.name))?,
            id: self.id,
            revision: self.revision,
        })
    }
}

impl Odb {
    pub fn service(&self, name: &str) -> Result<Service, Error> {
        find(&mut *self.connection()?, name)?.ok_or_else(|| Error::not_found(WHAT, name))
    }

    pub fn services(&self, page: &Page, filter: &Filter) -> Result<Paged<Service>, Error> {
        let mut query = service::table
            .inner_join(plugin::table)
            .select((Row::as_select(), plugin::name))
            .order(service::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(service::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(service::name.eq(name));
        }
        if let Some(plugin) = &filter.plugin {
            query = query.filter(plugin::name.eq(plugin));
        }
        let rows = query.load::<(Row, String)>(&mut *self.connection()?)?;
        page.cut(rows, |(row, _)| row.id.clone(), |(row, plugin)| row.into_model(&plugin))
    }

    /// Replaces all limits of a service.
    pub fn set_service_limits(
        &self,
        by: &By,
        name: &str,
        expected: Option<i64>,
        limits: LimitsPatch,
    ) -> Result<Service, Error> {
        self.update_service_limits(by, name, expected, |_| Ok(limits.clone()))
    }

    /// Reads, edits and writes in one transaction, so that no concurrent edit is lost. `edit` may
    /// run more than once. Limits that come back as they were change nothing.
    pub fn update_service_limits<E: From<Error>>(
        &self,
        by: &By,
        name: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(LimitsPatch) -> Result<LimitsPatch, E>,
    ) -> Result<Service, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, name)?.ok_or_else(|| Error::not_found(WHAT, name))?;
            Error::check_revision(expected, before.revision)?;
            match edit(before.limits.clone()) {
                Ok(limits) => {
                    let after = Service { limits, ..before.clone() };
                    update(connection, recorder, by, before, after)
                }
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }
}

/// Every service, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Service>, Error> {
    let rows = service::table
        .inner_join(plugin::table)
        .select((Row::as_select(), plugin::name))
        .order(service::id.asc())
        .load::<(Row, String)>(connection)?;
    rows.into_iter().map(|(row, plugin)| row.into_model(&plugin)).collect()
}

pub(crate) fn find(connection: &mut AnyConnection, name: &str) -> Result<Option<Service>, Error> {
    let row = service::table
        .inner_join(plugin::table)
        .filter(service::name.eq(name))
        .select((Row::as_select(), plugin::name))
        .first::<(Row, String)>(connection)
        .optional()?;
    row.map(|(row, plugin)| row.into_model(&plugin)).transpose()
}

/// Fails where a described service belongs to another plugin that is active.
pub(crate) fn refuse_taken(
    connection: &mut AnyConnection,
    plugin_name: &Name,
    description: &Description,
) -> Result<(), Error> {
    let names: Vec<&str> = description.services.iter().map(|service| service.name.as_str()).collect();
    let taken = service::table
        .inner_join(plugin::table)
        .filter(service::name.eq_any(names))
        .filter(plugin::name.ne(plugin_name.as_str()))
        .filter(plugin::active_deployment.is_not_null())
        .order(service::name.asc())
        .select((service::name, plugin::name))
        .first::<(String, String)>(connection)
        .optional()?;
    match taken {
        None => Ok(()),
        Some((service, plugin)) => Err(Error::ServiceTaken {
            service: service.parse().map_err(Error::corrupt(WHAT, &service))?,
            plugin: plugin.parse().map_err(Error::corrupt("plugin", &plugin))?,
        }),
    }
}

/// Makes a plugin's services those of its active description: missing ones are made or, from a
/// plugin that was recalled, taken over with what was set for them; others go.
pub(crate) fn replace(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    owner: &Plugin,
    description: &Description,
) -> Result<(), Error> {
    let described = |name: &Name| description.services.iter().any(|service| service.name == *name);
    for gone in all(connection)?.iter().filter(|old| old.plugin == owner.name && !described(&old.name)) {
        remove(connection, recorder, gone)?;
    }
    for offered in &description.services {
        match find(connection, offered.name.as_str())? {
            Some(kept) if kept.plugin == owner.name => {}
            Some(other) => {
                let limits = other.limits.clone();
                take_over(connection, recorder, by, other, owner, limits)?;
            }
            None => {
                insert(connection, recorder, by, owner, offered.name.clone(), LimitsPatch::default())?;
            }
        }
    }
    Ok(())
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    owner: &Plugin,
    name: Name,
    limits: LimitsPatch,
) -> Result<(), Error> {
    let (id, plugin) = (new_id(by.now), owner.name.clone());
    let made = Service { id, name, plugin, limits, revision: 1 };
    diesel::insert_into(service::table)
        .values((
            service::id.eq(&made.id),
            service::name.eq(made.name.as_str()),
            service::plugin_id.eq(&owner.id),
            service::limits_json.eq(json!(made.limits).to_string()),
            service::revision.eq(made.revision),
            service::created_us.eq(by.now.0),
            service::updated_us.eq(by.now.0),
        ))
        .execute(connection)?;
    recorder.record(Action::Create, object(&made), None, Some(view(&made)));
    Ok(())
}

/// Gives a service to another plugin.
pub(crate) fn take_over(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Service,
    owner: &Plugin,
    limits: LimitsPatch,
) -> Result<Service, Error> {
    diesel::update(service::table.find(&before.id))
        .set(service::plugin_id.eq(&owner.id))
        .execute(connection)?;
    let after = Service { plugin: owner.name.clone(), limits, ..before.clone() };
    update(connection, recorder, by, before, after)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    gone: &Service,
) -> Result<(), Error> {
    diesel::delete(service::table.find(&gone.id)).execute(connection)?;
    recorder.record(Action::Delete, object(gone), Some(view(gone)), None);
    Ok(())
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Service,
    mut after: Service,
) -> Result<Service, Error> {
    if after == before {
        return Ok(before);
    }
    after.revision += 1;
    diesel::update(service::table.find(&after.id))
        .set((
            service::limits_json.eq(json!(after.limits).to_string()),
            service::revision.eq(after.revision),
            service::updated_us.eq(by.now.0),
        ))
        .execute(connection)?;
    recorder.record(Action::Update, object(&after), Some(view(&before)), Some(view(&after)));
    Ok(after)
}

pub(crate) fn object(service: &Service) -> Object<'_> {
    Object { kind: ObjectKind::Service, id: &service.id, name: service.name.as_str() }
}

/// What the audit trail shows.
pub(crate) fn view(service: &Service) -> Value {
    json!({"name": service.name, "plugin": service.plugin, "limits": service.limits})
}
