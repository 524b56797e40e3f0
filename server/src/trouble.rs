//! What a process lacks at present. It is told in the log, each once in a while however often it is met, and
//! to whoever asks how the process is.

use std::{
    fmt::Display,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// All the connections that it may hold are open.
    Connections,
    Descriptors,
    /// Bodies hold all the memory that they may.
    Buffers,
    /// Readers that don't read hold all the memory that replies may.
    Replies,
    /// Services hold all the memory that instances may, or all the instances.
    Memory,
    /// Lines are lost, mostly for want of disk.
    Logs,
}

/// So long after it was last met, a trouble is over.
const LASTS: Duration = Duration::from_secs(10);
/// And so often it is logged meanwhile.
const TOLD_EVERY: Duration = Duration::from_secs(10);

impl Trouble {
    pub(crate) const ALL: [Self; 6] =
        [Self::Connections, Self::Descriptors, Self::Buffers, Self::Replies, Self::Memory, Self::Logs];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Descriptors => "descriptors",
            Self::Buffers => "bodies",
            Self::Replies => "replies",
            Self::Memory => "memory",
            Self::Logs => "logs",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Connections => "all connections are taken (http.connections_max)",
            Self::Descriptors => "there are no descriptors left (ulimit -n)",
            Self::Buffers => "request bodies hold all the memory that they may",
            Self::Replies => "replies that nobody reads hold all the memory that they may",
            Self::Memory => "services hold all the memory that they may (workers.memory_bytes_max)",
            Self::Logs => "log lines are lost",
        }
    }
}

/// When each was last met and last told, in milliseconds from the process's start; 0 is never.
struct Met {
    at: AtomicU64,
    told: AtomicU64,
}

static MET: [Met; Trouble::ALL.len()] =
    [const { Met { at: AtomicU64::new(0), told: AtomicU64::new(0) } }; Trouble::ALL.len()];
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_ms() -> u64 {
    u64::try_from(STARTED.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// For a log that can't log it.
pub(crate) fn mark(trouble: Trouble) {
    MET[trouble as usize].at.store(now_ms(), Ordering::Relaxed);
}

/// Remembers it, and tells it unless it was told a moment ago.
pub(crate) fn note(trouble: Trouble, detail: impl Display) {
    mark(trouble);
    let (now, told) = (now_ms(), &MET[trouble as usize].told);
    let last = told.load(Ordering::Relaxed);
    if last == 0 || now.saturating_sub(last) >= ms(TOLD_EVERY) {
        told.store(now, Ordering::Relaxed);
        tracing::warn!(trouble = trouble.label(), %detail, "{}", trouble.text());
    }
}

/// The labels of those that were met a moment ago.
pub(crate) fn present() -> Vec<String> {
    let now = now_ms();
    let is_present = |trouble: &Trouble| {
        let at = MET[*trouble as usize].at.load(Ordering::Relaxed);
        at > 0 && now.saturating_sub(at) < ms(LASTS)
    };
    Trouble::ALL.into_iter().filter(is_present).map(|trouble| trouble.label().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Trouble, note, present};

    #[test]
    fn what_was_met_is_present() {
        assert!(!present().contains(&"replies".to_owned()));
        note(Trouble::Replies, "x");
        assert!(present().contains(&"replies".to_owned()));
    }
}
