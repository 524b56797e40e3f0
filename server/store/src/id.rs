//! Keys of rows.

use std::sync::{Mutex, PoisonError};

use busbar_model::Timestamp;
use uuid::{ContextV7, Uuid};

static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// A UUIDv7 (RFC 9562, section 5.7) of `now`. Those made by one process strictly increase, even
/// where `now` goes back.
pub fn new_id(now: Timestamp) -> String {
    let micros = u64::try_from(now.0).unwrap_or(0);
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    let context = CONTEXT.lock().unwrap_or_else(PoisonError::into_inner);
    Uuid::new_v7(uuid::Timestamp::from_unix(&*context, micros / 1_000_000, nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use busbar_model::Timestamp;

    use super::new_id;

    #[test]
    fn ids_increase_even_when_the_clock_goes_back() {
        let now = Timestamp(1_800_000_000_000_000);
        let ids: Vec<String> = (0..1_000).map(|at| new_id(now.plus_ms(-at))).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'7'));
    }
}
