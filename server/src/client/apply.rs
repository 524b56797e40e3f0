//! `busbar apply`: the definitions of a document, put in place.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use busbar_model::configuration::Mistake;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Session,
    answer::{Error, Problem, view},
    api::Question,
    bounds::APPLY_TIME_MAX,
    document::Source,
    output::Output,
    text::{count, one_line},
    variables::Variables,
};

const PATH: &str = "/api/v1/apply";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar apply busbar.yaml --dry-run\n  busbar apply busbar.yaml --vars staging.env --var PASSWORD_CLERK=secret\n  busbar apply busbar.yaml --prune --env\n  busbar apply - --json < busbar.yaml\n\nWhat an entry leaves out has its default; what the file leaves out stays, unless --prune is given."
)]
pub(crate) struct Args {
    /// The document, as `busbar export` writes it; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only tells what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Also removes what the document does not have; plugins that are deployed stay.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    variables: Variables,
}

#[derive(Debug, Deserialize)]
struct View {
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    action: String,
    kind: String,
    name: String,
    members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    member: String,
    before: Value,
    after: Value,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let source = Source::read(&args.file, &args.variables.read()?)?;
    if !source.mistakes.is_empty() {
        return Err(refused(&mut session.output, &source, &source.mistakes));
    }
    let api = session.admin()?;
    let query = format!("{PATH}?dry_run={}&prune={}", args.dry_run, args.prune);
    // Each new password takes its time.
    let question = Question::new(Method::POST, query)
        .json(&Value::Object(source.document.to_json()))
        .patience(Some(APPLY_TIME_MAX));
    let answer = api.ask(question).await.and_then(|answer| answer.json());
    let answer = match answer {
        Err(Error::Refused(problem)) if !problem.errors.is_empty() => {
            return Err(declined(&mut session.output, &source, *problem));
        }
        answer => answer.with_context(|| format!("failed to apply {}", args.file.display()))?,
    };
    if session.output.json() {
        return Ok(session.output.value(&answer)?);
    }
    let view: View = view(&answer)?;
    tell(&mut session.output, &view.changes, args.dry_run)
}

/// Says what is wrong with a document.
fn refused(output: &mut Output, source: &Source, mistakes: &[Mistake]) -> anyhow::Error {
    for mistake in mistakes {
        // Where standard error is gone too, the exit code says it all.
        let _ = output.detail("", &source.told(mistake));
    }
    anyhow!("{} in {}; nothing was changed", count(mistakes.len(), "mistake"), source.path.display())
}

/// The same for what the server knows better.
fn declined(output: &mut Output, source: &Source, problem: Problem) -> anyhow::Error {
    let mistakes = problem.errors.into_iter().map(|error| Mistake {
        line: None,
        path: error.path,
        message: error.message,
        variable: None,
    });
    let mistakes = refused(output, source, &mistakes.collect::<Vec<_>>());
    anyhow::Error::new(Error::Refused(Box::new(Problem {
        detail: mistakes.to_string(),
        errors: Vec::new(),
        ..problem
    })))
}

