//! Connections of a configuration.

use busbar_model::{Connection, Name};

use super::Apply;
use crate::{
    connections::{self, Draft},
    error::Error,
    secret::seal::{self, MasterKey},
    wsdl,
};

impl Apply<'_> {
    pub(super) fn put_connections(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        let all = connections::all(self.connection)?;
        for draft in wanted {
            let (connection, recorder, by) =
                (&mut *self.connection, &mut *self.recorder, (self.by, self.key));
            let put = match all.iter().find(|present| present.name == draft.name) {
                Some(before) => changed(before, draft, self.key)
                    .and_then(|draft| connections::update(connection, recorder, by, before, &draft)),
                None => connections::insert(connection, recorder, by, draft),
            };
            self.note(|| path(&draft.name), put)?;
        }
        Ok(())
    }

    /// What becomes of one connection may make room for another, so all are counted together.
    pub(super) fn require_wsdl_room(&mut self) -> Result<(), Error> {
        let room = wsdl::require_room(self.connection);
        self.note(|| "/connections".to_owned(), room)?;
        Ok(())
    }

    /// After channels and plugins: it is they that keep a connection.
    pub(super) fn prune_connections(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        for present in connections::all(self.connection)? {
            if !wanted.iter().any(|draft| draft.name == present.name) {
                let removed = connections::remove(self.connection, self.recorder, &present);
                self.note(|| path(&present.name), removed)?;
            }
        }
        Ok(())
    }
}

/// The same without the secrets that are what they were: else no document could be applied a second time to no
/// effect.
fn changed(present: &Connection, draft: &Draft, key: &MasterKey) -> Result<Draft, Error> {
    let opened = match key.open_connection(present) {
        Ok(opened) => Some(opened),
        // What is given takes its place.
        Err(seal::Error::Damaged) => None,
        Err(other) => return Err(other.into()),
    };
    // Where it leads may be told by the WSDL.
    let client = wsdl::completed(draft.client.clone(), Some(&present.client))?;
    let leads_as = present.client.leads_as(&client);
    let client = client.map(|part, given| {
        let shared = opened.as_ref().filter(|opened| leads_as && opened.shares(part, &draft.client));
        let before = shared.and_then(|opened| opened.secret(part));
        given.filter(|given| before.is_none_or(|before| before.reveal() != given.reveal()))
    });
    Ok(Draft { client, ..draft.clone() })
}

fn path(name: &Name) -> String {
    format!("/connections/{name}")
}
