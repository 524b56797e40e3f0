//! Lists what `busbar new` writes of the SDKs and of the contract, as they are when the binary is built.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// A folder, where it is written to in the folder of the service, and what of it is not an author's concern.
type Tree = (&'static str, &'static str, &'static [&'static str]);

/// The table of each language.
const TABLES: [(&str, &[Tree]); 3] = [
    (
        "rust_files.rs",
        &[
            ("plugins/sdk", "busbar-sdk/", &["tests", "target", "wit"]),
            ("plugins/wit", "busbar-sdk/wit/", &[]),
        ],
    ),
    (
        "python_files.rs",
        &[
            ("plugins/sdk-python/busbar_sdk", "busbar_sdk/", &["wit"]),
            ("plugins/wit", "busbar_sdk/wit/", &[]),
        ],
    ),
    (
        "javascript_files.rs",
        &[
            ("plugins/sdk-javascript/busbar-sdk", "busbar-sdk/", &["wit"]),
            ("plugins/wit", "busbar-sdk/wit/", &[]),
        ],
    ),
];

/// What builds leave in such folders.
const LEFT_OVERS: [&str; 4] = ["Cargo.lock", "target", "__pycache__", "node_modules"];

fn main() -> io::Result<()> {
    let root = folder("CARGO_MANIFEST_DIR")?.join("..").canonicalize()?;
    for (table, trees) in TABLES {
        let mut files = Vec::new();
        for (tree, to, without) in trees {
            let tree = root.join(tree);
            println!("cargo::rerun-if-changed={}", tree.display());
            collect(&tree, to, without, &mut files)?;
        }
        files.sort();
        let entries = files.iter().map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n"));
        fs::write(folder("OUT_DIR")?.join(table), format!("[\n{}]\n", entries.collect::<String>()))?;
    }
    Ok(())
}

fn folder(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{variable} is not set")))
}

/// All files below `folder`, by the path that they are written to.
fn collect(folder: &Path, to: &str, without: &[&str], files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || without.contains(&name.as_str()) || LEFT_OVERS.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{to}{name}/"), &[], files)?;
        } else {
            files.push((format!("{to}{name}"), entry.path()));
        }
    }
    Ok(())
}
