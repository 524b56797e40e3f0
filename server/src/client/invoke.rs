//! `busbar invoke`: a call by name.

use std::{
    fs,
    io::{self, Read as _},
};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, header::CONTENT_TYPE};
use serde::de::IgnoredAny;

use super::{
    Session,
    answer::Answer,
    api::{Api, Question, encoded},
    failure::Usage,
    output::Output,
    text::duration,
};

const JSON: &str = "application/json";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar invoke echo\n  busbar invoke greeter.greet '{\"name\":\"Ada\"}'\n  busbar invoke orders.import @orders.json\n  busbar invoke pictures.scale @cat.png --content-type image/png > small.png\n  busbar invoke orders.create -\n  busbar invoke orders.import @orders.json --async"
)]
pub(crate) struct Args {
    /// The service's name.
    service: String,
    /// The input: JSON, @FILE or - for standard input; nothing if not given.
    #[arg(value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,
    /// What the input is, for a service that takes it as it comes.
    #[arg(long, value_name = "TYPE", default_value = JSON)]
    content_type: String,
    /// How long to wait: 250ms, 30s, 2m, 1h; as long as the bus lets the call run if not given.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<std::time::Duration>,
    /// Only hands the input over; what comes back is the id of the delivery.
    #[arg(long = "async")]
    asynchronous: bool,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let api = Api::data_plane(session.locator.invoker()?)?;
    let path = format!("/_busbar/invoke/{}", encoded(&args.service));
    let mut question =
        Question::new(Method::POST, path).patience(args.timeout).asynchronous(args.asynchronous);
    if let Some(given) = &args.input {
        question = question.content(&args.content_type, input(given, &args.content_type)?);
    }
    let answer = api.ask(question).await.with_context(|| format!("failed to invoke {}", args.service))?;
    match accepted(&answer) {
        Some(id) if args.asynchronous && !session.output.json() => {
            session.output.text(&id)?;
            Ok(session.output.detail("hint: ", &format!("busbar delivery show {id}"))?)
        }
        _ => Ok(show(&mut session.output, &answer)?),
    }
}

/// The id of the delivery that was made of the call.
fn accepted(answer: &Answer) -> Option<String> {
    answer.json().ok()?["id"].as_str().map(str::to_owned)
}

/// The input's bytes. What is to be JSON is checked here, where a slip can be shown.
pub(crate) fn input(given: &str, kind: &str) -> anyhow::Result<Bytes> {
    let unreadable = |what: &str, error: io::Error| Usage::error(format!("{what} can't be read: {error}"));
    let (what, bytes) = match given.strip_prefix('@') {
        Some(file) => (file, fs::read(file).map_err(|error| unreadable(file, error))?),
        None if given == "-" => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map_err(|error| unreadable("standard input", error))?;
            ("standard input", bytes)
        }
        None => ("the input", given.as_bytes().to_vec()),
    };
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON));
    if is_json && let Err(error) = serde_json::from_slice::<IgnoredAny>(&bytes) {
        return Err(Usage::error(format!("{what} is not JSON: {error}")));
    }
    Ok(bytes.into())
}

