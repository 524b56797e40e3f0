//! `busbar test`: runs the cases of a plugin on the host that the bus runs it on, without a bus: the component
//! is compiled and called through the pipeline, with doubles for the services it calls and, for the ODB, what
//! the case gives.

mod call;
mod case;
mod comparison;
mod component;
mod double;
mod expectation;
mod ledger;
mod logging;
mod report;
mod stage;
mod ways;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::{
    case::{Case, CaseFile},
    component::Components,
    logging::Lines,
    report::Verdict,
    stage::Stage,
};
use crate::client::{Output, Usage, conclude};

/// The folder in FOLDER that holds cases.
const CASES: &str = "cases";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar test plugins/orders --plugin bin/services/orders.wasm\n  busbar test . --only refused --json\n\nWhat stands in a case is told in docs/testing.md. The exit code is 0 if all cases pass, 1 if one fails, 2 if they can't be run as asked."
)]
pub(crate) struct Args {
    /// Holds the cases, as cases/*.json, and the plugins, as *.wasm.
    folder: PathBuf,
    /// A plugin to test, instead of those in the folder; several call each other.
    #[arg(long = "plugin", value_name = "FILE")]
    plugins: Vec<PathBuf>,
    /// Only cases with this in their name.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Runs the command. Returns the process's exit code.
pub(crate) fn run(json: bool, args: &Args) -> u8 {
    let mut output = Output::standard(json);
    let outcome = test(&mut output, args);
    conclude(&mut output, outcome)
}

fn test(output: &mut Output, args: &Args) -> anyhow::Result<()> {
    // All of it before the first component is compiled: that takes longest.
    let files = cases(&args.folder, args.only.as_deref())?;
    let sources = match &args.plugins[..] {
        [] => files_of(&args.folder, "wasm")?,
        named => named.to_vec(),
    };
    if sources.is_empty() {
        let text = format!("{} holds no *.wasm; name the plugin with --plugin", args.folder.display());
        return Err(Usage::error(text));
    }
    let lines = Lines::default();
    let _logging = lines.listen();
    let components = Components::compile(&sources)?;
    components.check(&files)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut verdicts = Vec::new();
    for CaseFile { path, cases } in &files {
        for case in cases {
            let stage = Stage::set(&components, case)?;
            lines.take();
            let seen = runtime.block_on(stage.call(case))?;
            let verdict = Verdict { file: path, case, failures: seen.compare(case), log: lines.take() };
            if !output.json() {
                verdict.tell(output)?;
            }
            verdicts.push(verdict);
        }
    }
    report::conclude(output, &verdicts)
}

/// The cases that were asked for.
fn cases(folder: &Path, only: Option<&str>) -> anyhow::Result<Vec<CaseFile>> {
    let wanted = |case: &Case| only.is_none_or(|text| case.name.contains(text));
    let mut files = Vec::new();
    for path in files_of(&folder.join(CASES), "json")? {
        let mut file = CaseFile::read(path)?;
        file.cases.retain(wanted);
        files.push(file);
    }
    if files.iter().all(|file| file.cases.is_empty()) {
        let folder = folder.join(CASES);
        return Err(Usage::error(match only {
            Some(text) => format!("no case in {} has {text:?} in its name", folder.display()),
            None => format!("{} holds no cases: *.json", folder.display()),
        }));
    }
    Ok(files)
}

/// The folder's files of a kind, by name.
fn files_of(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = folder.read_dir();
    let entries =
        entries.map_err(|error| Usage::error(format!("{} can't be read: {error}", folder.display())))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.context("failed to list a folder")?.path();
        if path.extension().is_some_and(|found| found == extension) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Test(super::Args),
    }

    #[test]
    fn accepts_what_the_help_shows() {
        let cli = Cli::command();
        let test = cli.find_subcommand("test").unwrap();
        let help = test.get_after_help().unwrap().to_string();
        let lines: Vec<_> = help.lines().filter(|line| line.trim().starts_with("busbar ")).collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn a_folder_without_cases_is_a_wrong_question() {
        let folder = tempfile::tempdir().unwrap();
        assert!(super::cases(folder.path(), None).unwrap_err().is::<crate::client::Usage>());
        std::fs::create_dir(folder.path().join("cases")).unwrap();
        let error = super::cases(folder.path(), None).unwrap_err().to_string();
        assert!(error.ends_with("cases holds no cases: *.json"), "{error}");
        let case = r#"{"name": "one", "service": "a.b", "expect": {}}"#;
        std::fs::write(folder.path().join("cases/a.json"), case).unwrap();
        assert_eq!(super::cases(folder.path(), Some("on")).unwrap()[0].cases.len(), 1);
        let error = super::cases(folder.path(), Some("two")).unwrap_err().to_string();
        assert!(error.contains("\"two\""), "{error}");
    }
}
