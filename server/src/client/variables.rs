//! Values for the `${NAME}` of a configuration: from the command line, from a file, and from the
//! environment where that was asked for.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use busbar_model::configuration::{node::Content, variables::is_name, yaml};

use super::{failure::Usage, locate};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Variables {
    /// What stands for ${NAME} in the configuration; may be given more than once.
    #[arg(long = "var", id = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    given: Vec<(String, String)>,
    /// More of them: lines NAME=VALUE, or a map where it ends in .yaml, .yml or .json.
    #[arg(long = "vars", id = "vars", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Takes what is given nowhere else from the environment.
    #[arg(long)]
    env: bool,
}

impl Variables {
    /// Reads the file; `--var` wins over it, it over the environment.
    pub(crate) fn read(self) -> anyhow::Result<Values> {
        let mut known = match &self.file {
            None => BTreeMap::new(),
            Some(path) => {
                let refuse = |reason: String| Usage::error(format!("{}: {reason}", path.display()));
                let text =
                    fs::read_to_string(path).map_err(|error| refuse(format!("it can't be read: {error}")))?;
                if is_map(path) { map(&text) } else { lines(&text) }.map_err(refuse)?
            }
        };
        known.extend(self.given);
        Ok(Values { known, env: self.env })
    }
}

/// What is known of variables.
#[derive(Debug)]
pub(crate) struct Values {
    known: BTreeMap<String, String>,
    env: bool,
}

impl Values {
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.known.get(name).cloned().or_else(|| if self.env { locate::environment(name) } else { None })
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if is_name(name) {
        return Ok((name.to_owned(), value.to_owned()));
    }
    Err(format!("{name:?} is no variable's name: letters, digits and '_', no digit first"))
}

fn is_map(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].contains(&extension)
}

fn map(text: &str) -> Result<BTreeMap<String, String>, String> {
    let node = yaml::read(text).map_err(|error| error.to_string())?;
    let Content::Map(members) = node.content else {
        return Err("it is no map of names to values".to_owned());
    };
    let member =
        |(key, node): (busbar_model::configuration::node::Key, busbar_model::configuration::Node)| {
            let line = key.line.unwrap_or(1);
            if !is_name(&key.text) {
                return Err(format!("line {line}: {:?} is no variable's name", key.text));
            }
            match &node.content {
                Content::Text(text) => Ok((key.text, text.clone())),
                // Another number than it was written would be a surprise.
                Content::Number(number) if number.is_u64() || number.is_i64() => {
                    Ok((key.text, number.to_string()))
                }
                _ => Err(format!("line {line}: {} is {}; put it in quotes", key.text, node.kind())),
            }
        };
    members.into_iter().map(member).collect()
}

fn lines(text: &str) -> Result<BTreeMap<String, String>, String> {
    let given = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let given = given.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let pair = |(at, line): (usize, &str)| {
        let (name, value) = assignment(line.strip_prefix("export ").unwrap_or(line))
            .map_err(|reason| format!("line {at}: {reason}"))?;
        Ok((name, unquoted(value.trim()).to_owned()))
    };
    given.map(pair).collect()
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::{Variables, lines, map};

    #[test]
    fn files_are_lines_or_maps() {
        let read = lines("# said\n\nA=1\nexport B = no\nC=\"x = y\"\nD='#'\nE=\n");
        assert_eq!(
            read.unwrap_err(),
            "line 4: \"B \" is no variable's name: letters, digits and '_', no digit first"
        );
        let read = lines("A=1\nexport C=\"x = y\"\nD='#'\nE=\n").unwrap();
        assert_eq!(
            read.into_iter().map(|(k, v)| k + ":" + &v).collect::<Vec<_>>(),
            ["A:1", "C:x = y", "D:#", "E:"]
        );
        let read = map("A: 1\nB: 'on'\n").unwrap();
        assert_eq!((read["A"].as_str(), read["B"].as_str()), ("1", "on"));
        assert!(map("A: 1.10\n").unwrap_err().contains("line 1: A is a number; put it in quotes"));
        assert!(map("- A\n").is_err() && map("a-b: c\n").is_err());
    }

    #[test]
    fn the_command_line_wins_and_the_environment_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("staging.env");
        std::fs::write(&file, "A=file\nB=file\n").unwrap();
        let given = vec![("A".to_owned(), "given".to_owned())];
        let values = Variables { given, file: Some(file), env: false }.read().unwrap();
        assert_eq!((values.get("A").as_deref(), values.get("B").as_deref()), (Some("given"), Some("file")));
        assert_eq!(values.get("PATH"), None);
        let values = Variables { env: true, ..Variables::default() }.read().unwrap();
        assert!(values.get("PATH").is_some());
        let nowhere = Variables { file: Some("/no/such/file".into()), ..Variables::default() };
        assert!(nowhere.read().is_err());
    }
}
