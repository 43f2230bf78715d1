//! The packages that `cargo auditable` recorded in the binary.

use std::collections::BTreeMap;
use std::path::Path;

/// The packages that the binary contains.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LinkedPackages {
    /// The name and version of the binary's own package.
    pub(crate) root: Option<(String, String)>,
    /// Maps the name of each package to its version. If the binary contains several versions of a package, the value
    /// lists the versions with `", "` between them. Build dependencies aren't linked, so the map doesn't contain them.
    pub(crate) versions: BTreeMap<String, String>,
}

#[cfg(not(feature = "auditable"))]
pub(crate) const fn of(_executable: &Path) -> Option<LinkedPackages> {
    None
}

/// Returns the packages recorded in the executable. The first call reads the whole executable. Later calls return the
/// same packages, because a running binary doesn't change.
#[cfg(feature = "auditable")]
pub(crate) fn of(executable: &Path) -> Option<LinkedPackages> {
    use std::sync::OnceLock;
    static PACKAGES: OnceLock<Option<LinkedPackages>> = OnceLock::new();
    PACKAGES.get_or_init(|| auditable::read(executable)).clone()
}

#[cfg(feature = "auditable")]
mod auditable {
    use std::path::Path;

    use serde::Deserialize;

    use super::LinkedPackages;

    /// The largest executable to read, in bytes. A larger executable usually has debug information. Reading it could
    /// exceed the memory of a container, and the list of packages isn't worth that risk.
    const LARGEST_EXECUTABLE: usize = 128 * 1024 * 1024;
    const LARGEST_LIST: usize = 8 * 1024 * 1024;

    pub(super) fn read(executable: &Path) -> Option<LinkedPackages> {
        let limits = auditable_info::Limits {
            input_file_size: LARGEST_EXECUTABLE,
            decompressed_json_size: LARGEST_LIST,
        };
        let length = std::fs::metadata(executable).ok()?.len();
        if length > LARGEST_EXECUTABLE as u64 {
            return None;
        }
        parse(&auditable_info::json_from_file(executable, limits).ok()?)
    }

    pub(super) fn parse(json: &str) -> Option<LinkedPackages> {
        let list: List = serde_json::from_str(json).ok()?;
        let mut linked = LinkedPackages::default();
        for package in list
            .packages
            .into_iter()
            .filter(|package| package.kind != "build")
        {
            if package.root {
                linked.root = Some((package.name.clone(), package.version.clone()));
            }
            linked
                .versions
                .entry(package.name)
                .and_modify(|versions| {
                    versions.push_str(", ");
                    versions.push_str(&package.version);
                })
                .or_insert(package.version);
        }
        Some(linked)
    }

    /// The list of packages that `cargo auditable` recorded, with only the fields that the section `rust` needs.
    /// cargo-auditable's `PARSING.md` describes the format.
    #[derive(Deserialize)]
    struct List {
        packages: Vec<Package>,
    }

    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        #[serde(default)]
        kind: String,
        #[serde(default)]
        root: bool,
    }
}

#[cfg(all(test, feature = "auditable"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_linked_packages_are_listed_and_build_dependencies_are_not() {
        let linked = auditable::parse(
            r#"{"packages":[
                {"name":"cc","version":"1.0.1","source":"crates.io","kind":"build"},
                {"name":"orders","version":"0.3.0","source":"local","dependencies":[0,2],"root":true},
                {"name":"syn","version":"1.0.109","source":"crates.io"},
                {"name":"syn","version":"2.0.1","source":"crates.io"}]}"#,
        )
        .unwrap();
        assert_eq!(linked.root, Some(("orders".into(), "0.3.0".into())));
        assert_eq!(
            linked.versions,
            BTreeMap::from([
                ("orders".into(), "0.3.0".into()),
                ("syn".into(), "1.0.109, 2.0.1".into())
            ])
        );
    }

    #[test]
    fn what_is_no_list_gives_none() {
        assert_eq!(auditable::parse("{}"), None);
        assert_eq!(auditable::read(Path::new("/nonexistent")), None);
        assert_eq!(auditable::read(&std::env::current_exe().unwrap()), None);
    }
}
