//! What the commands' arguments mean, and what commands ask a server for.

use clap::Parser as _;
use serde_json::{Value, json};

use super::{
    ClientArgs, ClientCommand,
    api::{Api, Content},
    channel,
    fake::{Answer, Fake},
};

#[derive(Debug, clap::Parser)]
#[command(name = "busbar", version)]
struct Cli {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: ClientCommand,
}

fn parse(line: &str) -> Result<Cli, i32> {
    let words = std::iter::once("busbar").chain(line.split(' '));
    Cli::try_parse_from(words).map_err(|error| error.exit_code())
}

#[test]
fn the_arguments_are_consistent() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}

/// Whoever asks for help is shown an example.
#[test]
fn every_command_has_an_example() {
    fn look(command: &clap::Command, without: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let example = command.get_after_help().is_some_and(|help| help.to_string().contains("busbar "));
            if !example {
                without.push(command.get_name().to_owned());
            }
            look(command, without);
        }
    }
    let mut without = Vec::new();
    look(&<Cli as clap::CommandFactory>::command(), &mut without);
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn what_is_meant_is_taken() {
    for line in [
        "deploy --wait a.wasm b.wasm --dir /x --json",
        "deploy --no-wait --wait a.wasm --timeout 3",
        "--dir /x plugin list",
        "plugin rollback a --to sha256:1 --no-wait",
        "plugin grants a --invoke b.* c",
        "plugin grants a --none",
        "plugin config a --set b=1 c=true",
        "service limits a --cpu-ms 7 --reset queue timeout_ms",
        "invoke a -",
        "invoke a -5",
        "channel create --path /a --service b --method GET --method POST --inactive",
        "channel update a --security none --name b",
        "security create-basic a --username b --password-stdin",
        "security create-key a",
        "deployment list --state failed",
        "status --json",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
    let cli = parse("status --dir /x").unwrap();
    assert_eq!(cli.client.dir(), Some(std::path::Path::new("/x")));
}

#[test]
fn what_can_t_be_meant_is_a_usage_error() {
    for line in [
        "plugin",
        "plugin rollback",
        "deploy",
        "invoke",
        "channel create",
        "channel create --path /a",
        "channel update a --active --inactive",
        "plugin grants a --none --invoke b",
        "plugin config a --set b",
        "service limits a --reset colour",
        "security create-basic a --username b",
        "deploy a.wasm --timeout soon",
    ] {
        assert_eq!(parse(line).unwrap_err(), 2, "{line}");
    }
}

#[tokio::test]
async fn lists_are_followed_to_the_end() {
    let page = |item: u32, next: Value| Answer::new(200, json!({"items": [item], "next": next}));
    let pages = vec![page(1, json!("/api/v1/plugins?limit=500&before=x")), page(2, Value::Null)];
    let fake = Fake::start(pages).await;
    let api = Api::admin(&fake.target()).unwrap();
    let items = api.list("/api/v1/plugins", &[("name", "a b")]).await.unwrap();
    assert_eq!(items, [json!(1), json!(2)]);
    let lines: Vec<String> = fake.requests().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /api/v1/plugins?limit=500&name=a%20b", "GET /api/v1/plugins?limit=500&before=x"]);
    assert_eq!(fake.requests()[0].headers["authorization"], "Bearer token");
}

#[tokio::test]
async fn a_refusal_is_an_error_and_a_tag_is_sent_back() {
    let problem = json!({"status": 412, "title": "Changed meanwhile", "code": "precondition-failed"});
    let answers = vec![Answer::new(200, json!({})).with("etag", "\"7\""), Answer::new(412, problem)];
    let fake = Fake::start(answers).await;
    let api = Api::invoker(&fake.target()).unwrap();
    let read = api.get("/a").await.unwrap();
    let refused = api.put("/a", Content::json(&json!({"b": 1})).if_match(read.etag)).await;
    assert_eq!(refused.err().unwrap().to_string(), "Changed meanwhile (412 precondition-failed)");
    let seen = &fake.requests()[1];
    assert_eq!(
        (&seen.headers["if-match"], &seen.headers["x-api-key"]),
        (&"\"7\"".parse().unwrap(), &"token".parse().unwrap())
    );
    assert_eq!(seen.body, r#"{"b":1}"#);
}

#[tokio::test]
async fn a_channel_is_found_by_its_name_and_only_what_is_given_is_changed() {
    let ClientCommand::Channel { command: channel::Command::Update(update) } =
        parse("channel update a --security none --any-method --inactive").unwrap().command
    else {
        panic!("another command was parsed");
    };
    assert_eq!(update.patch().unwrap(), json!({"security": null, "methods": [], "active": false}));
    let found = json!({"items": [{"href": "/api/v1/channels/7"}], "next": null});
    let fake = Fake::start(vec![Answer::new(200, found), Answer::new(200, json!({"items": []}))]).await;
    let api = Api::admin(&fake.target()).unwrap();
    assert_eq!(api.named("/api/v1/channels", "a").await.unwrap(), "/api/v1/channels/7");
    assert_eq!(api.named("/api/v1/channels", "an/id").await.unwrap(), "/api/v1/channels/an%2Fid");
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let target = super::locate::Target { url: "http://127.0.0.1:1".to_owned(), secret: "token".to_owned() };
    let error = Api::admin(&target).unwrap().get("/a").await.err().unwrap();
    assert!(error.to_string().contains("http://127.0.0.1:1 can't be reached"), "{error}");
}
