//! Which crate may depend on which.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::{
    none,
    tree::{files, root},
};

/// What a crate of ours may use of ours. A crate that is not named here is refused, so that a new one is decided
/// upon.
const ALLOWED: &[(&str, &[&str])] = &[
    ("busbar-schedule", &[]),
    ("busbar-model", &["busbar-schedule"]),
    ("busbar-soap", &["busbar-model"]),
    ("busbar-engine", &["busbar-model", "busbar-soap"]),
    ("busbar-store", &["busbar-model", "busbar-soap", "busbar-test-databases"]),
    ("busbar-wasm", &["busbar-model", "busbar-engine"]),
    ("busbar-amqp", &["busbar-test-broker"]),
    ("busbar-egress", &["busbar-model", "busbar-test-cost"]),
    ("busbar-sql", &["busbar-model", "busbar-test-cost", "busbar-test-databases"]),
    ("busbar-pki", &[]),
    ("busbar-registrar", &["busbar-model", "busbar-pki", "busbar-store"]),
    ("busbar-history", &[]),
    (
        "busbar-admin",
        &[
            "busbar-lb-config",
            "busbar-model",
            "busbar-pki",
            "busbar-registrar",
            "busbar-soap",
            "busbar-store",
        ],
    ),
    ("busbar-lb-config", &[]),
    ("busbar-lb-agent", &["busbar-lb-config"]),
    (
        "busbar",
        &[
            "busbar-model",
            "busbar-soap",
            "busbar-engine",
            "busbar-store",
            "busbar-wasm",
            "busbar-amqp",
            "busbar-egress",
            "busbar-sql",
            "busbar-history",
            "busbar-pki",
            "busbar-registrar",
            "busbar-lb-agent",
            "busbar-lb-config",
            "busbar-admin",
        ],
    ),
    ("busbar-sdk", &["busbar-sdk-macros"]),
    ("busbar-sdk-macros", &["busbar-sdk"]),
    ("busbar-test-broker", &[]),
    ("busbar-test-cost", &[]),
    ("busbar-test-databases", &[]),
    (
        "busbar-tests",
        &[
            "busbar-model",
            "busbar-soap",
            "busbar-amqp",
            "busbar-test-broker",
            "busbar-test-cost",
            "busbar-test-databases",
        ],
    ),
    ("echo", &["busbar-sdk"]),
    ("greeter", &["busbar-sdk"]),
    ("mailer", &["busbar-sdk"]),
    ("orders", &["busbar-sdk"]),
    ("prices", &["busbar-sdk"]),
    ("wasi-http", &[]),
    ("faulty", &["busbar-sdk"]),
    ("hostile", &["busbar-sdk"]),
    ("hostile-http", &[]),
    ("keeper", &["busbar-sdk"]),
    ("reacher", &["busbar-sdk"]),
    ("shapes", &["busbar-sdk"]),
    ("versioned", &["busbar-sdk"]),
];

/// Heavy dependencies, each with the one crate that may name it.
const WRAPPED: &[(&str, &str)] = &[
    ("diesel", "busbar-store"),
    ("libsqlite3-sys", "busbar-store"),
    ("wasmtime", "busbar-wasm"),
    ("lapin", "busbar-amqp"),
    ("async-rs", "busbar-amqp"),
    ("aes-gcm", "busbar-store"),
    ("quick-xml", "busbar-soap"),
    ("x509-parser", "busbar-pki"),
    ("gix", "busbar-history"),
    ("chrono-tz", "busbar-schedule"),
    ("croner", "busbar-schedule"),
    ("tokio-postgres", "busbar-sql"),
    ("mysql_async", "busbar-sql"),
    ("rusqlite", "busbar-sql"),
];

/// What the benchmark uses bare, to set the bus beside it.
const FLOORS: &[(&str, &str)] = &[("lapin", "busbar-tests"), ("rusqlite", "busbar-tests")];

/// The SDK is copied beside crates of authors, where there is no workspace to inherit from.
const COPIED: &str = "plugins/sdk/";

struct Manifest {
    path: String,
    package: String,
    dependencies: BTreeSet<String>,
    table: Table,
}

fn manifests() -> Vec<Manifest> {
    let found = files().into_iter().filter(|file| file.name() == "Cargo.toml" && file.path != "Cargo.toml");
    found
        .filter_map(|file| {
            let table: Table = file.text()?.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
            let package = table.get("package")?.get("name")?.as_str()?.to_owned();
            let dependencies = dependencies(&table);
            Some(Manifest { path: file.path, package, dependencies, table })
        })
        .collect()
}

