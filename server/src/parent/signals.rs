//! The signals that a parent obeys. None is lost while it executes itself anew: they are blocked until the
//! process that it becomes has its handlers.

use std::io::{self, IsTerminal as _};

use nix::sys::signal::{SigSet, Signal as Number};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    on_terminal: bool,
}

fn obeyed() -> SigSet {
    [Number::SIGINT, Number::SIGTERM, Number::SIGHUP].into_iter().collect()
}

/// For every thread but the main one, so that what is blocked there waits, and nobody else takes it.
pub(crate) fn block() {
    let _ = obeyed().thread_block();
}

/// Lets this thread take them again.
pub(crate) fn unblock() {
    let _ = obeyed().thread_unblock();
}

impl Signals {
    /// Takes what was sent before, too.
    pub(crate) fn install() -> io::Result<Self> {
        let signals = Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            on_terminal: io::stdin().is_terminal(),
        };
        obeyed().thread_unblock()?;
        Ok(signals)
    }

    /// Returns when the parent is to stop.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Returns when the parent is to stop or to reload.
    pub(crate) async fn either(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            // The terminal that it was started on is gone, and with it whoever started it.
            _ = self.hangup.recv() => match self.on_terminal && !io::stdin().is_terminal() {
                true => Asked::Stop,
                false => Asked::Reload,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Stop,
    Reload,
}
