//! What is said of the cases that ran.

use std::{io, path::Path};

use serde_json::{Value, json};

use super::{case::Case, comparison::Failure};
use crate::client::Output;

/// How a case went.
pub(super) struct Verdict<'c> {
    pub(super) file: &'c Path,
    pub(super) case: &'c Case,
    /// None: it passed.
    pub(super) failures: Vec<Failure>,
    pub(super) log: Vec<String>,
}

impl Verdict<'_> {
    fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// Says it to a person; of a case that failed, all that is known.
    pub(super) fn tell(&self, output: &mut Output) -> io::Result<()> {
        output.text(&self.text())
    }

    fn text(&self) -> String {
        let label = if self.passed() { "ok     " } else { "FAILED " };
        let mut text = format!("{label}{}", self.case.place(self.file));
        for failure in &self.failures {
            text.push_str(&format!("\n         {failure}"));
        }
        if !self.passed() {
            for line in &self.log {
                text.push_str(&format!("\n         log: {line}"));
            }
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "name": self.case.name,
            "file": self.file.display().to_string(),
            "service": self.case.service,
            "passed": self.passed(),
            "failures": self.failures,
            "log": self.log,
        })
    }
}

/// The sum. A case that failed is an error.
pub(super) fn conclude(output: &mut Output, verdicts: &[Verdict<'_>]) -> anyhow::Result<()> {
    let all = verdicts.len();
    let failed = verdicts.iter().filter(|verdict| !verdict.passed()).count();
    if output.json() {
        let cases: Vec<Value> = verdicts.iter().map(Verdict::json).collect();
        output.value(&json!({"passed": all - failed, "failed": failed, "cases": cases}))?;
    }
    let noun = if all == 1 { "case" } else { "cases" };
    if failed > 0 {
        anyhow::bail!("{failed} of {all} {noun} failed");
    }
    if !output.json() {
        output.text(&format!("{all} {noun} passed"))?;
    }
    Ok(())
}
