//! The section `rust`: the compiler, the build and the binary. This section replaces the section `python` of the Python
//! library py-healthcheck.

use std::env;

use serde_json::{Map, Value, json};

use super::linked_packages::{self, LinkedPackages};

/// Collects the section `rust`.
///
/// `package` is the name and version of the binary's package. A library doesn't know the package of its binary. So an
/// attribute, such as `#[health_check]`, records the name and version when the binary's crate is compiled.
///
/// If the feature `auditable` is on and `cargo auditable` built the binary, the section has the key `packages`, the
/// list of linked packages. Then the binary's package in this list takes precedence over `package`.
pub(crate) fn collect(package: Option<(&str, &str)>) -> Value {
    let executable = env::current_exe().ok();
    let linked = executable.as_deref().and_then(linked_packages::of);
    let version = option_env!("HEALTHCHECK_BUILD_RUSTC");
    let mut section = Map::new();
    section.insert("version".into(), json!(version));
    section.insert("version_info".into(), json!(version.and_then(version_info)));
    section.insert("target".into(), json!(option_env!("HEALTHCHECK_BUILD_TARGET")));
    // Cargo reports "release" for every profile that inherits from `release`, and "debug" for all other profiles.
    section.insert("profile".into(), json!(option_env!("HEALTHCHECK_BUILD_PROFILE")));
    section.insert("debug_assertions".into(), json!(cfg!(debug_assertions)));
    section.insert("package".into(), describe_package(linked.as_ref(), package));
    section.insert(
        "executable".into(),
        json!(executable.map(|path| path.to_string_lossy().into_owned())),
    );
    if let Some(linked) = linked {
        section.insert("packages".into(), json!(linked.versions));
    }
    Value::Object(section)
}

fn describe_package(linked: Option<&LinkedPackages>, recorded: Option<(&str, &str)>) -> Value {
    let audited = linked.and_then(|linked| linked.root.as_ref());
    match audited
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .or(recorded)
    {
        Some((name, version)) => json!({ "name": name, "version": version }),
        None => Value::Null,
    }
}

/// Parses a line like "rustc 1.88.0-beta.3 (abcdef012 2025-05-10)" into an object with the keys that py-healthcheck
/// uses for Python's version.
fn version_info(line: &str) -> Option<Value> {
    let version = line.split_whitespace().nth(1)?;
    let (numbers, level) = version.split_once('-').unwrap_or((version, "final"));
    let mut numbers = numbers.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor, micro) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let (level, serial) = level.split_once('.').unwrap_or((level, "0"));
    Some(json!({
        "major": major,
        "minor": minor,
        "micro": micro,
        "releaselevel": level,
        "serial": serial.parse::<u32>().ok(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_compiler_and_the_target_of_this_build_are_known() {
        let section = collect(None);
        assert!(section["version"].as_str().unwrap().starts_with("rustc 1."));
        assert!(section["target"].as_str().unwrap().contains(env::consts::ARCH));
        assert!(["debug", "release"].contains(&section["profile"].as_str().unwrap()));
        assert_eq!(section["version_info"]["major"], 1);
        assert_eq!(
            section["executable"],
            env::current_exe().unwrap().to_str().unwrap()
        );
    }

    #[test]
    fn a_binary_that_was_not_audited_has_no_packages() {
        let section = collect(Some(("orders", "1.2.3")));
        assert_eq!(
            section["package"],
            json!({ "name": "orders", "version": "1.2.3" })
        );
        assert!(section.get("packages").is_none());
        assert_eq!(collect(None)["package"], Value::Null);
    }

    #[test]
    fn the_audited_root_wins_over_the_recorded_package() {
        let linked = LinkedPackages {
            root: Some(("shop".into(), "2.0.0".into())),
            versions: BTreeMap::default(),
        };
        assert_eq!(
            describe_package(Some(&linked), Some(("orders", "1.2.3"))),
            json!({ "name": "shop", "version": "2.0.0" })
        );
    }

    #[test]
    fn every_kind_of_compiler_version_is_taken_apart() {
        let level = |line| version_info(line).unwrap();
        assert_eq!(
            level("rustc 1.88.0 (6b00bc388 2025-06-23)"),
            json!({ "major": 1, "minor": 88, "micro": 0, "releaselevel": "final", "serial": 0 })
        );
        assert_eq!(
            level("rustc 1.89.0-beta.3 (abc 2025-07-01)")["releaselevel"],
            "beta"
        );
        assert_eq!(level("rustc 1.89.0-beta.3 (abc 2025-07-01)")["serial"], 3);
        assert_eq!(
            level("rustc 1.90.0-nightly (abc 2025-07-01)")["releaselevel"],
            "nightly"
        );
        for odd in ["", "rustc", "rustc 1.2", "rustc one.2.3"] {
            assert_eq!(version_info(odd), None, "{odd:?}");
        }
    }
}
