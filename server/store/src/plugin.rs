//! Plugins.

use std::collections::HashMap;

use busbar_model::{
    Digest, Name, Plugin, Timestamp,
    plugin::{ActiveVersion, Grants},
    quarantine::Quarantine,
};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    page::{Page, Paged},
    quarantine,
    schema::{deployment, plugin},
};

/// Which plugins a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    /// Whether a version is active, or none since the plugin was recalled.
    pub active: Option<bool>,
}

pub(crate) const WHAT: &str = "plugin";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = plugin, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: String,
    active_deployment: Option<String>,
    grants_json: Option<String>,
    config_json: String,
    revision: i64,
    created_us: i64,
    updated_us: i64,
}

/// A plugin's row with its active deployment's digest and description.
type Joined = (Row, Option<String>, Option<String>);

impl Row {
    fn of(plugin: &Plugin) -> Self {
        Self {
            id: plugin.id.clone(),
            name: plugin.name.to_string(),
            active_deployment: plugin.active.as_ref().map(|active| active.deployment.clone()),
            grants_json: plugin.grants.as_ref().map(|grants| json!(grants).to_string()),
            config_json: plugin.config.to_string(),
            revision: plugin.revision,
            created_us: plugin.created_at.0,
            updated_us: plugin.updated_at.0,
        }
    }
}

fn into_model(
    (row, digest, description): Joined,
    quarantined: &HashMap<Digest, Quarantine>,
) -> Result<Plugin, Error> {
    let bad = |error: Box<dyn std::error::Error + Send + Sync>| Error::corrupt(WHAT, &row.name)(error);
    let active = match (row.active_deployment, digest, description) {
        (None, ..) => None,
        (Some(deployment), Some(digest), Some(description)) => {
            let digest = digest.parse().map_err(|e| bad(Box::new(e)))?;
            Some(ActiveVersion {
                deployment,
                digest,
                description: serde_json::from_str(&description).map_err(|e| bad(Box::new(e)))?,
                quarantine: quarantined.get(&digest).cloned(),
            })
        }
        (Some(deployment), ..) => {
            return Err(bad(format!("deployment {deployment} is not described").into()));
        }
    };
    let grants = row.grants_json.as_deref().map(serde_json::from_str::<Grants>).transpose();
    Ok(Plugin {
        active,
        name: row.name.parse().map_err(|e| bad(Box::new(e)))?,
        grants: grants.map_err(|e| bad(Box::new(e)))?,
        config: serde_json::from_str(&row.config_json).map_err(|e| bad(Box::new(e)))?,
        revision: row.revision,
        created_at: Timestamp(row.created_us),
        updated_at: Timestamp(row.updated_us),
        id: row.id,
    })
}

impl Odb {
    pub fn plugin(&self, name: &str) -> Result<Plugin, Error> {
        find(&mut *self.connection()?, name)?.ok_or_else(|| Error::not_found(WHAT, name))
    }

    pub fn plugins(&self, page: &Page, filter: &Filter) -> Result<Paged<Plugin>, Error> {
        let (rows, quarantined) = self.read(|connection| {
            let mut query = plugin::table
                .left_join(deployment::table)
                .select((
                    Row::as_select(),
                    deployment::digest.nullable(),
                    deployment::description_json.nullable(),
                ))
                .order(plugin::id.desc())
                .limit(page.rows())
                .into_boxed();
            if let Some(before) = &page.before {
                query = query.filter(plugin::id.lt(before));
            }
            if let Some(name) = &filter.name {
                query = query.filter(plugin::name.eq(name));
            }
            query = match filter.active {
                Some(true) => query.filter(plugin::active_deployment.is_not_null()),
                Some(false) => query.filter(plugin::active_deployment.is_null()),
                None => query,
            };
            let rows = query.load::<Joined>(connection)?;
            Ok((rows, quarantine::all(connection)?))
        })?;
        page.cut(rows, |(row, ..)| row.id.clone(), |joined| into_model(joined, &quarantined))
    }

