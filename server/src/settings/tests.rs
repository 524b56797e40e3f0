//! Every key: taken as it should be, refused as it should be.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
};

use toml::Value;

use super::{
    Settings,
    keys::{KEYS, Key, Kind},
    load,
};

fn loaded(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busbar.toml");
    fs::write(&path, file).unwrap();
    let environment: BTreeMap<String, OsString> =
        environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
    load(&path, &environment).map_err(|error| error.to_string())
}

/// A value that a key takes, as the file has it; and values that it does not.
fn samples(kind: Kind) -> (Value, Vec<Value>) {
    let text = |text: &str| Value::String(text.to_owned());
    let number = |number: u64| Value::Integer(i64::try_from(number).unwrap());
    match kind {
        Kind::Address => {
            (text("127.0.0.1:1"), vec![text("here"), text("127.0.0.1"), text("localhost:1"), text("")])
        }
        Kind::Text => (text("x"), vec![text(""), text(" ")]),
        Kind::OdbUrl => {
            (text("sqlite:/x"), vec![text("sqlite:"), text("oracle://x"), text("sqlite::memory:")])
        }
        Kind::AmqpUrl => (
            text("amqp://a:b@x/%2f"),
            vec![text("amqp://x"), text("http://a:b@x"), text("amqp://a@x"), text("")],
        ),
        Kind::Name => (text("bus-1"), vec![text(""), text("a b"), text("ä")]),
        Kind::Reached => {
            (text("bus1:17010"), vec![text("bus1"), text("bus1:0"), text("a@b:1"), text("a b:1"), text("")])
        }
        Kind::Socket => (
            text("/run/busbar/http.sock"),
            vec![text("http.sock"), text("/a b"), text(&format!("/{}", "a".repeat(80)))],
        ),
        Kind::FrontEnd => (text("*:11223"), vec![text("here"), text("host:80"), text("*:0"), text("")]),
        Kind::Word(words) => (text(words[0]), vec![text("maybe"), text("")]),
        Kind::HttpUrl => (text("http://x:1"), vec![text("x:1"), text("ftp://x"), text("http://")]),
        Kind::LogLevel => {
            (text("info,hyper=warn"), vec![text("loud"), text("hyper=loud"), text("=info"), text("")])
        }
        Kind::WholeOrNone { least, most } => {
            (number(0), vec![number(least - 1), number(most + 1), Value::Integer(-1), text("many")])
        }
        Kind::Whole { least, most } => {
            let mut bad = vec![number(most + 1), Value::Integer(-1), text("5"), text("many")];
            bad.extend(least.checked_sub(1).map(number));
            (number(most), bad)
        }
    }
}

fn file(key: Key, value: &Value) -> String {
    format!("# a comment\n[{}]\n{} = {value}\n", key.section, key.name)
}

