//! What plugins that are out of service said of themselves.

use std::collections::HashMap;

use busbar_model::{Name, plugin::Description};
use diesel::prelude::*;

use crate::{
    deployment::{Row, WHAT},
    error::Error,
    odb::Odb,
    schema::{deployment, plugin},
};

impl Odb {
    /// The description of the version that was last active, of each plugin that is recalled.
    pub fn retired_versions(&self) -> Result<HashMap<Name, Description>, Error> {
        self.read(|connection| {
            let names = plugin::table
                .filter(plugin::active_deployment.is_null())
                .select(plugin::name)
                .load::<String>(connection)?;
            let mut found = HashMap::new();
            for name in names {
                let last = deployment::table
                    .filter(deployment::plugin.eq(&name).and(deployment::activation.is_not_null()))
                    .order(deployment::activation.desc())
                    .select(Row::as_select())
                    .first::<Row>(connection)
                    .optional()?;
                if let Some(description) = last.map(|row| row.description()).transpose()?.flatten() {
                    found.insert(name.parse().map_err(Error::corrupt(WHAT, &name))?, description);
                }
            }
            Ok(found)
        })
    }
}
