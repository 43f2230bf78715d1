//! Tests the library's OpenAPI document with two programs. openapi-spec-validator validates the document. schemathesis
//! sends requests that it generates from the document, and validates the answers against the document.
//!
//! `.ci/install-clients` installs both programs.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The service under test, which runs as a child process and executes commands from the test. Dropping this value ends
/// the process.
struct Service {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Service {
    /// Starts the service as a child process. Returns the service and the address on which it listens.
    fn start() -> (Self, String) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_subject"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut service = Self {
            commands: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        let line = service.line();
        let address = line.strip_prefix("listening ").unwrap().to_owned();
        (service, address)
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        assert_eq!(self.line(), "done");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a program that `.ci/install-clients` has installed. Returns whether the program succeeded, and its output.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let clients = std::env::var_os("HEALTHCHECK_CLIENTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients"),
        PathBuf::from,
    );
    let program = clients.join("python/bin").join(program);
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(&program)
        .args(arguments)
        .current_dir(&folder)
        .output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}; .ci/install-clients installs it", program.display()));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), said)
}

/// Runs schemathesis for the service at this address. Asserts that schemathesis finds no error. Returns the number of
/// requests that schemathesis has sent.
fn asked(address: &str) -> u32 {
    let document = format!("http://{address}/healthcheck/openapi.json");
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e_openapi/schemathesis.toml");
    let (found_nothing, said) = run(
        "schemathesis",
        &[
            "--config-file",
            configuration.to_str().unwrap(),
            "run",
            &document,
            "--checks=all",
            "--phases=coverage,fuzzing",
            "--max-examples=15",
            "--seed=1",
            "--no-color",
        ],
    );
    assert!(found_nothing, "{said}");
    // schemathesis prints a line such as "2424 generated, 2424 passed".
    let counted = said
        .lines()
        .find_map(|line| line.trim().split_once(" generated, "));
    let (generated, passed) = counted.unwrap();
    assert_eq!(passed, format!("{generated} passed"), "{said}");
    generated.parse().unwrap()
}

#[test]
fn schemathesis_finds_nothing_in_two_thousand_requests() {
    println!("against {}", run("schemathesis", &["--version"]).1.trim());
    let (mut service, address) = Service::start();
    let while_all_pass = asked(&address);
    // After the three commands below, the answer depends on which checks a request selects. A request for all checks
    // gets a 503, and requests for some selections get a 200 with a warning.
    service.tell("fail database connection refused");
    service.tell("warn disk 9 % left");
    service.tell("fail recommendations no answer");
    let while_some_fail = asked(&address);
    println!("{while_all_pass} requests while all checks pass, {while_some_fail} while some fail");
    assert!(while_all_pass + while_some_fail >= 2_000);
}

#[test]
fn the_document_is_valid_by_the_schema_of_openapi() {
    println!(
        "against {}",
        run("openapi-spec-validator", &["--version"]).1.trim()
    );
    let (_service, address) = Service::start();
    let mut stream = TcpStream::connect(&address).unwrap();
    let request =
        format!("GET /healthcheck/openapi.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, document) = answer.split_once("\r\n\r\n").unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, document).unwrap();
    let (is_valid, said) = run(
        "openapi-spec-validator",
        &["--schema", "3.1", file.path().to_str().unwrap()],
    );
    assert!(is_valid, "{said}");
    // The validator must refuse an invalid document. This shows that it really validates the document.
    fs::write(&file, document.replacen("\"info\"", "\"inform\"", 1)).unwrap();
    assert!(
        !run(
            "openapi-spec-validator",
            &["--schema", "3.1", file.path().to_str().unwrap()]
        )
        .0
    );
}
