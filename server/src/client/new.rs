//! `busbar new`: the beginning of a service that builds and deploys as it is, wherever it stands.

mod name;
mod rust;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::json;

use self::name::CrateName;
use super::{Session, failure::Usage};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes a service that builds and deploys as it is: a crate with the SDK beside it.
    #[command(
        after_help = "Examples:\n  busbar new service orders\n  busbar new service orders --dir services/orders --language rust"
    )]
    Service(Service),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Service {
    /// What it is called: lower-case letters, digits and '-', beginning with a letter.
    #[arg(value_name = "NAME")]
    name: CrateName,
    /// The folder to write, which must be empty or not there; ./NAME if not given.
    // Stands for the global option of that name, which here has no server to point at.
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// What it is written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Rust,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
        }
    }

    /// What is written, by paths in the folder.
    fn files(self, name: &CrateName) -> Vec<(String, String)> {
        match self {
            Self::Rust => rust::files(name),
        }
    }

    /// How it is built, and what comes of that.
    fn build(self, name: &CrateName) -> (&'static str, String) {
        match self {
            Self::Rust => (rust::BUILD, rust::artifact(name)),
        }
    }
}

pub(crate) fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let Command::Service(Service { name, dir, language }) = command;
    let folder = dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
    let files = language.files(&name);
    check_empty(&folder)?;
    write(&folder, &files).with_context(|| format!("failed to write {}", folder.display()))?;
    let (build, artifact) = language.build(&name);
    if session.output.json() {
        let paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
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

fn write(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use clap::Parser;
    use serde_json::Value;

    use super::{Command, run};
    use crate::client::{Session, failure::conclude, locate::Locator, output::tests::recorded};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    fn new_service(name: &str, folder: &Path, json: bool) -> (u8, String, String) {
        let (output, out, err) = recorded(json, None);
        let mut session = Session { locator: Locator::new(None, |_| None), folder: PathBuf::new(), output };
        let words = ["new", "service", name, "--dir", folder.to_str().unwrap()];
        let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command);
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    #[test]
    fn the_whole_sdk_goes_with_a_service() {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("a/web-shop");
        let (code, out, err) = new_service("web-shop", &service, false);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("web-shop.greet") && err.contains("release/web_shop.wasm"), "{out}{err}");
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (from, to) in [
            ("plugins/sdk/src", "busbar-sdk/src"),
            ("plugins/sdk/macros/src", "busbar-sdk/macros/src"),
            ("plugins/wit", "busbar-sdk/wit"),
        ] {
            for entry in fs::read_dir(repository.join(from)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let written = fs::read(service.join(to).join(entry.file_name())).unwrap();
                    assert_eq!(written, fs::read(entry.path()).unwrap(), "{:?}", entry.path());
                }
            }
        }
        for (file, part) in [
            ("Cargo.toml", "name = \"web-shop\""),
            ("src/lib.rs", "GET /web-shop/{name}"),
            ("README.md", "release/web_shop.wasm"),
            (".gitignore", "target"),
            ("rust-toolchain.toml", "wasm32-wasip2"),
            ("busbar-sdk/Cargo.toml", "busbar-sdk-macros"),
            ("busbar-sdk/macros/Cargo.toml", "proc-macro"),
            ("busbar-sdk/src/bindings.rs", "path: \"wit\""),
        ] {
            let text = fs::read_to_string(service.join(file)).unwrap();
            assert!(text.contains(part) && !text.contains("{{"), "{file}: {text}");
        }
        assert!(!service.join("busbar-sdk/tests").exists());
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (code, out, _) = new_service("shop", folder.path(), true);
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, value["artifact"].as_str()), (0, Some("target/wasm32-wasip2/release/shop.wasm")));
        fs::write(folder.path().join("src/lib.rs"), "mine").unwrap();
        let (code, _, said) = new_service("shop", folder.path(), false);
        assert!(code == 2 && said.contains("is not empty"), "{said}");
        assert_eq!(fs::read_to_string(folder.path().join("src/lib.rs")).unwrap(), "mine");
        let (code, ..) = new_service("shop", &folder.path().join("src/lib.rs"), false);
        assert_eq!(code, 2);
    }

    #[test]
    fn a_name_that_no_crate_may_have_is_refused() {
        for name in ["Shop", "1shop", "-x", "a_b", "a.b", "shöp", "", "fn", "test", "busbar-sdk"] {
            assert!(Line::try_parse_from(["new", "service", name]).is_err(), "{name}");
        }
        assert!(Line::try_parse_from(["new", "service", "a", "--language", "cobol"]).is_err());
    }
}
