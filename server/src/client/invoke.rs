//! `busbar invoke`: a call of a service by its name.

use std::path::Path;

use http::{Method, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::{
    Bus,
    api::{Content, JSON, encoded, succeeded},
    failure::{Cause, Doing as _, Failure},
    input,
    output::Output,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  busbar invoke greeter.greet '{\"name\": \"Ada\"}'\n  \
    busbar invoke orders.import @orders.json\n  generate | busbar invoke orders.import -")]
pub(crate) struct Invoke {
    service: String,
    /// The input: JSON, a file's after `@`, or standard input for `-`; none if not given.
    #[arg(value_name = "JSON | @FILE | -", allow_negative_numbers = true)]
    input: Option<String>,
}

impl Invoke {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let doing = || format!("invoke {}", self.service);
        let content = match &self.input {
            None => Content::default(),
            Some(input) => Content::of(JSON, read(input).doing(doing)?),
        };
        let api = bus.invoker()?;
        let path = format!("/_busbar/invoke/{}", encoded(&self.service));
        let called = async {
            let response = api.send(Method::POST, &path, content).await?;
            print(&bus.output, succeeded(response).await?).await
        };
        called.await.doing(doing)
    }
}

fn read(input: &str) -> Result<Vec<u8>, Cause> {
    if input == "-" {
        return input::read(Path::new("-"));
    }
    if let Some(file) = input.strip_prefix('@') {
        return input::read(Path::new(file));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(input) {
        Ok(_) => Ok(input.as_bytes().to_vec()),
        Err(error) => {
            let text = format!("the input is not JSON: {error}; a text needs quotes, a file an @ before it");
            Err(Cause::Usage(text))
        }
    }
}

/// Laid out for a person, else as it comes.
async fn print(output: &Output, response: Response<Incoming>) -> Result<(), Cause> {
    let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|media_type| media_type.starts_with(JSON));
    let broken = |error| Cause::Other(format!("the output broke off: {error}"));
    let mut body = response.into_body();
    if is_json && output.is_terminal() {
        let bytes = body.collect().await.map_err(broken)?.to_bytes();
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => output.json(&value),
            Err(_) => output.bytes(&bytes),
        }
        return Ok(());
    }
    let mut ends_line = true;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            output.bytes(&data);
            ends_line = data.last().map_or(ends_line, |last| *last == b'\n');
        }
    }
    // JSON is text and ends its line; what else a service gives is passed on byte for byte.
    if is_json && !ends_line {
        output.bytes(b"\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::client::failure::Failure;

    #[test]
    fn the_input_is_json_or_a_file() {
        assert_eq!(read(r#"{"a": 1.0}"#).unwrap(), br#"{"a": 1.0}"#, "the text stays as it is");
        let failure = Failure::new("invoke", read("Ada").unwrap_err());
        assert_eq!(failure.exit_code(), 2);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("input.json");
        std::fs::write(&file, "[7]").unwrap();
        assert_eq!(read(&format!("@{}", file.display())).unwrap(), b"[7]");
        assert_eq!(Failure::new("invoke", read("@/no/such").unwrap_err()).exit_code(), 1);
    }
}
