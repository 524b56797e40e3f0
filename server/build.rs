//! Lists what `busbar new` writes of the SDK and of the contract, as they are when the binary is built.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// A folder, where it is written to in the folder of the SDK, and what of it is not an author's concern.
const TREES: [(&str, &str, &[&str]); 2] =
    [("plugins/sdk", "", &["tests", "target", "wit"]), ("plugins/wit", "wit/", &[])];
const TABLE: &str = "sdk_files.rs";

fn main() -> io::Result<()> {
    let root = folder("CARGO_MANIFEST_DIR")?.join("..").canonicalize()?;
    let mut files = Vec::new();
    for (tree, to, without) in TREES {
        let tree = root.join(tree);
        println!("cargo::rerun-if-changed={}", tree.display());
        collect(&tree, to, without, &mut files)?;
    }
    files.sort();
    let entries = files.iter().map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n"));
    let table = format!("[\n{}]\n", entries.collect::<String>());
    fs::write(folder("OUT_DIR")?.join(TABLE), table)
}

fn folder(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{variable} is not set")))
}

/// All files below `folder`, by the path that they are written to.
fn collect(folder: &Path, to: &str, without: &[&str], files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || without.contains(&name.as_str()) || name == "Cargo.lock" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{to}{name}/"), &["target"], files)?;
        } else {
            files.push((format!("{to}{name}"), entry.path()));
        }
    }
    Ok(())
}
