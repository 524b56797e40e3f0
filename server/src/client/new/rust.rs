//! A service in Rust.

use super::name::CrateName;

pub(super) const BUILD: &str = "cargo build --release --target wasm32-wasip2";

/// What `build.rs` found of the SDK and the contract, by paths in the folder of the SDK.
const SDK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));
const SDK_FOLDER: &str = "busbar-sdk";

/// Those of the author; `{{name}}` and `{{file}}` are filled in.
const OWN: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    (".gitignore", "/target\n"),
    ("rust-toolchain.toml", include_str!("../../../../rust-toolchain.toml")),
];

/// What is written, by paths in the crate's folder.
pub(super) fn files(name: &CrateName) -> Vec<(String, String)> {
    let own = OWN.iter().map(|(path, text)| {
        let text = text.replace("{{name}}", name.as_str()).replace("{{file}}", &name.file());
        ((*path).to_owned(), text)
    });
    let sdk = SDK.iter().map(|(path, text)| (format!("{SDK_FOLDER}/{path}"), (*text).to_owned()));
    own.chain(sdk).collect()
}

/// What the build makes, from the crate's folder.
pub(super) fn artifact(name: &CrateName) -> String {
    format!("target/wasm32-wasip2/release/{}.wasm", name.file())
}
