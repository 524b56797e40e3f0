//! The roll from one authority to the next, as the ODB has it.

use std::collections::BTreeSet;

use busbar_pki::{AUTHORITY_VALIDITY, Authority, Confirmed, Fingerprint, Member as Confirming, Role, Roll};
use busbar_store::{By, Member};

use crate::{Error, Registrar, Standing, stored};

/// How a roll stands.
#[derive(Clone, Debug)]
pub struct Rolling {
    pub roll: Roll,
    /// Whom it waits for.
    pub late: Option<Late>,
}

/// What is missing until the next step, and from whom (`ROLE NAME`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub missing: String,
    pub members: Vec<String>,
}

impl Registrar {
    /// Begins to change to a new authority.
    pub fn begin_roll(&self, by: &By) -> Result<Rolling, Error> {
        let Standing { roll, .. } = self.founded()?;
        let (certificate, key) = self.odb.authority(&self.key, &roll.issuer().to_string())?;
        let current = Authority::from_pem(&certificate, key.reveal())?;
        let next = current.next(by.now.into(), AUTHORITY_VALIDITY)?;
        let after = roll.begin(next.fingerprint())?;
        self.go(by, roll, after, Some(&next))?;
        self.rolling()
    }

    /// Goes back to the authority that was in force before.
    pub fn turn_back(&self, by: &By) -> Result<Rolling, Error> {
        let Standing { roll, .. } = self.founded()?;
        self.go(by, roll, roll.turn_back()?, None)?;
        self.rolling()
    }

    /// Takes the next step, if there is one and all members are where the last one leads. Whether it did.
    pub fn advance(&self, by: &By) -> Result<bool, Error> {
        let Some(Standing { roll, .. }) = self.standing()? else { return Ok(false) };
        if matches!(roll, Roll::Settled { .. }) {
            return Ok(false);
        }
        match roll.next(&self.confirming(roll)?) {
            Ok(next) => {
                self.go(by, roll, next, None)?;
                Ok(true)
            }
            Err(busbar_pki::Obstacle::Waiting { .. }) => Ok(false),
            Err(obstacle) => Err(obstacle.into()),
        }
    }

    pub fn rolling(&self) -> Result<Rolling, Error> {
        let Standing { roll, .. } = self.founded()?;
        let late = match roll.next(&self.confirming(roll)?) {
            Err(busbar_pki::Obstacle::Waiting { missing, members }) => {
                Some(Late { missing: missing.to_string(), members })
            }
            _ => None,
        };
        Ok(Rolling { roll, late })
    }

    fn go(&self, by: &By, from: Roll, to: Roll, new: Option<&Authority>) -> Result<(), Error> {
        // One that members may still show, or trust, is kept until the roll is over.
        let mut kept: BTreeSet<Fingerprint> = from.trusted();
        if matches!(to, Roll::Settled { .. }) {
            kept.clear();
        }
        kept.extend(to.trusted());
        let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
        let new = new.map(stored);
        let steps = (from.to_string(), to.to_string());
        match self.odb.move_roll(by, &self.key, (&steps.0, &steps.1), new.as_ref(), &kept)? {
            true => Ok(()),
            false => Err(Error::Meanwhile),
        }
    }

    /// Those who are asked. An operator has to trust the new authority and to have a certificate of it, or nobody could
    /// ask for anything when the old one is gone; for how long it trusts that one is all the same.
    fn confirming(&self, roll: Roll) -> Result<Vec<Confirming>, Error> {
        let mut members = self.odb.members()?;
        if matches!(roll, Roll::Retiring { .. }) {
            members.retain(|member| member.role != Role::Operator.as_str());
        }
        members.iter().map(confirming).collect()
    }
}

fn confirming(member: &Member) -> Result<Confirming, Error> {
    let confirmed = match &member.confirmed {
        Some(said) => {
            let trusts = said.trusts.iter().map(|text| text.parse());
            Some(Confirmed { trusts: trusts.collect::<Result<_, _>>()?, issuer: said.issuer.parse()? })
        }
        None => None,
    };
    Ok(Confirming { name: format!("{} {}", member.role, member.name), confirmed })
}