fn tell(output: &mut Output, changes: &[Change], dry_run: bool) -> anyhow::Result<()> {
    if changes.is_empty() {
        return Ok(output.text("Nothing to do.")?);
    }
    for change in changes {
        let kind = if change.kind == "security" { "security definition" } else { change.kind.as_str() };
        let sign = match change.action.as_str() {
            "create" => '+',
            "delete" => '-',
            _ => '~',
        };
        output.text(&one_line(&format!("{sign} {kind} {}", change.name)))?;
        for Member { member, before, after } in &change.members {
            let line = match sign {
                '~' => format!("{member}: {} → {}", shown(before), shown(after)),
                '+' if !after.is_null() => format!("{member}: {}", shown(after)),
                _ => continue,
            };
            output.text(&format!("    {}", one_line(&line)))?;
        }
    }
    let of = |action: &str| changes.iter().filter(|change| change.action == action).count();
    let (made, removed) = (of("create"), of("delete"));
    let changed = changes.len() - made - removed;
    let text = format!("{made} created, {changed} changed, {removed} deleted");
    let text =
        if dry_run { format!("{text} — if it were applied: nothing was changed.") } else { text + "." };
    Ok(output.note(&text)?)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Args, run};
    use crate::client::{failure::conclude, fake::Fake};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// The exit code, standard output and standard error.
    async fn apply(fake: &Fake, document: &str, line: &str) -> (u8, String, String) {
        let file = fake.folder().join("busbar.yaml");
        fs::write(&file, document).unwrap();
        let words = ["apply".to_owned(), file.display().to_string()].into_iter();
        let line = Line::try_parse_from(words.chain(line.split_whitespace().map(str::to_owned))).unwrap();
        let (mut session, out, err) = fake.session(false);
        let outcome = run(&mut session, line.args).await;
        let code = conclude(&mut session.output, outcome);
        let err = err.text().replace(&fake.folder().display().to_string(), "DIR");
        (code, out.text(), err)
    }

    const DOCUMENT: &str = "busbar: 1\nsecurity:\n  clerk:\n    kind: basic\n    username: ${USER}\n    password: ${PASSWORD_CLERK}\nchannels:\n  a: {path: /a, service: s}\n";

    async fn bus(answer: (u16, Value)) -> Fake {
        Fake::start(move |_| answer.clone()).await
    }

    #[tokio::test]
    async fn sends_what_the_variables_make_of_it_and_shows_what_was_done() {
        let changes = json!([
            {"action": "create", "kind": "security", "name": "clerk", "members": [
                {"member": "kind", "before": null, "after": "basic"}]},
            {"action": "update", "kind": "channel", "name": "a", "members": [
                {"member": "timeout_ms", "before": 30000, "after": 5},
                {"member": "security", "before": null, "after": "cl\u{1b}erk"}]},
            {"action": "delete", "kind": "channel", "name": "b", "members": [
                {"member": "path", "before": "/b", "after": null}]},
        ]);
        let fake = bus((200, json!({"dry_run": false, "changes": changes}))).await;
        let (code, out, err) =
            apply(&fake, DOCUMENT, "--var USER=b$${ob --var PASSWORD_CLERK=x --prune").await;
        let expected = "+ security definition clerk\n    kind: basic\n~ channel a\n    timeout_ms: 30000 → 5\n    \
                        security: none → cl\u{fffd}erk\n- channel b\n";
        assert_eq!((code, out.as_str(), err.as_str()), (0, expected, "1 created, 1 changed, 1 deleted.\n"));
        let asked = fake.changes();
        assert_eq!(asked[0].line(), "POST /api/v1/apply?dry_run=false&prune=true");
        assert_eq!(asked[0].json()["security"]["clerk"]["username"], "b$$${ob");
        assert_eq!(asked[0].json()["security"]["clerk"]["password"], "x");
    }

    #[tokio::test]
    async fn a_password_may_be_left_to_the_server_but_nothing_else() {
        let fake = bus((200, json!({"dry_run": true, "changes": []}))).await;
        let (code, out, _) = apply(&fake, DOCUMENT, "--var USER=bob --dry-run").await;
        assert_eq!((code, out.as_str()), (0, "Nothing to do.\n"));
        assert_eq!(fake.changes()[0].json()["security"]["clerk"]["password"], "${PASSWORD_CLERK}");
        let (code, _, err) = apply(&fake, DOCUMENT, "").await;
        let expected = "DIR/busbar.yaml:5: security.clerk.username: variable USER is not given\n\
                        error: 1 mistake in DIR/busbar.yaml; nothing was changed\n";
        assert_eq!((code, err.as_str(), fake.changes().len()), (1, expected, 1));
    }

    #[tokio::test]
    async fn what_the_server_refuses_is_told_with_its_line() {
        let problem = json!({"title": "Conflict", "status": 409, "detail": "long", "code": "conflict",
            "correlation_id": "c-7", "errors": [{"path": "/channels/a/path", "message": "is taken"}]});
        let fake = bus((409, problem)).await;
        let (code, out, err) = apply(&fake, DOCUMENT, "--var USER=bob").await;
        let expected = "DIR/busbar.yaml:8: channels.a.path: is taken\n\
                        error: 1 mistake in DIR/busbar.yaml; nothing was changed (409 conflict)\ncorrelation id: c-7\n";
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", expected));
    }

    #[tokio::test]
    async fn what_is_no_document_is_not_sent() {
        let fake = bus((500, json!({}))).await;
        for (document, words) in [
            ("a: 1\na: 2\n", "busbar.yaml:2: \"a\" stands twice"),
            ("busbar: 2\n", "busbar.yaml:1: busbar: is 2"),
            ("busbar: 1\nchannels: {a: {path: x}}\n", "busbar.yaml:2: channels.a.service: is required"),
        ] {
            let (code, _, err) = apply(&fake, document, "").await;
            assert!(code == 1 && err.contains(words), "{err}");
        }
        assert_eq!(fake.asked().len(), 0);
        let args = Line::try_parse_from(["apply", "/no/such/file"]).unwrap().args;
        let (mut session, ..) = fake.session(false);
        let outcome = run(&mut session, args).await;
        assert_eq!(conclude(&mut session.output, outcome), 2);
    }
}