    /// `None` puts it back to where nobody has set grants.
    pub fn set_grants(
        &self,
        by: &By,
        name: &str,
        expected: Option<i64>,
        grants: Option<Grants>,
    ) -> Result<Plugin, Error> {
        self.set(by, name, expected, |plugin| plugin.grants.clone_from(&grants))
    }

    /// `config` is a JSON object, which the caller has checked.
    pub fn set_config(
        &self,
        by: &By,
        name: &str,
        expected: Option<i64>,
        config: Value,
    ) -> Result<Plugin, Error> {
        self.set(by, name, expected, |plugin| plugin.config.clone_from(&config))
    }

    fn set(
        &self,
        by: &By,
        name: &str,
        expected: Option<i64>,
        edit: impl Fn(&mut Plugin),
    ) -> Result<Plugin, Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, name)?.ok_or_else(|| Error::not_found(WHAT, name))?;
            Error::check_revision(expected, before.revision)?;
            change(connection, recorder, by, before, &edit)
        })
    }
}

/// Edits a plugin within the caller's transaction; one that comes back as it was is not written.
pub(crate) fn change(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Plugin,
    edit: impl Fn(&mut Plugin),
) -> Result<Plugin, Error> {
    let mut after = before.clone();
    edit(&mut after);
    if after == before {
        return Ok(before);
    }
    after.revision += 1;
    after.updated_at = by.now;
    update(connection, &after)?;
    recorder.record(Action::Update, object(&after), Some(view(&before)), Some(view(&after)));
    Ok(after)
}

/// Plugins whose grants name this one; a pattern names nothing.
pub(crate) fn granted_to(
    connection: &mut AnyConnection,
    name: &Name,
    kind: impl Fn(&Grants) -> &[String],
) -> Result<Vec<String>, Error> {
    let names_it = |plugin: &Plugin| {
        let granted = plugin.grants.iter().flat_map(&kind);
        granted.into_iter().any(|granted| granted == name.as_str())
    };
    let plugins = all(connection)?.into_iter().filter(names_it);
    Ok(plugins.map(|plugin| format!("the grants of plugin {:?}", plugin.name)).collect())
}

/// Every plugin, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Plugin>, Error> {
    let rows = plugin::table
        .left_join(deployment::table)
        .select((Row::as_select(), deployment::digest.nullable(), deployment::description_json.nullable()))
        .order(plugin::id.asc())
        .load::<Joined>(connection)?;
    let quarantined = quarantine::all(connection)?;
    rows.into_iter().map(|joined| into_model(joined, &quarantined)).collect()
}

pub(crate) fn find(connection: &mut AnyConnection, name: &str) -> Result<Option<Plugin>, Error> {
    let row = plugin::table
        .left_join(deployment::table)
        .filter(plugin::name.eq(name))
        .select((Row::as_select(), deployment::digest.nullable(), deployment::description_json.nullable()))
        .first::<Joined>(connection)
        .optional()?;
    let Some(joined) = row else { return Ok(None) };
    into_model(joined, &quarantine::all(connection)?).map(Some)
}

pub(crate) fn insert(connection: &mut AnyConnection, plugin: &Plugin) -> Result<(), Error> {
    diesel::insert_into(plugin::table).values(Row::of(plugin)).execute(connection)?;
    Ok(())
}

pub(crate) fn update(connection: &mut AnyConnection, plugin: &Plugin) -> Result<(), Error> {
    diesel::update(plugin::table.find(&plugin.id)).set(Row::of(plugin)).execute(connection)?;
    Ok(())
}

pub(crate) fn object(plugin: &Plugin) -> Object<'_> {
    Object { kind: ObjectKind::Plugin, id: &plugin.id, name: plugin.name.as_str() }
}

/// What the audit trail shows.
pub(crate) fn view(plugin: &Plugin) -> Value {
    json!({
        "name": plugin.name,
        "active": plugin.active.as_ref().map(|active| json!({
            "deployment": active.deployment,
            "digest": active.digest,
            "version": active.description.version,
        })),
        "quarantine": plugin.active.as_ref().and_then(|active| active.quarantine.as_ref()).map(|it| &it.reason),
        "grants": plugin.grants,
        "config": plugin.config,
    })
}
