//! `busbar new`: the beginning of a service that builds and deploys as it is, wherever it stands.

mod javascript;
mod name;
mod python;
mod rust;
mod scripted;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::json;

use self::name::ServiceName;
use super::{Session, failure::Usage};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes a service that builds and deploys as it is, with the SDK beside it.
    #[command(
        after_help = "Examples:\n  busbar new service orders\n  busbar new service orders --lang python --dir services/orders"
    )]
    Service(Service),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Service {
    /// What it is called: lower-case letters, digits and '-', beginning with a letter.
    #[arg(value_name = "NAME")]
    name: ServiceName,
    /// The folder to write, which must be empty or not there; ./NAME if not given.
    // Stands for the global option of that name, which here has no server to point at.
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// What it is written in.
    #[arg(long = "lang", visible_alias = "language", value_enum, default_value_t = Language::Rust)]
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Rust,
    Python,
    Javascript,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Javascript => "javascript",
        }
    }

    /// What is written, by paths in the folder.
    fn files(self, name: &ServiceName) -> Vec<File> {
        match self {
            Self::Rust => rust::files(name),
            Self::Python => python::files(name),
            Self::Javascript => javascript::files(name),
        }
    }

    /// Why a service in it can't have this name.
    fn refusal(self, name: &ServiceName) -> Option<&'static str> {
        match self {
            Self::Rust => rust::refusal(name),
            Self::Python | Self::Javascript => None,
        }
    }

    /// How it is built, and what comes of that.
    fn build(self, name: &ServiceName) -> (&'static str, String) {
        match self {
            Self::Rust => (rust::BUILD, rust::artifact(name)),
            Self::Python | Self::Javascript => (scripted::BUILD, scripted::artifact(name)),
        }
    }
}

/// A file that is written, by its path in the folder.
struct File {
    path: String,
    text: String,
    executable: bool,
}

impl File {
    fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into(), executable: false }
    }
}

pub(crate) fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let Command::Service(Service { name, dir, language }) = command;
    let folder = dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
    if let Some(reason) = language.refusal(&name) {
        return Err(Usage::error(format!("{} can't be the name: {reason}", name.as_str())));
    }
    let files = language.files(&name);
    check_empty(&folder)?;
    write(&folder, &files).with_context(|| format!("failed to write {}", folder.display()))?;
    let (build, artifact) = language.build(&name);
    if session.output.json() {
        let paths: Vec<&String> = files.iter().map(|file| &file.path).collect();
        let value = json!({"name": name.as_str(), "language": language.name(), "dir": folder.display().to_string(),
            "files": paths, "build": build, "artifact": artifact});
        return Ok(session.output.value(&value)?);
    }
    session.output.text(&format!("wrote service {}.greet to {}", name.as_str(), folder.display()))?;
    session.output.note(&format!(
        "next:\n  cd {}\n  {build}\n  busbar deploy {artifact}\n  busbar invoke {}.greet '{{\"name\":\"Ada\"}}'",
        folder.display(),
        name.as_str(),
    ))?;
    Ok(())
}

/// Nothing that is there is written over.
fn check_empty(folder: &Path) -> anyhow::Result<()> {
    match fs::read_dir(folder) {
        Ok(entries) => match entries.count() {
            0 => Ok(()),
            _ => Err(Usage::error(format!("{} is not empty", folder.display()))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Usage::error(format!("{} can't be written to: {error}", folder.display()))),
    }
}

fn write(folder: &Path, files: &[File]) -> io::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &file.text)?;
        if file.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
