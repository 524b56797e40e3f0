//! Channels of a configuration. Addresses are compared as they are in the end: two may be swapped.

use busbar_model::{
    Channel, Definitions,
    channel::{Address, Draft},
    definitions::AddressTaken,
};

use super::Apply;
use crate::{channel, error::Error, id::new_id, security, soap};

impl Apply<'_> {
    pub(super) fn put_channels(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        let present = channel::all(self.connection)?;
        let find = |draft: &Draft| present.iter().find(|channel| channel.name == draft.name);
        for taken in conflicts(&present, wanted, self.by.now) {
            let path = format!("/channels/{}/{}", taken.channel, taken.member);
            self.note(|| path, Err::<(), _>(taken.into()))?;
        }
        for draft in wanted {
            let (connection, recorder, by) = (&mut *self.connection, &mut *self.recorder, self.by);
            let put = match find(draft) {
                Some(before) => channel::replace(connection, recorder, by, before, draft.clone()),
                None => {
                    let made = draft.clone().into_channel(new_id(by.now), 1, by.now, by.now);
                    channel::add(connection, recorder, made)
                }
            };
            let member = match draft.address {
                Address::Rest(_) | Address::Soap(_) => "security",
                Address::Amqp(_) => "amqp/connection",
            };
            self.note(|| format!("/channels/{}/{member}", draft.name), put)?;
        }
        Ok(())
    }

    /// Once all definitions are as they are to be: either side of a bond may have changed.
    pub(super) fn check_guards(&mut self) -> Result<(), Error> {
        for channel in channel::all(self.connection)? {
            let fits = security::refuse_unfit_guard(self.connection, &channel);
            self.note(|| format!("/channels/{}/security", channel.name), fits)?;
        }
        Ok(())
    }

    /// Whether the services of wanted channels can be called over SOAP.
    pub(super) fn check_soap(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        for problem in soap::unusable(self.connection)? {
            if wanted.iter().any(|draft| draft.name == problem.channel) {
                let path = format!("/channels/{}/service", problem.channel);
                self.note(|| path, Err::<(), _>(problem.into()))?;
            }
        }
        Ok(())
    }

    pub(super) fn prune_channels(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        for present in channel::all(self.connection)? {
            if !wanted.iter().any(|draft| draft.name == present.name) {
                channel::remove(self.connection, self.recorder, &present)?;
            }
        }
        Ok(())
    }
}

/// Wanted channels that have the address of another one.
fn conflicts(present: &[Channel], wanted: &[Draft], now: busbar_model::Timestamp) -> Vec<AddressTaken> {
    let kept = present.iter().filter(|channel| !wanted.iter().any(|draft| draft.name == channel.name));
    // Those that are kept come first: the wanted one is at fault.
    let mut channels: Vec<Channel> = kept.cloned().collect();
    channels.extend(wanted.iter().map(|draft| draft.clone().into_channel(String::new(), 1, now, now)));
    Definitions { channels, ..Definitions::default() }.routes().conflicts
}
