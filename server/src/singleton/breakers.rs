//! Breakers of the workers that are not closed, by slot: kept in a file, so that whoever takes a worker's place does not
//! call what was known to be down.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use busbar_model::Name;

use crate::{feed::Remembered, layout::write_private};

type BySlot = BTreeMap<u32, BTreeMap<Name, Remembered>>;

pub(crate) struct Breakers {
    path: PathBuf,
    kept: Mutex<BySlot>,
}

impl Breakers {
    /// What can't be read is no loss worth stopping for.
    pub(crate) fn open(path: PathBuf) -> Self {
        let kept = match fs::read(&path).map(|text| serde_json::from_slice(&text)) {
            Ok(Ok(kept)) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BySlot::default(),
            Ok(Err(error)) => unread(&error),
            Err(error) => unread(&error),
        };
        Self { path, kept: Mutex::new(kept) }
    }

    pub(crate) fn of(&self, slot: u32) -> BTreeMap<Name, Remembered> {
        self.kept().get(&slot).cloned().unwrap_or_default()
    }

    /// Told rarely: when a breaker opens or closes.
    pub(crate) fn keep(&self, slot: u32, present: BTreeMap<Name, Remembered>) {
        let mut kept = self.kept();
        if present.is_empty() {
            kept.remove(&slot);
        } else {
            kept.insert(slot, present);
        }
        let text = serde_json::to_string(&*kept).map_err(io::Error::other);
        if let Err(error) = text.and_then(|text| write_private(&self.path, &text)) {
            tracing::warn!(%error, "which breakers are open is not kept for the next singleton");
        }
    }

    fn kept(&self) -> MutexGuard<'_, BySlot> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unread(error: &dyn std::error::Error) -> BySlot {
    tracing::warn!(%error, "which breakers were open is not known");
    BySlot::default()
}

#[cfg(test)]
mod tests {
    use super::Breakers;
    use crate::feed::Remembered;

    fn open() -> Remembered {
        serde_json::from_value(serde_json::json!({"revision": 3, "state": {"phase": "open", "opened": 1,
            "open_ms": 5000, "calls": 5, "failures": 5, "at_ms": 1}}))
        .unwrap()
    }

    #[test]
    fn what_was_open_is_known_to_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("breakers.json");
        let first = Breakers::open(path.clone());
        first.keep(1, [("prices".parse().unwrap(), open())].into());
        let next = Breakers::open(path.clone());
        assert_eq!((next.of(1).len(), next.of(0).len()), (1, 0));
        next.keep(1, [].into());
        assert!(Breakers::open(path.clone()).of(1).is_empty());
        std::fs::write(&path, "{").unwrap();
        assert!(Breakers::open(path).of(1).is_empty());
    }
}
