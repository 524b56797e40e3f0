//! `busbar check`: whether files are right, before anyone depends on them. No server is asked.

mod plugin;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use busbar_model::{
    Name,
    configuration::{Mistake, Remark, review},
    plugin::Description,
};
use serde_json::{Value, json};

use crate::{
    client::{Fields, Output, Source, Usage, Variables, count},
    settings,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar check busbar.yaml\n  busbar check orders.wasm busbar.yaml --vars staging.env\n  busbar check .busbar/busbar.toml --json"
)]
pub(crate) struct Args {
    /// Configurations (.yaml, .yml, .json), plugins (.wasm) and settings (.toml).
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    variables: Variables,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// First: what plugins offer is known to configurations.
    Plugin,
    Settings,
    Configuration,
}

impl Kind {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let refuse = |reason: &str| Usage::error(format!("{} {reason}", path.display()));
        if !path.is_file() {
            return Err(refuse("is not a file that can be read"));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("wasm") => Ok(Self::Plugin),
            Some("toml") => Ok(Self::Settings),
            Some("yaml" | "yml" | "json") => Ok(Self::Configuration),
            _ => Err(refuse("is neither .yaml, .yml, .json, .wasm nor .toml")),
        }
    }
}

/// What was found out about a file.
#[derive(Default)]
struct Report {
    problems: Vec<Problem>,
    description: Option<Description>,
}

struct Problem {
    /// It is wrong, not only doubtful.
    fatal: bool,
    line: Option<usize>,
    path: String,
    message: String,
    /// As a person reads it.
    told: String,
}

pub(crate) async fn run(output: &mut Output, args: Args) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for path in args.files {
        files.push((Kind::of(&path)?, path));
    }
    let values = args.variables.read()?;
    files.sort_by_key(|(kind, _)| *kind);
    let (mut services, mut wrong, mut told) = (BTreeSet::<Name>::new(), 0, Vec::new());
    for (kind, path) in &files {
        let report = match kind {
            Kind::Plugin => of_plugin(path).await,
            Kind::Settings => of_settings(path),
            Kind::Configuration => of_configuration(&Source::read(path, &values)?, &services),
        };
        if let Some(description) = &report.description {
            services.extend(description.services.iter().map(|service| service.name.clone()));
        }
        wrong += usize::from(report.is_wrong());
        if output.json() {
            told.push(report.value(path));
        } else {
            report.tell(output, path)?;
        }
    }
    if output.json() {
        output.value(&json!({"files": told}))?;
    }
    if wrong > 0 { Err(anyhow!("{} of {} not right", wrong, count(files.len(), "file"))) } else { Ok(()) }
}

fn of_configuration(source: &Source, services: &BTreeSet<Name>) -> Report {
    let mut problems: Vec<Problem> = Vec::new();
    // A value that is given later may be right.
    let mut add = |mistake: Mistake, fatal: bool| {
        let line = mistake.line.or_else(|| source.node.line_of(&mistake.path));
        let told = source.told(&mistake);
        problems.push(Problem { fatal, line, path: mistake.path, message: mistake.message, told });
    };
    for mistake in &source.mistakes {
        add(mistake.clone(), mistake.variable.is_none());
    }
    for Remark { path, message, fatal } in review(&source.document, services) {
        add(Mistake { path, line: None, message, variable: None }, fatal);
    }
    problems.sort_by_key(|problem| problem.line);
    Report { problems, description: None }
}

fn of_settings(path: &Path) -> Report {
    match settings::load(path, &BTreeMap::new()) {
        Ok(_) => Report::default(),
        Err(error) => Report::wrong(error.to_string()),
    }
}

async fn of_plugin(path: &Path) -> Report {
    match plugin::describe(path).await {
        Ok(description) => Report { problems: Vec::new(), description: Some(description) },
        Err(reason) => Report::wrong(format!("{}: {reason}", path.display())),
    }
}

impl Report {
    fn wrong(told: String) -> Self {
        let message = told.clone();
        let problem = Problem { fatal: true, line: None, path: String::new(), message, told };
        Self { problems: vec![problem], description: None }
    }

    fn is_wrong(&self) -> bool {
        self.problems.iter().any(|problem| problem.fatal)
    }

