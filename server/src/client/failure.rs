//! How a command that did not succeed says so.

use std::io;

use super::{
    answer::{Error, Problem},
    locate,
    output::Output,
};

const FAILED: u8 = 1;
const WRONGLY_ASKED: u8 = 2;

/// Something is wrong with what was asked, not with the bus.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

impl Usage {
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(text.into()))
    }
}

/// Says what went wrong, if anything did; returns the exit code.
pub(crate) fn conclude(output: &mut Output, outcome: anyhow::Result<()>) -> u8 {
    let Err(error) = outcome else { return 0 };
    // Where standard error is gone too, the exit code says it all.
    let _ = explain(output, &error);
    if is_usage(&error) { WRONGLY_ASKED } else { FAILED }
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.is::<locate::Error>()
            || matches!(cause.downcast_ref::<Error>(), Some(Error::Address { .. }))
    })
}

fn explain(output: &mut Output, error: &anyhow::Error) -> io::Result<()> {
    output.note(&format!("error: {}", chain(error)))?;
    for cause in error.chain() {
        if let Some(Error::Refused(problem)) = cause.downcast_ref::<Error>() {
            elaborate(output, problem)?;
        }
        if let Some(hint) = cause.downcast_ref::<locate::Error>().and_then(locate::Error::hint) {
            output.detail("hint: ", &hint)?;
        }
        if let Some(Error::Unreachable { .. }) = cause.downcast_ref::<Error>() {
            output.detail("hint: ", "is the server running? `busbar quickstart` starts one")?;
        }
    }
    Ok(())
}

fn elaborate(output: &mut Output, problem: &Problem) -> io::Result<()> {
    for wrong in &problem.errors {
        let place = if wrong.path.is_empty() { String::new() } else { format!("{}: ", wrong.path) };
        output.detail("  ", &format!("{place}{}", wrong.message))?;
    }
    if let Some(seconds) = problem.retry_after_s {
        output.detail("hint: ", &format!("try again in {seconds} s"))?;
    }
    if !problem.correlation_id.is_empty() {
        output.detail("correlation id: ", &problem.correlation_id)?;
    }
    Ok(())
}

/// An error and its causes on one line, none said twice.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.last().is_none_or(|last| !last.ends_with(&cause)) {
            said.push(cause);
        }
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use serde_json::json;

    use super::{Usage, conclude};
    use crate::client::{
        answer::{Error, Problem},
        output::tests::recorded,
    };

    #[test]
    fn a_problem_is_told_with_its_details() {
        let problem: Problem = serde_json::from_value(json!({
            "title": "Invalid input", "status": 400, "detail": "the input is not valid",
            "code": "invalid-input", "correlation_id": "abc",
            "errors": [{"path": "/name", "message": "is\nmissing"}, {"path": "", "message": "\u{1b}[2J"}],
        }))
        .unwrap();
        let refused = Err(Error::Refused(Box::new(problem)));
        let (mut output, out, err) = recorded(false, None);
        let code = conclude(&mut output, refused.context("failed to make the channel"));
        assert_eq!((code, out.text().as_str()), (1, ""));
        let expected = "error: failed to make the channel: the input is not valid (400 invalid-input)\n  \
                        /name: is missing\n  \u{fffd}[2J\ncorrelation id: abc\n";
        assert_eq!(err.text(), expected);
    }

    #[test]
    fn a_wrong_question_has_its_own_code() {
        let (mut output, _, err) = recorded(false, None);
        assert_eq!(conclude(&mut output, Err(Usage::error("no file")).context("failed to deploy")), 2);
        assert_eq!(err.text(), "error: failed to deploy: no file\n");
        assert_eq!(conclude(&mut output, Ok(())), 0);
    }
}
