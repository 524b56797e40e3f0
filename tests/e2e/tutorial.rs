//! `docs/tutorial.md` as a reader follows it: every command, in one shell.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use busbar_test_databases::{Kind, Server, free_port};
use busbar_tests::{
    Folder,
    artifact::{self, repository},
    process,
};
use nix::sys::signal::Signal;

/// All of it, on a machine that is busy.
const BOUND: Duration = Duration::from_secs(120);

/// The blocks of one language, each with the text before it.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<(&'t str, &'t str)> {
    let fence = format!("\n```{language}\n");
    let mut parts = text.split(fence.as_str());
    let mut before = parts.next().unwrap();
    let mut found = Vec::new();
    for part in parts {
        let (block, after) = part.split_once("\n```").unwrap();
        found.push((before, block));
        before = after;
    }
    found
}

fn tutorial() -> String {
    fs::read_to_string(repository().join("docs/tutorial.md")).unwrap()
}

#[test]
fn the_tutorial_shows_what_stands_in_the_sources() {
    let text = tutorial();
    let shown = blocks(&text, "rust");
    assert!(shown.len() >= 3);
    for (before, block) in shown {
        let (_, named) = before.rsplit_once("(`plugins/").expect("a file is named");
        let (path, _) = named.split_once('`').unwrap();
        let source = fs::read_to_string(repository().join("plugins").join(path)).unwrap();
        assert!(source.contains(block), "{path} does not have:\n{block}");
    }
}

#[test]
fn every_command_of_the_tutorial_works() {
    let database = Server::start(Kind::Postgres);
    database.sql(None, "CREATE ROLE shop LOGIN PASSWORD 'shop'");
    database.sql(None, "CREATE DATABASE stock OWNER shop");
    let folder = Folder::default();
    let root = folder.root();
    let bin = root.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(artifact::binary(), bin.join("busbar")).unwrap();
    symlink(repository().join("bin/services"), bin.join("services")).unwrap();
    symlink(repository().join("plugins"), root.join("plugins")).unwrap();
    let (http, partner) = (free_port(), free_port());
    let text = tutorial();
    let commands: Vec<&str> = blocks(&text, "sh").into_iter().map(|(_, block)| block).collect();
    let script = commands
        .join("\n")
        .replace(
            "--services bin/services",
            &format!("--services bin/services --http 127.0.0.1:{http} --admin 127.0.0.1:0"),
        )
        .replace("11223", &http.to_string())
        .replace("8700", &partner.to_string())
        .replace("5432", &database.port().to_string());
    let outcome = run(&folder, &format!("set -euo pipefail\n{script}\necho the tutorial is over\n"));
    assert!(outcome.ends_with("the tutorial is over\n"), "{outcome}");
}

/// What the shell says. Its processes end with the folder.
fn run(folder: &Folder, script: &str) -> String {
    let root = folder.root();
    fs::write(root.join("tutorial.sh"), script).unwrap();
    let said = fs::File::create(root.join("said")).unwrap();
    let mut command = folder.command("bash");
    command.arg("-x").arg("tutorial.sh");
    let mut child = command.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > BOUND {
            process::signal(child.id(), Signal::SIGKILL);
            let _ = child.wait();
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::read_to_string(root.join("said")).unwrap()
}
