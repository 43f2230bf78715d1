//! Tests the library's HTML pages in a browser. `pages.test.mjs` controls headless Chromium with playwright-core. It
//! validates the pages with axe-core, pa11y and vnu (validator.nu).
//!
//! `.ci/install-clients` installs all these programs. If a program is missing, the test fails.
//!
//! The test writes screenshots of the pages to `target/screenshots`.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_pages_do_in_a_browser_what_they_promise() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let clients =
        std::env::var_os("HEALTHCHECK_CLIENTS").map_or_else(|| root.join("target/clients"), Into::into);
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"])
        .arg(root.join("tests/e2e_browser/pages.test.mjs"))
        .env("SUBJECT", env!("CARGO_BIN_EXE_subject"))
        .env("CLIENTS", clients)
        .env("SCREENSHOTS", root.join("target/screenshots"));
    let output = node
        .output()
        .unwrap_or_else(|error| panic!("node: {error}; .ci/install-clients installs it"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{said}");
    assert!(output.status.success(), "{said}");
}
