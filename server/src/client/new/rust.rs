//! A service in Rust.

use super::{File, name::ServiceName};

pub(super) const BUILD: &str = "cargo build --release --target wasm32-wasip2";

/// What `build.rs` found of the SDK and the contract, by paths in the crate's folder.
const SDK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/rust_files.rs"));

/// Those of the author; `{{name}}` and `{{file}}` are filled in.
const OWN: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    (".gitignore", "/target\n"),
    ("rust-toolchain.toml", include_str!("../../../../rust-toolchain.toml")),
];

/// Names of which Cargo, the compiler or the SDK have another use.
const TAKEN: [&str; 56] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "busbar-sdk",
    "busbar-sdk-macros",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
];

/// What is written, by paths in the crate's folder.
pub(super) fn files(name: &ServiceName) -> Vec<File> {
    let filled = |text: &str| text.replace("{{name}}", name.as_str()).replace("{{file}}", &name.file());
    let own = OWN.iter().map(|(path, text)| File::new(path, filled(text)));
    own.chain(SDK.iter().map(|(path, text)| File::new(path, *text))).collect()
}

/// Why a crate can't have this name.
pub(super) fn refusal(name: &ServiceName) -> Option<&'static str> {
    TAKEN.contains(&name.as_str()).then_some("the compiler has another use of that name")
}

/// What the build makes, from the crate's folder.
pub(super) fn artifact(name: &ServiceName) -> String {
    format!("target/wasm32-wasip2/release/{}.wasm", name.file())
}