    fn value(&self, path: &Path) -> Value {
        let problem = |problem: &Problem| {
            let severity = if problem.fatal { "error" } else { "warning" };
            json!({"severity": severity, "line": problem.line, "path": problem.path, "message": problem.message})
        };
        let problems: Vec<Value> = self.problems.iter().map(problem).collect();
        let ok = !self.is_wrong();
        json!({"file": path.display().to_string(), "ok": ok, "problems": problems, "plugin": self.description})
    }

    fn tell(&self, output: &mut Output, path: &Path) -> std::io::Result<()> {
        for problem in &self.problems {
            let severity = if problem.fatal { "error" } else { "warning" };
            output.text(&format!("{severity}: {}", problem.told))?;
        }
        if !self.is_wrong() {
            output.text(&format!("{}: ok", path.display()))?;
        }
        match &self.description {
            Some(description) => output.fields(&fields(description)),
            None => Ok(()),
        }
    }
}

fn fields(description: &Description) -> Fields {
    let services: Vec<&str> = description.services.iter().map(|service| service.name.as_str()).collect();
    Fields::default()
        .with("name", description.name.to_string())
        .with("version", &description.version)
        .with("services", services.join("\n"))
        .with("invokes", description.invokes.join("\n"))
        .with("imports", description.imports.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::{Args, run};
    use crate::client::recorded;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// Standard output, and the reason of a failure.
    async fn check(file: &str, text: &str, line: &str, json: bool) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::write(&path, text).unwrap();
        let words = ["check".to_owned(), path.display().to_string()].into_iter();
        let line = Line::try_parse_from(words.chain(line.split_whitespace().map(str::to_owned))).unwrap();
        let (mut output, out, _) = recorded(json, None);
        let reason = run(&mut output, line.args).await.err().map(|error| error.to_string());
        let out = out.text().replace(&format!("{}/", folder.path().display()), "");
        (out, reason.unwrap_or_default())
    }

    #[tokio::test]
    async fn a_configuration_is_told_about_line_by_line() {
        let text = "busbar: 1\nchannels:\n  a:\n    path: /a\n    service: s\n    timeout_ms: ${TIME}\n";
        let (out, reason) = check("busbar.yaml", text, "", false).await;
        let expected = "warning: busbar.yaml:5: channels.a.service: service \"s\" is not known; its calls answer 503 until \
                        it is deployed\nwarning: busbar.yaml:6: channels.a.timeout_ms: variable TIME is not given\n\
                        busbar.yaml: ok\n";
        // An entry that can't be read whole is not reviewed.
        assert!(expected.ends_with(&out[out.find("warning: busbar.yaml:6").unwrap()..]), "{out}");
        assert_eq!(reason, "");
        let (out, reason) = check("busbar.yaml", text, "--var TIME=0", false).await;
        assert!(
            out.contains("error: busbar.yaml:6: channels.a.timeout_ms: is \"0\"; allowed is 1 to"),
            "{out}"
        );
        assert_eq!(reason, "1 of 1 file not right");
        let (out, _) = check("busbar.yaml", text, "--var TIME=7", true).await;
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&value["files"][0]["ok"], &value["files"][0]["problems"][0]["line"]),
            (&true.into(), &5.into())
        );
    }

    #[tokio::test]
    async fn settings_are_told_with_their_line() {
        let (out, reason) = check("busbar.toml", "[http]\nlisten = \"127.0.0.1:1\"\n", "", false).await;
        assert_eq!((out.as_str(), reason.as_str()), ("busbar.toml: ok\n", ""));
        let (out, reason) = check("busbar.toml", "[http]\nlisen = \"127.0.0.1:1\"\n", "", false).await;
        assert!(out.contains("line 2") && out.contains("lisen") && !reason.is_empty(), "{out}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_component_is_refused_without_compiling() {
        let (out, reason) = check("x.wasm", "text", "", false).await;
        assert!(out.contains("error: x.wasm: this is not a WebAssembly file"), "{out}");
        assert!(!reason.is_empty());
        let (_, reason) = check("x.txt", "text", "", false).await;
        assert!(reason.contains("is neither"), "{reason}");
    }
}
