//! A service in Python.

use super::{File, name::ServiceName, scripted};

/// What `build.rs` found of the SDK and the contract, by paths in the service's folder.
const SDK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/python_files.rs"));

/// Those of the author; `{{name}}` is filled in.
const OWN: [(&str, &str); 7] = [
    ("service.py", include_str!("python/service.py.txt")),
    ("test_service.py", include_str!("python/test_service.py.txt")),
    ("cases/greet.json", include_str!("cases.json.txt")),
    (scripted::SCRIPT, include_str!("python/build.sh.txt")),
    ("requirements.txt", include_str!("../../../../plugins/sdk-python/requirements.txt")),
    ("README.md", include_str!("python/README.md.txt")),
    (".gitignore", include_str!("python/gitignore.txt")),
];

/// What is written, by paths in the service's folder.
pub(super) fn files(name: &ServiceName) -> Vec<File> {
    scripted::files(name, &OWN, SDK)
}
