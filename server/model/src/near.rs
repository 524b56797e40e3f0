//! What someone who misspelt a name probably meant.

/// The candidate nearest to `text`, if one is near: at most a third of its characters are wrong.
pub fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let text = text.to_ascii_lowercase();
    // Nothing of this length is near to a name, and comparing takes time by its length.
    if text.len() > crate::bounds::NAME_CHARS_MAX {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(&text, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(wrong, candidate)| wrong * 3 <= candidate.chars().count().max(3))
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, candidate)| candidate)
}

/// Characters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_what_is_wrong() {
        for (one, other, wrong) in
            [("", "", 0), ("a", "", 1), ("count", "cuont", 1), ("listen", "lisen", 1), ("abc", "xyz", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (wrong, wrong), "{one} {other}");
        }
    }

    #[test]
    fn names_what_is_near_and_nothing_else() {
        let names = ["drain_ms", "drain_idle_ms", "listen", "count"];
        for (text, meant) in [("drain_s", "drain_ms"), ("LISTEN", "listen"), ("cuont", "count")] {
            assert_eq!(nearest(text, names), Some(meant), "{text}");
        }
        for text in ["", "workers", "zzz", &"x".repeat(100_000)] {
            assert_eq!(nearest(text, names), None, "{text}");
        }
    }
}
