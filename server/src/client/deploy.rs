//! `busbar deploy`: a file's way to being live, watched.

use std::path::{Path, PathBuf};

use busbar_model::bounds::PLUGIN_BYTES_MAX;
use serde_json::Value;

use super::{
    Bus,
    api::{Api, Content, encoded},
    failure::{Cause, Doing as _, Failure},
    input,
    wait::{Goal, Outcome, Waiting},
};

pub(crate) const DEPLOYMENTS: &str = "/api/v1/deployments";
const WASM: &str = "application/wasm";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  busbar deploy my-service.wasm\n  \
    busbar deploy --name orders target/wasm32-wasip2/release/build.wasm")]
pub(crate) struct Deploy {
    /// The plugins' files; the first that fails ends it.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Goes by this name instead of the file's, as far as the plugin does not name itself.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

impl Deploy {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        if self.name.is_some() && self.files.len() > 1 {
            let text = format!("--name is for one file, but {} are given", self.files.len());
            return Err(Failure::new("deploy", Cause::Usage(text)));
        }
        let api = bus.admin()?;
        let mut views = Vec::new();
        let mut ended = Ok(());
        for (number, file) in self.files.iter().enumerate() {
            let doing = || format!("deploy {}", file.display());
            let outcome = self.deploy(bus, &api, file).await.doing(doing);
            ended = outcome.and_then(|outcome| {
                self.waiting.show(&bus.output, &outcome, Goal::Live);
                views.push(outcome.view);
                outcome.ended.doing(doing)
            });
            if ended.is_err() {
                left_out(bus, self.files.get(number + 1..).unwrap_or_default());
                break;
            }
        }
        if bus.output.is_json() && !views.is_empty() {
            // One file is answered by its deployment, several by a list of theirs.
            let one = if self.files.len() == 1 { views.pop() } else { None };
            bus.output.json(&one.unwrap_or(Value::Array(views)));
        }
        ended
    }

    async fn deploy(&self, bus: &Bus<'_>, api: &Api, file: &Path) -> Result<Outcome, Cause> {
        let bytes = input::read_within(file, PLUGIN_BYTES_MAX)?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => file_name(file)?,
        };
        let address = format!("{DEPLOYMENTS}?name={}", encoded(&name));
        let accepted = api.post(&address, Content::of(WASM, bytes)).await?;
        self.waiting.follow(api, &bus.output, accepted, Goal::Live).await
    }
}

fn left_out(bus: &Bus<'_>, files: &[PathBuf]) {
    for file in files {
        bus.output.note(&format!("{} is left out", file.display()));
    }
}

fn file_name(file: &Path) -> Result<String, Cause> {
    let name = file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| Cause::Usage("the file's name is not text; give one with --name".to_owned()))
}
