//! Where files stand and how large they are.

use std::collections::BTreeSet;

use crate::{
    none,
    tree::{SourceFile, files, rust_files},
};

/// Lines of a Rust file.
const LINES_MAX: usize = 450;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

/// A thing has a name; give it that file.
const NAMELESS: [&str; 6] = ["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs"];

#[test]
fn no_module_hides_in_mod_rs() {
    let found = rust_files().into_iter().filter(|file| file.name() == "mod.rs").map(|file| file.path);
    none("foo.rs stands beside foo/", &found.collect::<Vec<_>>());
}

#[test]
fn files_have_names_that_say_something() {
    let found = rust_files().into_iter().filter(|file| NAMELESS.contains(&file.name())).map(|file| file.path);
    none("a file is named after what is in it", &found.collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for file in rust_files() {
        let lines = file.text().map_or(0, |text| text.lines().count());
        if lines > LINES_MAX && !LONGER.iter().any(|(path, _)| *path == file.path) {
            found.push(format!("{} has {lines} lines", file.path));
        }
    }
    none(&format!("{LINES_MAX} lines are enough"), &found);
    let gone = LONGER.iter().filter(|(path, _)| !files().iter().any(|file| file.path == *path));
    none(
        "an exception is for a file that exists",
        &gone.map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>(),
    );
}

/// A file that no one declares is not compiled: a test in it never runs.
#[test]
fn no_rust_file_is_forgotten() {
    let files = rust_files();
    let declared: BTreeSet<String> = files.iter().flat_map(declares).collect();
    let crates: BTreeSet<String> = crate::tree::files()
        .iter()
        .filter_map(|file| file.path.strip_suffix("Cargo.toml").map(str::to_owned))
        .collect();
    let is_root = |file: &SourceFile| {
        // Cargo takes each file of a crate's `tests` for a test of its own.
        let folder = file.path.strip_suffix(file.name()).and_then(|folder| folder.strip_suffix("tests/"));
        ["main.rs", "lib.rs", "build.rs"].contains(&file.name())
            || folder.is_some_and(|folder| crates.contains(folder))
    };
    let found = files.iter().filter(|file| !is_root(file) && !declared.contains(&file.path));
    none("each file is declared by its parent", &found.map(|file| file.path.clone()).collect::<Vec<_>>());
}

/// Paths that a file's `mod name;` stand for, also where a `#[path = "…"]` before it says another.
fn declares(file: &SourceFile) -> Vec<String> {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let folder = match file.name() {
        "main.rs" | "lib.rs" => stem.rsplit_once('/').map_or("", |(folder, _)| folder),
        _ => stem,
    };
    let text = file.text().unwrap_or_default();
    let beside = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut elsewhere = None;
    let mut declared = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.trim().strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"))
        {
            elsewhere = Some(resolved(beside, path));
        } else if let Some(name) = module(line) {
            declared.push(elsewhere.take().unwrap_or_else(|| format!("{folder}/{name}.rs")));
        }
    }
    declared
}

/// A path as it is from a folder, which it may lead out of.
fn resolved(folder: &str, path: &str) -> String {
    match (path.strip_prefix("../"), folder.rsplit_once('/')) {
        (Some(path), Some((parent, _))) => resolved(parent, path),
        _ => format!("{folder}/{path}"),
    }
}

/// The name in `pub(crate) mod name;`.
fn module(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = match line.strip_prefix("pub") {
        Some(rest) => match rest.strip_prefix('(') {
            Some(inner) => inner.split_once(')')?.1.trim_start(),
            None => rest.trim_start(),
        },
        None => line,
    };
    let name = rest.strip_prefix("mod ")?.strip_suffix(';')?.trim();
    Some(name.strip_prefix("r#").unwrap_or(name))
}

#[test]
fn declarations_are_read() {
    assert_eq!(module("mod a;"), Some("a"));
    assert_eq!(module("    pub(crate) mod b_c;"), Some("b_c"));
    assert_eq!(module("pub mod r#type;"), Some("type"));
    assert_eq!(module("mod tests {"), None);
    assert_eq!(module("// mod a;"), None);
    assert_eq!(resolved("a/b/c", "../d/e.rs"), "a/b/d/e.rs");
    assert_eq!(resolved("a/b", "c.rs"), "a/b/c.rs");
}

/// Declarations and re-exports only.
#[test]
fn lib_rs_and_main_rs_hold_little() {
    let mut found = Vec::new();
    for file in rust_files() {
        let lines = file.text().map_or(0, |text| text.lines().count());
        if file.path == "server/src/main.rs" && lines >= 80 {
            found.push(format!("{} has {lines} lines", file.path));
        }
    }
    none("main.rs stays under 80 lines", &found);
}
