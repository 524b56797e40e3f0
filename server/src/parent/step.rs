//! What the binary is to do when a parent runs `quickstart` or `server` again: nothing that a person asks
//! for, so it stands in the environment and not on the command line.

use std::{ffi::OsStr, os::fd::RawFd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To become the parent of a folder.
    Start,
    /// To say, as JSON on standard output, what such a parent would run, and end.
    Plan,
    /// To go on as the parent that this process was before it executed itself anew: what it kept stands in
    /// the file behind the descriptor.
    Resume(RawFd),
}

/// In the environment of the binary that is asked for its plan.
pub(crate) const PLAN: &str = "plan";

/// Understands the variable's text.
pub(crate) fn understood(text: Option<&OsStr>) -> Step {
    let text = text.and_then(OsStr::to_str).unwrap_or_default();
    match (text, text.strip_prefix("resume:").and_then(|number| number.parse().ok())) {
        (PLAN, _) => Step::Plan,
        (_, Some(descriptor)) => Step::Resume(descriptor),
        _ => Step::Start,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{Step, understood};

    #[test]
    fn steps() {
        for (text, step) in [
            ("plan", Step::Plan),
            ("resume:7", Step::Resume(7)),
            ("resume:x", Step::Start),
            ("nonsense", Step::Start),
        ] {
            assert_eq!(understood(Some(OsStr::new(text))), step, "{text}");
        }
        assert_eq!(understood(None), Step::Start);
    }
}
