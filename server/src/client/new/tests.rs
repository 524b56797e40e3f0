//! What is written, without building it.

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

fn new_service(name: &str, folder: &Path, json: bool, more: &[&str]) -> (u8, String, String) {
    let (output, out, err) = recorded(json, None);
    let mut session = Session::new(Locator::new(None, |_| None), PathBuf::new(), output);
    let words = [&["new", "service", name, "--dir", folder.to_str().unwrap()][..], more].concat();
    let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command);
    (conclude(&mut session.output, outcome), out.text(), err.text())
}

#[test]
fn the_whole_sdk_goes_with_a_service() {
    let folder = tempfile::tempdir().unwrap();
    let service = folder.path().join("a/web-shop");
    let (code, out, err) = new_service("web-shop", &service, false, &[]);
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
    let (code, out, _) = new_service("shop", folder.path(), true, &[]);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, value["artifact"].as_str()), (0, Some("target/wasm32-wasip2/release/shop.wasm")));
    fs::write(folder.path().join("src/lib.rs"), "mine").unwrap();
    let (code, _, said) = new_service("shop", folder.path(), false, &[]);
    assert!(code == 2 && said.contains("is not empty"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("src/lib.rs")).unwrap(), "mine");
    let (code, ..) = new_service("shop", &folder.path().join("src/lib.rs"), false, &[]);
    assert_eq!(code, 2);
}

#[test]
fn every_language_brings_its_sdk_and_a_script_that_builds() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (language, sdk, source, parts) in [
        (
            "python",
            "busbar_sdk",
            "plugins/sdk-python/busbar_sdk",
            &[("service.py", "Plugin(\"web-shop\""), ("requirements.txt", "componentize-py==")][..],
        ),
        (
            "javascript",
            "busbar-sdk",
            "plugins/sdk-javascript/busbar-sdk",
            &[
                ("service.js", "name: 'web-shop'"),
                ("package.json", "\"name\": \"web-shop\""),
                ("package-lock.json", "\"name\": \"web-shop\""),
                ("build.mjs", "componentize"),
                ("busbar-sdk/testing/bus/kv.js", "busbar:bus/kv"),
            ][..],
        ),
    ] {
        let service = folder.path().join(language);
        let (code, out, err) = new_service("web-shop", &service, true, &["--lang", language]);
        assert_eq!(code, 0, "{err}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (value["language"].as_str(), value["build"].as_str(), value["artifact"].as_str()),
            (Some(language), Some("./build.sh"), Some("web-shop.wasm"))
        );
        let script = fs::metadata(service.join("build.sh")).unwrap();
        assert_eq!(script.permissions().mode() & 0o111, 0o111, "{language}");
        for (from, to) in [(source, sdk.to_owned()), ("plugins/wit", format!("{sdk}/wit"))] {
            for entry in fs::read_dir(repository.join(from)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let written = fs::read(service.join(&to).join(entry.file_name())).unwrap();
                    assert_eq!(written, fs::read(entry.path()).unwrap(), "{:?}", entry.path());
                }
            }
        }
        let common = [
            ("cases/greet.json", "web-shop.greet"),
            ("README.md", "web-shop.wasm"),
            (".gitignore", "*.wasm"),
        ];
        for (file, part) in common.iter().chain(parts) {
            let text = fs::read_to_string(service.join(file)).unwrap();
            assert!(text.contains(part) && !text.contains("{{"), "{file}: {text}");
        }
        assert!(!service.join(sdk).join("__pycache__").exists());
    }
}

#[test]
fn a_name_that_cannot_be_is_refused() {
    for name in ["Shop", "1shop", "-x", "a_b", "a.b", "shöp", ""] {
        assert!(Line::try_parse_from(["new", "service", name]).is_err(), "{name}");
    }
    for words in [["a", "--lang", "cobol"], ["a", "--language", "cobol"]] {
        let error =
            Line::try_parse_from([&["new", "service"][..], &words[..]].concat()).err().unwrap().to_string();
        assert!(error.contains("rust, python, javascript"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["fn", "test", "busbar-sdk"] {
        let (code, _, said) = new_service(name, &folder.path().join(name), false, &[]);
        assert!(code == 2 && said.contains("another use of that name"), "{said}");
        assert!(!folder.path().join(name).exists());
    }
    // The compiler's words are nobody else's.
    assert_eq!(new_service("test", &folder.path().join("test"), false, &["--language", "python"]).0, 0);
}
