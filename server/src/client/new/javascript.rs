//! A service in JavaScript.

use super::{File, name::ServiceName, scripted};

/// What `build.rs` found of the SDK and the contract, by paths in the service's folder.
const SDK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/javascript_files.rs"));

/// Those of the author; `{{name}}` is filled in.
const OWN: [(&str, &str); 6] = [
    ("service.js", include_str!("javascript/service.js.txt")),
    ("service.test.js", include_str!("javascript/service.test.js.txt")),
    ("cases/greet.json", include_str!("cases.json.txt")),
    (scripted::SCRIPT, include_str!("javascript/build.sh.txt")),
    ("README.md", include_str!("javascript/README.md.txt")),
    (".gitignore", include_str!("javascript/gitignore.txt")),
];

/// What builds services, as the examples of this repository have it, but for the name.
const BUILD: [(&str, &str); 3] = [
    ("build.mjs", include_str!("../../../../plugins/sdk-javascript/build.mjs")),
    ("package.json", include_str!("../../../../plugins/sdk-javascript/package.json")),
    ("package-lock.json", include_str!("../../../../plugins/sdk-javascript/package-lock.json")),
];
/// The name that they have there.
const NAMELESS: &str = r#""name": "busbar-service""#;

/// What is written, by paths in the service's folder.
pub(super) fn files(name: &ServiceName) -> Vec<File> {
    let mut files = scripted::files(name, &OWN, SDK);
    let named = format!(r#""name": "{}""#, name.as_str());
    files.extend(BUILD.iter().map(|(path, text)| File::new(path, text.replace(NAMELESS, &named))));
    files
}
