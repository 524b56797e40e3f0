//! What stands in the files.

use crate::{
    none,
    tree::{SourceFile, files, rust_files},
};

/// Files in which unsafe code stands; each block has its `// SAFETY:`.
const UNSAFE: &[&str] = &["server/src/sys.rs", "server/wasm/src/artifact.rs"];

/// This file names what it looks for.
const SELF: &str = "tests/tidy/text.rs";

/// Lines of files that contain one of the words, but for this file.
fn lines_with(files: Vec<SourceFile>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.into_iter().filter(|file| file.path != SELF) {
        let text = file.text().unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    none("what is there is done", &lines_with(rust_files(), &["todo!", "unimplemented!", "FIXME", "XXX:"]));
}

#[test]
fn a_test_that_is_ignored_says_why() {
    none("#[ignore] has a reason", &lines_with(rust_files(), &["#[ignore]"]));
}

#[test]
fn a_silenced_lint_says_why() {
    let mut found = Vec::new();
    for file in rust_files().into_iter().filter(|file| file.path != SELF) {
        let text = file.text().unwrap_or_default();
        for word in ["#[allow(", "#[expect(", "#![allow(", "#![expect("] {
            for (at, _) in text.match_indices(word) {
                let attribute = &text[at..text[at..].find(")]").map_or(text.len(), |end| at + end)];
                if !attribute.contains("reason") {
                    found.push(format!("{}: {attribute}", file.path));
                }
            }
        }
    }
    none("a lint is silenced with a reason", &found);
}

#[test]
fn unsafe_code_stands_where_it_may() {
    let mut found = Vec::new();
    for file in rust_files().into_iter().filter(|file| file.path != SELF) {
        let text = file.text().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains("unsafe {") && !code.contains("unsafe fn") && !code.contains("unsafe impl") {
                continue;
            }
            let explained =
                lines[number.saturating_sub(6)..=number].iter().any(|above| above.contains("SAFETY:"));
            if !UNSAFE.contains(&file.path.as_str()) || !explained {
                found.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    none("unsafe code is listed here and explained there", &found);
}

/// Nothing in the repository depends on the machine that it was written on, or on where packages come from.
#[test]
fn no_machine_shows() {
    let words = [
        "/work/",
        "/root/",
        "/tmp/target",
        "/home/",
        "crates.io",
        "index.crates",
        "registry.npmjs",
        "pypi.org",
    ];
    let text_files = files().into_iter().filter(|file| file.name() != "Cargo.lock");
    none("no machine path and no registry's host", &lines_with(text_files.collect(), &words));
}

#[test]
fn each_module_says_what_it_is_for() {
    let mut found = Vec::new();
    for file in rust_files() {
        let text = file.text().unwrap_or_default();
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if !first.starts_with("//!") && !text.trim().is_empty() {
            found.push(file.path);
        }
    }
    none("a module opens with its purpose", &found);
}

#[test]
fn lines_end_as_they_should() {
    let mut found = Vec::new();
    for file in files() {
        let known = [".rs", ".toml", ".md", ".wit", ".sql", ".yml", ".yaml", ".sh", "Makefile"];
        if !known.iter().any(|end| file.path.ends_with(end)) {
            continue;
        }
        let text = file.text().unwrap_or_default();
        if text.contains('\r') || text.lines().any(|line| line.ends_with([' ', '\t'])) {
            found.push(format!("{}: space at a line's end", file.path));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            found.push(format!("{}: no line end at the end", file.path));
        }
    }
    none("files are clean", &found);
}
