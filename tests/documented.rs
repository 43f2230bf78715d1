//! Tests that every example of a check that connects to another machine is `external`, because users copy the examples.
//! The test reads the examples in the README, the docs, `examples` and the doc comments.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Parts of calls that connect to another machine. The list contains no call that only opens a database file.
const ASKS: [&str; 9] = [
    "connect(",
    ".ping(",
    "checks::tcp(",
    "checks::dns(",
    "checks::http(",
    "checks::redis(",
    "checks::tls(",
    "checks::upstream(",
    "checks::tonic(",
];

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|ending| ending == "rs" || ending == "md")
        {
            found.push(path);
        }
    }
}

/// Returns the text of the file, without the markers of comments at the beginnings of lines.
fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let bare = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"))
            .unwrap_or(line);
        bare.trim()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_check_of_another_machine_is_external_in_all_that_people_copy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = vec![root.join("README.md"), root.join("SECURITY.md")];
    for folder in [
        "docs",
        "examples",
        "healthcheck/src",
        "healthcheck-axum/src",
        "healthcheck-macros/src",
    ] {
        files(&root.join(folder), &mut found);
    }
    let mut asking = 0;
    for path in found {
        let text = read(&path);
        // `check` begins with the options of an attribute, and ends with the function below the attribute.
        for check in text.split("#[health_check").skip(1) {
            let end = check.find("\n}").map_or(check.len(), |end| end + 2);
            let check = &check[..end];
            let Some((attribute, function)) = check.split_once("]\n") else {
                continue;
            };
            if ASKS.iter().any(|asks| function.contains(asks)) {
                asking += 1;
                assert!(
                    attribute.contains("external"),
                    "{}: #[health_check{check}",
                    path.display()
                );
            }
        }
    }
    assert!(asking >= 10, "{asking}");
}
