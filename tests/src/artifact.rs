//! Where the things under test are: the binary and the services that `make build` made.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The root of this repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate stands in the repository's root").to_owned()
}

/// The `busbar` to test: `BUSBAR_BIN` (the file, or the folder it is in), else `bin/busbar`.
pub fn binary() -> PathBuf {
    let given = env::var_os("BUSBAR_BIN").map(PathBuf::from);
    let file = match given {
        Some(folder) if folder.is_dir() => folder.join("busbar"),
        Some(file) => file,
        None => repository().join("bin/busbar"),
    };
    assert!(file.is_file(), "{} does not exist: run `make build`", file.display());
    file
}

/// The file of a service: `NAME.wasm` in the folders of `BUSBAR_SERVICES` (separated by colons), else in
/// `bin/services`, `bin/test-services` and `bin/language-services`.
pub fn service_file(name: &str) -> PathBuf {
    let bin = repository().join("bin");
    let mut folders: Vec<PathBuf> = env::var_os("BUSBAR_SERVICES")
        .iter()
        .flat_map(|list| env::split_paths(list).collect::<Vec<_>>())
        .collect();
    folders.extend(["services", "test-services", "language-services"].map(|folder| bin.join(folder)));
    let file = format!("{name}.wasm");
    let found = folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{file} is in none of {folders:?}: run `make build test-services language-services`")
    })
}

/// The bytes of a service's file.
pub fn service(name: &str) -> Vec<u8> {
    let path = service_file(name);
    fs::read(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
}
