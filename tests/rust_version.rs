//! Tests the `rust-version` that the libraries declare: no dependency may need a newer compiler than this version.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};
use std::process::Command;

use serde_json::Value;

const LIBRARIES: [&str; 3] = ["healthcheck", "healthcheck-axum", "healthcheck-macros"];

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--all-features", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the major and the minor version. Ignores the patch version, because a patch release of Rust doesn't change
/// the language.
fn version(text: &str) -> Vec<u64> {
    text.split('.')
        .take(2)
        .map(|part| part.parse().unwrap())
        .collect()
}

#[test]
fn no_dependency_of_the_libraries_asks_for_a_newer_compiler_than_they_declare() {
    let metadata = metadata();
    let packages: HashMap<&str, &Value> = list(&metadata["packages"])
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package))
        .collect();
    let nodes: HashMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let mut to_see: Vec<&str> = packages
        .iter()
        .filter(|(_, package)| LIBRARIES.contains(&package["name"].as_str().unwrap()))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(to_see.len(), LIBRARIES.len());
    let declared = packages[to_see[0]]["rust_version"].as_str().unwrap();

    let mut seen = BTreeSet::new();
    let mut newer = Vec::new();
    while let Some(id) = to_see.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages[id];
        if let Some(wanted) = package["rust_version"].as_str()
            && version(wanted) > version(declared)
        {
            newer.push(format!(
                "{} {} wants {wanted}",
                package["name"], package["version"]
            ));
        }
        for dependency in list(&nodes[id]["deps"]) {
            let is_dev = |kind: &Value| kind["kind"] == "dev";
            if !list(&dependency["dep_kinds"]).iter().all(is_dev) {
                to_see.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    assert!(newer.is_empty(), "rust-version says {declared}, but: {newer:#?}");
    assert!(seen.len() > 20, "the graph was walked");
}
