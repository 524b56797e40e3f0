//! Going back: a new deployment of what was live before.

use busbar_model::{Deployment, DeploymentState, Digest, Name, deployment::Source};
use diesel::prelude::*;

use crate::{
    artifact,
    change::{Action, By},
    connection::AnyConnection,
    deployment::{self, Row, pending_states},
    error::Error,
    odb::Odb,
    plugin,
    schema::deployment as table,
};

/// An activation in a plugin's history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Past {
    id: String,
    digest: String,
    /// The deployment that this one went back to; itself never a rollback.
    restores: Option<String>,
}

impl Odb {
    /// Makes a deployment, `validated` and described, of the version that was active before the one
    /// now active, or before the one that was gone back to last; after a recall, of the one recalled.
    /// `to` asks for a version that was active at any time. Asked for twice before it is live, it is
    /// made once.
    pub fn rollback(&self, by: &By, name: &Name, to: Option<Digest>) -> Result<Deployment, Error> {
        let to = to.map(|digest| digest.to_string());
        self.change(by, |connection, recorder| {
            let current = plugin::find(connection, name.as_str())?
                .ok_or_else(|| Error::not_found(plugin::WHAT, name.as_str()))?;
            let history = history(connection, name)?;
            let active = current.active.as_ref().map(|active| active.deployment.as_str());
            let nothing = || Error::NothingToRollBackTo { plugin: name.clone() };
            let target = target(&history, active, to.as_deref()).ok_or_else(nothing)?;
            if !artifact::exists(connection, &target.digest)? {
                return Err(nothing());
            }
            let anchor = anchor(&history, target);
            if let Some(pending) = pending(connection, name, &anchor.id)? {
                return deployment::load(connection, pending);
            }
            let described = deployment::require_row(connection, &anchor.id)?.description_json;
            let mut row = Row::received(by, None, name, &anchor.digest, Source::Rollback);
            row.state = DeploymentState::Validated.to_string();
            row.description_json = described;
            row.restores = Some(anchor.id.clone());
            let made = deployment::insert(connection, row)?;
            recorder.record(Action::Rollback, deployment::object(&made), None, Some(deployment::view(&made)));
            Ok(made)
        })
    }
}

/// A plugin's activations, newest first.
fn history(connection: &mut AnyConnection, name: &Name) -> Result<Vec<Past>, Error> {
    let rows = table::table
        .filter(table::plugin.eq(name.as_str()).and(table::activation.is_not_null()))
        .order(table::activation.desc())
        .select((table::id, table::digest, table::restores))
        .load::<(String, String, Option<String>)>(connection)?;
    Ok(rows.into_iter().map(|(id, digest, restores)| Past { id, digest, restores }).collect())
}

fn pending(connection: &mut AnyConnection, name: &Name, restores: &str) -> Result<Option<Row>, Error> {
    Ok(table::table
        .filter(table::plugin.eq(name.as_str()))
        .filter(table::restores.eq(restores))
        .filter(table::state.eq_any(pending_states()))
        .order(table::ordinal.desc())
        .select(Row::as_select())
        .first(connection)
        .optional()?)
}

/// The first activation of what `past` brought back; itself if it brought nothing back.
fn anchor<'a>(history: &'a [Past], past: &'a Past) -> &'a Past {
    let restored = past.restores.as_ref().and_then(|id| history.iter().find(|other| other.id == *id));
    restored.unwrap_or(past)
}

/// Which of a history, newest first, to go back to.
fn target<'a>(history: &'a [Past], active: Option<&str>, to: Option<&str>) -> Option<&'a Past> {
    let Some(active) = active.and_then(|id| history.iter().find(|past| past.id == id)) else {
        return history.iter().find(|past| to.is_none_or(|to| past.digest == to));
    };
    if let Some(to) = to {
        return history.iter().find(|past| past.digest == to && past.digest != active.digest);
    }
    // Older than where the active one first stood, so that going back again goes further back.
    let stood = anchor(history, active);
    let mut older = history.iter().skip_while(|past| past.id != stood.id).skip(1);
    older.find(|past| past.digest != active.digest)
}

#[cfg(test)]
mod tests {
    use super::{Past, anchor, target};

    /// From oldest to newest: `A1` is digest A, deployment 1; `A1>3` is a rollback 3 to it.
    fn history(text: &str) -> Vec<Past> {
        let past = |word: &str| {
            let (digest, rest) = word.split_at(1);
            let (id, restores) = match rest.split_once('>') {
                Some((restores, id)) => (id, Some(restores.to_owned())),
                None => (rest, None),
            };
            Past { id: id.to_owned(), digest: digest.to_owned(), restores }
        };
        text.split(' ').rev().map(past).collect()
    }

    /// What rolling back again and again brings.
    fn walk(text: &str, steps: usize) -> String {
        let mut history = history(text);
        let mut walked = String::new();
        for step in 0..steps {
            let active = history[0].id.clone();
            let Some(target) = target(&history, Some(&active), None) else { break };
            let anchor = anchor(&history, target);
            walked.push_str(&target.digest);
            let restores = Some(anchor.id.clone());
            let past = Past { id: format!("r{step}"), digest: anchor.digest.clone(), restores };
            history.insert(0, past);
        }
        walked
    }

    #[test]
    fn going_back_repeatedly_goes_further_back() {
        assert_eq!(walk("A1", 3), "");
        assert_eq!(walk("A1 B2 C3", 5), "BA");
        assert_eq!(walk("A1 B2 A3", 5), "BA");
        assert_eq!(walk("A1 A2 B3", 5), "A");
    }

    #[test]
    fn what_was_gone_back_from_is_skipped() {
        assert_eq!(walk("A1 B2 A1>3 C4", 5), "A");
        assert_eq!(walk("A1 B2 C3 B2>4 D5", 5), "BA");
    }

    #[test]
    fn a_recalled_plugin_gets_its_last_version_back() {
        let history = history("A1 B2");
        assert_eq!(target(&history, None, None).unwrap().digest, "B");
        assert_eq!(target(&history, None, Some("A")).unwrap().digest, "A");
        assert_eq!(target(&history, None, Some("C")), None);
    }

    #[test]
    fn a_version_can_be_named_unless_it_is_active() {
        let history = history("A1 B2 C3");
        assert_eq!(target(&history, Some("3"), Some("A")).unwrap().id, "1");
        assert_eq!(target(&history, Some("3"), Some("C")), None);
    }
}