/// JSON with line breaks for a person; for a program, what came.
pub(crate) fn show(output: &mut Output, answer: &Answer) -> io::Result<()> {
    if answer.body.is_empty() {
        return Ok(());
    }
    let parsed = if answer.is_json() { answer.json().ok() } else { None };
    match (parsed, std::str::from_utf8(&answer.body)) {
        (Some(value), _) if output.to_terminal() => output.value(&value),
        (Some(_), _) => {
            output.bytes(&answer.body)?;
            if answer.body.ends_with(b"\n") { Ok(()) } else { output.gap() }
        }
        (None, _) if !output.to_terminal() => output.bytes(&answer.body),
        (None, Ok(text)) => output.text(text.trim_end_matches('\n')),
        (None, Err(_)) => {
            let kind = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let size = answer.body.len();
            output.note(&format!(
                "{size} bytes of {} are not shown here; > FILE keeps them",
                kind.unwrap_or("something")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::{Args, JSON, input, run, show};
    use crate::client::{answer::Answer, failure::conclude, fake::Fake, output::tests::recorded};

    fn args(input: Option<&str>) -> Args {
        Args {
            service: "greeter.greet".to_owned(),
            input: input.map(str::to_owned),
            content_type: JSON.to_owned(),
            timeout: None,
            asynchronous: false,
        }
    }

    #[tokio::test]
    async fn calls_with_the_key_and_prints_what_comes_back() {
        let fake = Fake::start(|_| (200, json!({"greeting": "hello"}))).await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session, args(Some(r#"{"name":"Ada"}"#))).await.unwrap();
        assert_eq!(out.text(), "{\"greeting\":\"hello\"}\n");
        let asked = &fake.asked()[0];
        assert_eq!(asked.line(), "POST /_busbar/invoke/greeter.greet");
        assert_eq!((asked.header("x-api-key"), asked.header("authorization")), (Some("key"), None));
        assert_eq!(asked.json(), json!({"name": "Ada"}));
    }

    #[tokio::test]
    async fn a_fault_is_told() {
        let problem = json!({"title": "Invalid input", "detail": "the input is not valid", "code": "invalid-input",
            "status": 400, "correlation_id": "c-2", "errors": [{"path": "/name", "message": "is required"}]});
        let fake = Fake::start(move |_| (400, problem.clone())).await;
        let (mut session, out, err) = fake.session(false);
        let outcome = run(&mut session, args(None)).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        assert_eq!(out.text(), "");
        assert_eq!(
            err.text(),
            "error: failed to invoke greeter.greet: the input is not valid (400 invalid-input)\n  \
             /name: is required\ncorrelation id: c-2\n"
        );
        assert_eq!(fake.asked()[0].header("content-type"), None);
    }

    #[tokio::test]
    async fn a_call_may_be_handed_over() {
        let fake = Fake::start(|_| (202, json!({"id": "d-1", "service": "greeter.greet"}))).await;
        let (mut session, out, err) = fake.session(false);
        run(&mut session, Args { asynchronous: true, ..args(None) }).await.unwrap();
        assert_eq!((out.text().as_str(), err.text().as_str()), ("d-1\n", "hint: busbar delivery show d-1\n"));
        assert_eq!(fake.asked()[0].header("prefer"), Some("respond-async"));
        let (mut session, out, _) = fake.session(true);
        run(&mut session, Args { asynchronous: true, ..args(None) }).await.unwrap();
        assert!(out.text().contains("\"service\""), "{}", out.text());
        run(&mut session, args(None)).await.unwrap();
        assert_eq!(fake.asked()[2].header("prefer"), None);
    }

    #[test]
    fn input_that_is_no_json_is_shown_where() {
        let error = input("{\"a\":}", JSON).unwrap_err();
        assert!(
            error.to_string().contains("the input is not JSON: expected value at line 1 column 6"),
            "{error}"
        );
        assert!(input("plain", "text/plain").is_ok());
        assert!(input("@no-such-file", JSON).unwrap_err().to_string().contains("no-such-file can't be read"));
    }

    #[test]
    fn a_person_gets_what_can_be_shown() {
        let shown = |kind: &'static str, body: &'static [u8]| {
            let headers = HeaderMap::from_iter([(super::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let (mut output, out, err) = recorded(false, Some(80));
            let answer = Answer { url: String::new(), headers, body: Bytes::from_static(body) };
            show(&mut output, &answer).unwrap();
            out.text() + &err.text()
        };
        assert_eq!(shown("application/json; charset=utf-8", b"{\"a\":1}"), "{\n  \"a\": 1\n}\n");
        assert_eq!(shown("text/plain", b"a\x1b[2J\n"), "a\u{fffd}[2J\n");
        assert_eq!(
            shown("image/png", b"\xff\xfe"),
            "2 bytes of image/png are not shown here; > FILE keeps them\n"
        );
        assert_eq!(shown("text/plain", b""), "");
    }
}
