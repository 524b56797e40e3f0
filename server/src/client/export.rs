//! `busbar export`: all definitions as one document.

use std::path::PathBuf;

use anyhow::Context as _;
use busbar_model::configuration::yaml;

use super::{Session, api::Question, failure::Usage};
use crate::layout::write_atomically;

const PATH: &str = "/api/v1/export";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar export\n  busbar export --output busbar.yaml\n  busbar export --json\n\nPasswords and values of secrets are named, not shown; files of plugins are no part of it. `busbar backup` keeps everything."
)]
pub(crate) struct Args {
    /// Where to write it; standard output if not given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let api = session.admin()?;
    let answer = api.ask(Question::get(PATH)).await.context("failed to export the configuration")?;
    let mut text = String::from_utf8(answer.body.to_vec()).context("failed to read the configuration")?;
    if session.output.json() {
        let node = yaml::read(&text).context("failed to read the configuration")?;
        text = format!("{:#}\n", node.to_json());
    }
    match args.output {
        None => Ok(session.output.bytes(text.as_bytes())?),
        Some(path) => write_atomically(&path, &text)
            .map_err(|error| Usage::error(format!("{} can't be written: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Args, run};
    use crate::client::fake::Fake;

    #[tokio::test]
    async fn goes_to_a_file_or_to_standard_output() {
        let fake = Fake::start(|_| (200, json!({"busbar": 1}))).await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session, Args { output: None }).await.unwrap();
        assert_eq!(out.text(), r#"{"busbar":1}"#);
        let path = fake.folder().join("busbar.yaml");
        run(&mut session, Args { output: Some(path.clone()) }).await.unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), r#"{"busbar":1}"#);
        let (mut session, out, _) = fake.session(true);
        run(&mut session, Args { output: None }).await.unwrap();
        assert_eq!(out.text(), "{\n  \"busbar\": 1\n}\n");
        let nowhere = Args { output: Some("/no/such/folder/busbar.yaml".into()) };
        assert!(run(&mut session, nowhere).await.is_err());
    }
}
