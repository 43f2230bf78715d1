//! schemathesis asks by our OpenAPI document whatever it allows and much that it doesn't, and finds nothing that isn't as
//! the document says. `.ci/install-clients` installs it.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends when it is dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn schemathesis_finds_nothing_in_two_thousand_requests() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_subject"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _service = Service(process);
    let address = line.trim().strip_prefix("listening ").unwrap();

    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clients = std::env::var_os("HEALTHCHECK_CLIENTS")
        .map_or_else(|| tests.join("../target/clients"), PathBuf::from);
    let schemathesis = clients.join("python/bin/schemathesis");
    let run = |arguments: &[&str]| {
        let output = Command::new(&schemathesis)
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .output();
        let output = output.unwrap_or_else(|error| {
            panic!(
                "{}: {error}; .ci/install-clients installs it",
                schemathesis.display()
            )
        });
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    println!("against {}", run(&["--version"]).1.trim());
    let document = format!("http://{address}/healthcheck/openapi.json");
    let configuration = tests.join("e2e_openapi/schemathesis.toml");
    let (found_nothing, said) = run(&[
        "--config-file",
        configuration.to_str().unwrap(),
        "run",
        &document,
        "--checks=all",
        "--phases=coverage,fuzzing",
        "--max-examples=60",
        "--seed=1",
        "--no-color",
    ]);
    assert!(found_nothing, "{said}");
    // "2424 generated, 2424 passed"
    let counted = said
        .lines()
        .find_map(|line| line.trim().split_once(" generated, "));
    let (generated, passed) = counted.unwrap();
    println!("{generated} requests, {passed}");
    assert!(generated.parse::<u32>().unwrap() >= 2_000, "{said}");
    assert_eq!(passed, format!("{generated} passed"), "{said}");
}