/// Dependencies of all kinds and for all targets.
fn specifications(table: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let targets =
        table.get("target").and_then(Value::as_table).into_iter().flat_map(|targets| targets.values());
    let tables = targets.filter_map(Value::as_table).chain([table]);
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables.flat_map(move |table| kinds.into_iter().filter_map(|kind| table.get(kind)?.as_table())).flatten()
}

/// By the name that they are declared under.
fn dependencies(table: &Table) -> BTreeSet<String> {
    specifications(table).map(|(name, _)| name.clone()).collect()
}

/// The table of that name in the root manifest.
fn workspace() -> Table {
    let root: Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    root["workspace"].as_table().unwrap().clone()
}

#[test]
fn crates_depend_one_way() {
    let manifests = manifests();
    let ours: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.package.as_str()).collect();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut found = Vec::new();
    for Manifest { path, package, dependencies, .. } in &manifests {
        let Some(allowed) = allowed.get(package.as_str()) else {
            found.push(format!("{path}: {package} is a crate that nobody decided upon"));
            continue;
        };
        for dependency in dependencies.iter().filter(|name| ours.contains(name.as_str())) {
            if !allowed.contains(&dependency.as_str()) {
                found.push(format!("{path}: {package} → {dependency}"));
            }
        }
    }
    none("dependencies run one way", &found);
}

#[test]
fn heavy_dependencies_have_one_crate_each() {
    let mut found = Vec::new();
    for Manifest { path, package, dependencies, .. } in manifests() {
        for dependency in dependencies {
            let of_family = |heavy: &str| {
                dependency
                    .strip_prefix(heavy)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            };
            if let Some((_, owner)) =
                WRAPPED.iter().find(|(heavy, owner)| of_family(heavy) && *owner != package)
                && !FLOORS.contains(&(dependency.as_str(), package.as_str()))
            {
                found.push(format!("{path}: {dependency} belongs to {owner}"));
            }
        }
    }
    none("a heavy dependency is wrapped by one crate", &found);
}

/// The contract stands on nothing.
#[test]
fn wit_is_no_crate() {
    let wit = files()
        .into_iter()
        .filter(|file| file.path.starts_with("plugins/wit/") && !file.path.ends_with(".wit"));
    let found = wit.filter(|file| file.name() != "README.md").map(|file| file.path).collect::<Vec<_>>();
    none("plugins/wit holds WIT", &found);
}

#[test]
fn versions_stand_in_one_place() {
    let mut found = Vec::new();
    for Manifest { path, table, .. } in
        manifests().into_iter().filter(|manifest| !manifest.path.starts_with(COPIED))
    {
        for (name, spec) in specifications(&table) {
            if spec.get("workspace").and_then(Value::as_bool) != Some(true) {
                found.push(format!("{path}: {name}"));
            }
        }
        if table.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            found.push(format!("{path}: the workspace's lints"));
        }
    }
    none("a member inherits from the workspace", &found);
}

/// What a crate that does not inherit says twice must be the same.
#[test]
fn copied_crates_have_the_same_versions() {
    let workspace = workspace();
    let version = |spec: &Value| spec.as_str().or_else(|| spec.get("version")?.as_str()).map(str::to_owned);
    let mut found = Vec::new();
    for Manifest { path, table, .. } in
        manifests().into_iter().filter(|manifest| manifest.path.starts_with(COPIED))
    {
        for (name, spec) in specifications(&table) {
            let ours = workspace["dependencies"].get(name).and_then(version);
            if let (Some(theirs), Some(ours)) = (version(spec), ours)
                && theirs != ours
            {
                found.push(format!("{path}: {name} {theirs}, not {ours}"));
            }
        }
        for key in ["version", "edition", "rust-version", "license"] {
            if table["package"].get(key) != workspace["package"].get(key) {
                found.push(format!("{path}: {key}"));
            }
        }
    }
    none("a crate that inherits nothing says the same", &found);
}

/// A crate that is no member is neither built nor tested.
#[test]
fn every_crate_is_a_member() {
    let workspace = workspace();
    let members: Vec<&str> =
        workspace["members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let folders = manifests()
        .into_iter()
        .filter_map(|manifest| Some(manifest.path.strip_suffix("/Cargo.toml")?.to_owned()));
    let found: Vec<String> = folders.filter(|folder| !members.contains(&folder.as_str())).collect();
    none("each crate is a member of the workspace", &found);
}
