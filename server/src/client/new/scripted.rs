//! What services in languages other than Rust have in common: a script that builds them where they are.

use super::{File, name::ServiceName};

pub(super) const SCRIPT: &str = "build.sh";
pub(super) const BUILD: &str = "./build.sh";

/// The author's files, with the name in them, and those of the SDK.
pub(super) fn files(name: &ServiceName, own: &[(&str, &str)], sdk: &[(&str, &str)]) -> Vec<File> {
    let own = own.iter().map(|(path, text)| File {
        executable: *path == SCRIPT,
        ..File::new(path, text.replace("{{name}}", name.as_str()))
    });
    own.chain(sdk.iter().map(|(path, text)| File::new(path, *text))).collect()
}

/// What the build makes, from the service's folder.
pub(super) fn artifact(name: &ServiceName) -> String {
    format!("{}.wasm", name.as_str())
}