/// What the environment would say for it.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn every_key_is_in_the_table_and_in_the_documentation() {
    let all = serde_json::to_value(Settings::default()).unwrap();
    let of = |section: &serde_json::Value| section.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let known: BTreeSet<String> = all
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(section, keys)| of(keys).into_iter().map(move |key| format!("{section}.{key}")))
        .collect();
    assert_eq!(KEYS.iter().map(|key| key.path()).collect::<BTreeSet<_>>(), known);
    let page = include_str!("../../../docs/settings.md");
    for key in known {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn every_key_is_taken_from_the_file_and_from_the_environment() {
    for key in KEYS {
        let (good, _) = samples(key.kind);
        loaded(&file(*key, &good), &[]).unwrap_or_else(|error| panic!("{}: {error}", key.path()));
        loaded("", &[(&key.variable(), &text_of(&good))]).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn every_key_refuses_what_it_does_not_take_with_key_value_place_and_what_is_allowed() {
    for key in KEYS {
        let (_, mut bad) = samples(key.kind);
        let wrong_types = [Value::Boolean(true), Value::Float(1.5), Value::Array(Vec::new())];
        for value in &wrong_types {
            let error = loaded(&file(*key, value), &[]).unwrap_err();
            assert!(error.contains(&key.path()) && error.contains("allowed is"), "{error}");
        }
        // From the environment a number is a text, and a text is one whatever it looks like.
        bad.retain(|value| value.as_str() != Some("5") || !matches!(key.kind, Kind::Whole { .. }));
        for value in &bad {
            let hidden = key.name == "token" || matches!(key.kind, Kind::OdbUrl | Kind::AmqpUrl);
            let shown = if hidden { String::new() } else { value.to_string() };
            let in_file = loaded(&file(*key, value), &[]).unwrap_err();
            for part in ["busbar.toml, line 3: ", &key.path(), &shown, "allowed is "] {
                assert!(in_file.contains(part), "{part:?} is not in {in_file}");
            }
            let variable = loaded("", &[(&key.variable(), &text_of(value))]).unwrap_err();
            for part in [key.variable().as_str(), &shown, "allowed is "] {
                assert!(variable.contains(part), "{part:?} is not in {variable}");
            }
        }
    }
}

#[test]
fn every_key_misspelt_is_refused_with_the_one_that_was_meant() {
    for key in KEYS {
        let (good, _) = samples(key.kind);
        let misspelt = format!("{}x", key.name);
        let error = loaded(&format!("[{}]\n{misspelt} = {good}", key.section), &[]).unwrap_err();
        let meant = format!("line 2: {}.{misspelt} is unknown; did you mean {}?", key.section, key.name);
        assert!(error.contains(&meant), "{error}");
        let variable = format!("{}X", key.variable());
        let error = loaded("", &[(&variable, &text_of(&good))]).unwrap_err();
        assert!(
            error.contains(&variable) && error.contains(&format!("did you mean {}?", key.variable())),
            "{error}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let file = "[htpp]\nlisten = 1\n\n[http]\ndrain_ms = \"x\"\ncount = 1\n\n[workers]\ncount = 1000\n";
    let error = loaded(file, &[("BUSBAR_LOG_LEVLE", "info"), ("BUSBAR_WORKERS_COUNT", "many")]).unwrap_err();
    for part in [
        "line 1: section [htpp] is unknown; did you mean http?",
        "line 5: http.drain_ms: \"x\" is not allowed; allowed is a whole number from 0 to 3600000",
        "line 6: http.count is unknown; did you mean workers.count?",
        "line 9: workers.count: 1000 is not allowed",
        "BUSBAR_LOG_LEVLE: it is no setting; did you mean BUSBAR_LOG_LEVEL?",
        "BUSBAR_WORKERS_COUNT: \"many\" is not allowed",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    assert_eq!(error.lines().count(), 6, "{error}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_line_and_column() {
    for (file, place) in [("[http\n", "line 1, column 6"), ("[http]\n\nlisten = \n", "line 3, column 10")] {
        let error = loaded(file, &[]).unwrap_err();
        assert!(error.contains(place) && error.contains("busbar.toml"), "{error}");
    }
    let twice = loaded("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", &[]).unwrap_err();
    assert!(twice.contains("line 3") && twice.contains("duplicate key"), "{twice}");
    let no_table = loaded("http = 3\n", &[]).unwrap_err();
    assert!(no_table.contains("line 1: http is no key but a section"), "{no_table}");
}

#[test]
fn a_token_is_not_repeated_and_what_is_no_text_is_refused() {
    let error = loaded("[admin]\ntoken = 815\n", &[]).unwrap_err();
    assert!(error.contains("admin.token") && !error.contains("815"), "{error}");
    let broken = OsString::from_vec(vec![b'/', 0xff]);
    let folder = tempfile::tempdir().unwrap();
    let environment = BTreeMap::from([("BUSBAR_LOG_DIR".to_owned(), broken)]);
    let error = load(&folder.path().join("none"), &environment).unwrap_err().to_string();
    assert!(error.contains("BUSBAR_LOG_DIR") && error.contains("not UTF-8"), "{error}");
}

/// Whoever copies a version out of the history by hand is told that its secrets are not in it.
#[test]
fn what_stands_for_a_secret_is_no_secret() {
    for file in [
        "[admin]\ntoken = \"hidden-0123456789abcdef\"\n",
        "[odb]\nurl = \"postgres://u:hidden-0123456789abcdef@h/d\"\n",
    ] {
        let error = loaded(file, &[]).unwrap_err();
        assert!(error.contains("line 2") && error.contains("config history"), "{error}");
    }
    loaded("[admin]\ntoken = \"hidden-gem\"\n", &[]).unwrap();
}

/// What is not to be repeated is hidden from the history too.
#[test]
fn the_history_keeps_no_secret_key() {
    let secret = |key: &&Key| key.name == "token" || matches!(key.kind, Kind::OdbUrl | Kind::AmqpUrl);
    for key in KEYS.iter().filter(secret) {
        let value = if key.name == "token" { "s3cret" } else { "postgres://u:s3cret@h/d" };
        let folder = tempfile::tempdir().unwrap();
        let history = busbar_history::History::open(folder.path());
        let note = busbar_history::Note::manual_edit("start");
        let text = file(*key, &Value::String(value.to_owned()));
        let entry = history.record(&text, &note, 0).unwrap().unwrap();
        assert!(!history.show(&entry.id).unwrap().contains("s3cret"), "{}", key.path());
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let settings =
        loaded("[workers]\ncount = 3\n[http]\ndrain_ms = 1", &[("BUSBAR_WORKERS_COUNT", "5")]).unwrap();
    assert_eq!((settings.workers.count, settings.http.drain_ms), (5, 1));
    let settings =
        loaded("", &[("BUSBAR_HTTP_DRAIN_IDLE_MS", "7"), ("BUSBAR_HTTP_LISTEN", "127.0.0.1:1")]).unwrap();
    assert_eq!((settings.http.drain_idle_ms, settings.http.listen.port()), (7, 1));
    let settings = loaded("", &[("BUSBAR_ADMIN_TOKEN", "12345678")]).unwrap();
    assert_eq!(settings.admin.token.as_deref(), Some("12345678"));
}
