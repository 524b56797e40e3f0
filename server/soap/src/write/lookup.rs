//! Finding a name among many, in the order they are likely to come.

use std::collections::HashMap;

use crate::shape::TypeId;

/// So many names are compared one by one before an index is made.
const SCANNED: usize = 16;

/// The names of each type that was searched, sorted. Made only for types that have many, so that a record of thousands
/// of members in an unlikely order takes no quadratic time.
#[derive(Default)]
pub(super) struct Lookup {
    sorted: HashMap<TypeId, Vec<usize>>,
}

impl Lookup {
    /// Which of the `count` names of `id` is `sought`; `name(i)` is the i-th. Searching begins at `likely`.
    pub(super) fn find<'n>(
        &mut self,
        id: TypeId,
        count: usize,
        name: impl Fn(usize) -> &'n str,
        sought: &str,
        likely: usize,
    ) -> Option<usize> {
        let near = likely.min(count)..count.min(likely.saturating_add(SCANNED));
        if let Some(found) = near.clone().find(|i| name(*i) == sought) {
            return Some(found);
        }
        if count <= SCANNED {
            return (0..near.start).find(|i| name(*i) == sought);
        }
        let sorted = self.sorted.entry(id).or_insert_with(|| {
            let mut sorted: Vec<usize> = (0..count).collect();
            sorted.sort_by_key(|i| name(*i));
            sorted
        });
        let at = sorted.binary_search_by(|i| name(*i).cmp(sought)).ok()?;
        sorted.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Lookup;
    use crate::shape::TypeId;

    #[test]
    fn every_name_is_found_from_anywhere() {
        for count in [0, 1, 15, 16, 17, 100] {
            let names: Vec<String> = (0..count).map(|i| format!("m{}", i * 7 % 101)).collect();
            let mut lookup = Lookup::default();
            for likely in [0, 1, 50, count, count + 5] {
                for (at, name) in names.iter().enumerate() {
                    let found = lookup.find(TypeId(0), count, |i| &names[i], name, likely);
                    assert_eq!(found, Some(at), "{name} among {count} from {likely}");
                }
                assert_eq!(lookup.find(TypeId(0), count, |i| &names[i], "none", likely), None);
            }
        }
    }
}
