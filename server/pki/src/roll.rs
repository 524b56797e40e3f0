//! The change from one authority to the next, in steps none of which makes a handshake fail.
//!
//! Any two members must understand each other at any time, also when one has heard of a step and the other has not.
//! So first all trust both authorities; then all get certificates of the new one; then all forget the old one. Each
//! step is taken when all have confirmed the one before.
//!
//! ```text
//! Settled(A) ─begin(B)→ Introducing A→B ─→ Reissuing A→B ─→ Retiring A→B ─→ Settled(B)
//!                            └── turn back ──┴→ Reissuing B→A ─→ Retiring B→A ─→ Settled(A)
//! ```

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{Error, Fingerprint};

/// How far a roll is. To be stored where all members see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    /// There is no roll.
    Settled { authority: Fingerprint },
    /// Members are to trust both; certificates are still of the old one.
    Introducing { from: Fingerprint, to: Fingerprint },
    /// Members are to get certificates of the new one.
    Reissuing { from: Fingerprint, to: Fingerprint },
    /// Members are to trust the new one alone.
    Retiring { from: Fingerprint, to: Fingerprint },
}

/// What a member says of itself: see [`Credentials::confirmed`](crate::Credentials::confirmed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The authorities that it trusts.
    pub trusts: BTreeSet<Fingerprint>,
    /// The one that signed its certificate.
    pub issuer: Fingerprint,
}

/// A member that has to be waited for, and what it last confirmed. One that has a certificate and is left out may
/// have to join again.
#[derive(Clone, Debug)]
pub struct Member {
    pub name: String,
    /// `None`: it was not heard yet.
    pub confirmed: Option<Confirmed>,
}

/// Why a roll does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    #[error("begin a roll: one is under way")]
    UnderWay,
    #[error("begin a roll to the authority that is in force")]
    SameAuthority,
    #[error("take the next step of a roll: there is none")]
    NoRoll,
    #[error("take the next step of a roll: {missing} is not confirmed by {}", members.join(", "))]
    Waiting { missing: Missing, members: Vec<String> },
    #[error("turn back: members may no longer trust the old authority")]
    TooLate,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    TrustInBoth,
    NewCertificate,
    TrustInNewOnly,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustInBoth => "trust in both authorities",
            Self::NewCertificate => "a certificate of the new authority",
            Self::TrustInNewOnly => "trust in the new authority alone",
        })
    }
}

impl Roll {
    pub fn begin(self, to: Fingerprint) -> Result<Self, Obstacle> {
        match self {
            Self::Settled { authority } if authority == to => Err(Obstacle::SameAuthority),
            Self::Settled { authority: from } => Ok(Self::Introducing { from, to }),
            _ => Err(Obstacle::UnderWay),
        }
    }

    /// Whom members are to trust now, and who joins now.
    pub fn trusted(self) -> BTreeSet<Fingerprint> {
        match self {
            Self::Settled { authority } => BTreeSet::from([authority]),
            Self::Introducing { from, to } | Self::Reissuing { from, to } => BTreeSet::from([from, to]),
            Self::Retiring { to, .. } => BTreeSet::from([to]),
        }
    }

    /// Who signs certificates now. The key of the other one is not needed after [`Roll::Retiring`] was reached.
    pub fn issuer(self) -> Fingerprint {
        match self {
            Self::Settled { authority } => authority,
            Self::Introducing { from, .. } => from,
            Self::Reissuing { to, .. } | Self::Retiring { to, .. } => to,
        }
    }

    /// The step that may come now that the members have confirmed what they have, or who is waited for.
    pub fn next(self, members: &[Member]) -> Result<Self, Obstacle> {
        match self {
            Self::Settled { .. } => Err(Obstacle::NoRoll),
            Self::Introducing { from, to } => {
                let both = BTreeSet::from([from, to]);
                all(members, Missing::TrustInBoth, |member| member.trusts.is_superset(&both))?;
                Ok(Self::Reissuing { from, to })
            }
            Self::Reissuing { from, to } => {
                all(members, Missing::NewCertificate, |member| member.issuer == to)?;
                Ok(Self::Retiring { from, to })
            }
            Self::Retiring { to, .. } => {
                let only = BTreeSet::from([to]);
                all(members, Missing::TrustInNewOnly, |member| member.trusts == only)?;
                Ok(Self::Settled { authority: to })
            }
        }
    }

    /// Gives a roll up, as long as all still trust the old authority: goes on as a roll back to it, since some may
    /// have certificates of the new one.
    pub fn turn_back(self) -> Result<Self, Obstacle> {
        match self {
            Self::Introducing { from, to } | Self::Reissuing { from, to } => {
                Ok(Self::Reissuing { from: to, to: from })
            }
            Self::Retiring { .. } => Err(Obstacle::TooLate),
            Self::Settled { .. } => Err(Obstacle::NoRoll),
        }
    }
}

