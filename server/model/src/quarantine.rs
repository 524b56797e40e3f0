//! Which version of a plugin is taken out of service because processes die with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{bounds::QUARANTINE_DEATHS, digest::Digest, time::Timestamp};

/// A version out of service, until another one is deployed or someone releases it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    pub since: Timestamp,
    /// What happened, for people.
    pub reason: String,
}

/// A process that died of something that a plugin may have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// The same for every report of it.
    pub id: String,
    pub at: Timestamp,
    /// The server that it belonged to.
    pub server: String,
    /// For people: `SIGSEGV`, `out of memory`.
    pub cause: String,
    /// Versions that had calls under way.
    pub present: Vec<Digest>,
    /// The one among them whose code ran. `None` where that is unknown or says nothing.
    pub running: Option<Digest>,
}

/// That a version was there when a process died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub death: String,
    pub digest: Digest,
    pub running: bool,
}

/// The versions that `marks`, those of the last minutes, give reason to quarantine.
///
/// That is each one present in three deaths. Neighbours that always have a call under way are in no danger from
/// a plugin that dies running: where the code of one of these versions ran in most of the deaths, it is the one.
pub fn verdict(marks: &[Mark]) -> Vec<Digest> {
    let mut counts = BTreeMap::<Digest, (usize, usize)>::new();
    for mark in marks {
        let (present, running) = counts.entry(mark.digest).or_default();
        *present += 1;
        *running += usize::from(mark.running);
    }
    counts.retain(|_, (present, _)| *present >= QUARANTINE_DEATHS);
    let most = QUARANTINE_DEATHS.div_ceil(2);
    if counts.values().any(|(_, running)| *running >= most) {
        counts.retain(|_, (_, running)| *running >= most);
    }
    counts.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::{Mark, verdict};
    use crate::digest::Digest;

    /// Each death is the versions that were there; one that ran is written in upper case.
    fn judged(deaths: &[&str]) -> String {
        let mut marks = Vec::new();
        for (number, death) in deaths.iter().enumerate() {
            marks.extend(death.chars().map(|c| Mark {
                death: number.to_string(),
                digest: Digest::of(c.to_ascii_lowercase().to_string().as_bytes()),
                running: c.is_ascii_uppercase(),
            }));
        }
        let condemned = verdict(&marks);
        let name = |c: &char| condemned.contains(&Digest::of(c.to_string().as_bytes()));
        ('a'..='z').filter(name).collect()
    }

    #[test]
    fn three_deaths_condemn() {
        assert_eq!(judged(&["x", "x"]), "");
        assert_eq!(judged(&["x", "x", "x"]), "x");
        assert_eq!(judged(&["X", "X", "X"]), "x");
        assert_eq!(judged(&["x", "y", "z", ""]), "");
    }

    #[test]
    fn a_neighbour_is_spared_where_there_is_a_difference() {
        assert_eq!(judged(&["xn", "x", "xn"]), "x", "it was not there each time");
        assert_eq!(judged(&["Xn", "Xn", "xn"]), "x", "the other one ran");
        assert_eq!(judged(&["XnM", "Xn", "Xnm"]), "x");
        assert_eq!(judged(&["xN", "xn", "xn"]), "nx", "that it ran once says little");
        assert_eq!(judged(&["xn", "xn", "xn"]), "nx", "nothing tells them apart");
    }

    #[test]
    fn one_that_ran_but_was_there_too_seldom_explains_nothing() {
        assert_eq!(judged(&["Yx", "Yx", "x"]), "x");
    }
}
