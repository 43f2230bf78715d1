//! Tests the example `grpc` with grpcio-health-checking, the Python client of the gRPC project.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::client::LIMIT;
use crate::process::Served;

/// Starts the example `grpc`. Returns its process, its gRPC address, and a temporary directory.
///
/// While a certain folder exists in this directory, the example's check passes.
fn example() -> (Served, String, TempDir) {
    // The binary of this test is `target/debug/deps/e2e_clients-…`, and the binary of the example is
    // `target/debug/examples/grpc`.
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples/grpc");
    assert!(
        program.exists(),
        "cargo build -p healthcheck-examples --example grpc --features grpc"
    );
    let temporary = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder(&temporary)).unwrap();
    let mut command = Command::new(program);
    command.args(["127.0.0.1:0", "127.0.0.1:0"]);
    command
        .env("TMPDIR", temporary.path())
        .env_remove("HEALTHCHECK_DISABLE");
    let served = Served::spawn(command);
    served.printed("open http://");
    let grpc = served.printed("open http://");
    let (addr, _) = grpc.split_once('/').unwrap();
    (served, addr.to_owned(), temporary)
}

fn folder(temporary: &TempDir) -> PathBuf {
    temporary.path().join("healthcheck-grpc")
}

/// The gRPC client, which runs as a child process and executes commands from the test. Dropping this value ends the
/// process.
struct Client {
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(addr: &str) -> Self {
        let clients = std::env::var_os("HEALTHCHECK_CLIENTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients"),
            PathBuf::from,
        );
        let python = clients.join("python/bin/python");
        let mut process = Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e_clients/grpc_client.py"))
            .arg(addr)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; .ci/install-clients installs it", python.display()));
        let mut it = Self {
            commands: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        };
        println!("against grpcio, {}", it.answer());
        it
    }

    fn answer(&mut self) -> String {
        let answer = self.answers.next().expect(".ci/install-clients installs grpcio");
        answer.unwrap()
    }

    /// Sends a command to the client process. Returns what the client prints: for example a status, or the name of an
    /// error code.
    fn ask(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}").unwrap();
        self.answer()
    }

    /// Sends the same command again and again, until the client prints `wanted`.
    fn wait_for(&mut self, command: &str, wanted: &str) {
        let began = Instant::now();
        loop {
            let answer = self.ask(command);
            if answer == wanted {
                return;
            }
            assert!(began.elapsed() < LIMIT, "{command}: {answer} and never {wanted}");
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn grpcio_checks_and_watches_a_failure_its_recovery_and_the_drain() {
    let (mut served, addr, temporary) = example();
    let mut client = Client::start(&addr);
    for service in ["", "storage"] {
        client.wait_for(&format!("watch {service}"), "SERVING");
        assert_eq!(client.ask(&format!("check {service}")), "SERVING");
    }
    std::fs::remove_dir(folder(&temporary)).unwrap();
    for service in ["", "storage"] {
        client.wait_for(&format!("watch {service}"), "NOT_SERVING");
        assert_eq!(client.ask(&format!("check {service}")), "NOT_SERVING");
    }
    std::fs::create_dir(folder(&temporary)).unwrap();
    for service in ["", "storage"] {
        client.wait_for(&format!("watch {service}"), "SERVING");
    }
    assert_eq!(client.ask("check orders"), "NOT_FOUND");
    assert_eq!(client.ask("watch orders"), "SERVICE_UNKNOWN");

    served.signal(Signal::TERM);
    client.wait_for("watch", "NOT_SERVING");
    assert_eq!(client.ask("check"), "NOT_SERVING");
    assert!(served.wait().success());
    assert_eq!(client.ask("check"), "UNAVAILABLE");
}

#[test]
fn a_channel_with_client_side_health_checks_calls_only_while_the_service_serves() {
    let (_served, addr, temporary) = example();
    let mut client = Client::start(&addr);
    for service in ["", "storage"] {
        client.wait_for(&format!("client-side {service}"), "called");
    }
    std::fs::remove_dir(folder(&temporary)).unwrap();
    client.wait_for("check storage", "NOT_SERVING");
    // The server would answer the calls below. But the client's channel watches the health service, and sends no calls
    // while the status isn't `SERVING`.
    for service in ["", "storage"] {
        let refused = client.ask(&format!("client-side {service}"));
        assert!(
            ["UNAVAILABLE", "DEADLINE_EXCEEDED"].contains(&&*refused),
            "{refused}"
        );
    }
    std::fs::create_dir(folder(&temporary)).unwrap();
    client.wait_for("client-side storage", "called");
}

#[test]
fn list_of_the_current_stubs_is_unimplemented_as_the_example_says() {
    let (_served, addr, _temporary) = example();
    assert_eq!(Client::start(&addr).ask("list"), "UNIMPLEMENTED");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/grpc.rs");
    let text = std::fs::read_to_string(path).unwrap();
    for word in ["`List`", "`UNIMPLEMENTED`"] {
        assert!(text.contains(word), "{word}");
    }
}