/// `settled AUTHORITY`, or `introducing FROM TO` and so on, with fingerprints; to be stored.
impl fmt::Display for Roll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settled { authority } => write!(f, "settled {authority}"),
            Self::Introducing { from, to } => write!(f, "introducing {from} {to}"),
            Self::Reissuing { from, to } => write!(f, "reissuing {from} {to}"),
            Self::Retiring { from, to } => write!(f, "retiring {from} {to}"),
        }
    }
}

/// What `Display` wrote.
impl FromStr for Roll {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["settled", authority] => Ok(Self::Settled { authority: authority.parse()? }),
            ["introducing", from, to] => Ok(Self::Introducing { from: from.parse()?, to: to.parse()? }),
            ["reissuing", from, to] => Ok(Self::Reissuing { from: from.parse()?, to: to.parse()? }),
            ["retiring", from, to] => Ok(Self::Retiring { from: from.parse()?, to: to.parse()? }),
            _ => Err(Error::Roll { text: text.to_owned() }),
        }
    }
}

fn all(members: &[Member], missing: Missing, done: impl Fn(&Confirmed) -> bool) -> Result<(), Obstacle> {
    let late = members.iter().filter(|member| !member.confirmed.as_ref().is_some_and(&done));
    let members: Vec<String> = late.map(|member| member.name.clone()).collect();
    if members.is_empty() { Ok(()) } else { Err(Obstacle::Waiting { missing, members }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Fingerprint {
        Fingerprint::of(text.as_bytes())
    }

    fn member(name: &str, trusts: &[&str], issuer: &str) -> Member {
        let trusts = trusts.iter().map(|text| mark(text)).collect();
        Member { name: name.to_owned(), confirmed: Some(Confirmed { trusts, issuer: mark(issuer) }) }
    }

    #[test]
    fn each_step_waits_for_all() {
        let (from, to) = (mark("a"), mark("b"));
        let roll = Roll::Settled { authority: from }.begin(to).unwrap();
        let silent = Member { name: "s".to_owned(), confirmed: None };
        let late = [member("one", &["a", "b"], "a"), member("two", &["a"], "a"), silent];
        let error = roll.next(&late).unwrap_err();
        assert_eq!(
            error.to_string(),
            "take the next step of a roll: trust in both authorities is not confirmed by two, s"
        );
        let roll = roll.next(&[member("one", &["a", "b"], "a"), member("two", &["b", "a"], "a")]).unwrap();
        assert_eq!(roll, Roll::Reissuing { from, to });
        assert_eq!(roll.issuer(), to);

        let late = [member("one", &["a", "b"], "b"), member("two", &["a", "b"], "a")];
        let missing = Missing::NewCertificate;
        assert_eq!(roll.next(&late), Err(Obstacle::Waiting { missing, members: vec!["two".to_owned()] }));
        let roll = roll.next(&[member("one", &["a", "b"], "b"), member("two", &["a", "b"], "b")]).unwrap();
        assert_eq!(roll, Roll::Retiring { from, to });
        assert_eq!(roll.trusted(), BTreeSet::from([to]));

        let late = [member("one", &["b"], "b"), member("two", &["a", "b"], "b")];
        let missing = Missing::TrustInNewOnly;
        assert_eq!(roll.next(&late), Err(Obstacle::Waiting { missing, members: vec!["two".to_owned()] }));
        let roll = roll.next(&[member("one", &["b"], "b")]).unwrap();
        assert_eq!(roll, Roll::Settled { authority: to });
        assert_eq!(roll.next(&[]), Err(Obstacle::NoRoll));
    }

    #[test]
    fn reads_what_it_writes() {
        let (from, to) = (mark("a"), mark("b"));
        for roll in [
            Roll::Settled { authority: from },
            Roll::Introducing { from, to },
            Roll::Reissuing { from, to },
            Roll::Retiring { from, to },
        ] {
            assert_eq!(roll.to_string().parse::<Roll>().unwrap(), roll);
        }
        for bad in
            ["", "settled", "settled x", &format!("settled {from} {to}"), &format!("rolling {from} {to}")]
        {
            assert!(bad.parse::<Roll>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_roll_at_a_time_and_to_another() {
        let settled = Roll::Settled { authority: mark("a") };
        assert_eq!(settled.begin(mark("a")), Err(Obstacle::SameAuthority));
        assert_eq!(settled.begin(mark("b")).unwrap().begin(mark("c")), Err(Obstacle::UnderWay));
    }

    #[test]
    fn turning_back_needs_trust_in_the_old_one() {
        let (from, to) = (mark("a"), mark("b"));
        for roll in [Roll::Introducing { from, to }, Roll::Reissuing { from, to }] {
            let back = roll.turn_back().unwrap();
            assert_eq!(back, Roll::Reissuing { from: to, to: from });
            assert_eq!(back.issuer(), from);
            // Who never heard of the new one is no obstacle.
            let retiring = back.next(&[member("one", &["a"], "a")]).unwrap();
            assert_eq!(retiring.trusted(), BTreeSet::from([from]));
        }
        assert_eq!(Roll::Retiring { from, to }.turn_back(), Err(Obstacle::TooLate));
        assert_eq!(Roll::Settled { authority: from }.turn_back(), Err(Obstacle::NoRoll));
    }
}
