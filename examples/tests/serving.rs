//! The examples about probes and shutdown, each started as a process of its own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const LIMIT: Duration = Duration::from_secs(30);

/// An example while it runs; ends with the test.
struct Example {
    process: Child,
    lines: Receiver<String>,
}

fn command(name: &str) -> Command {
    // target/debug/deps/serving-… → target/debug/examples/name
    let own = std::env::current_exe().unwrap();
    let target: PathBuf = own.parent().and_then(Path::parent).unwrap().join("examples");
    let mut command = Command::new(target.join(name));
    command.env_remove("HEALTHCHECK_DISABLE");
    command
}

impl Example {
    /// Starts it and gives the address of the first line, `open http://ADDRESS/…`.
    fn start(command: &mut Command) -> (Self, SocketAddr) {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let example = Self { process, lines };
        let addr = loop {
            // What it logs stands before.
            if let Some(rest) = example.line().strip_prefix("open http://") {
                break rest.split_once('/').unwrap().0.parse().unwrap();
            }
        };
        (example, addr)
    }

    fn line(&self) -> String {
        self.lines
            .recv_timeout(LIMIT)
            .expect("the example prints a line more")
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn get(addr: SocketAddr, path: &str, agent: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_service_probes_itself() {
    let directory = tempfile::tempdir().unwrap();
    let uploads = directory.path().join("healthcheck-uploads");
    std::fs::create_dir(&uploads).unwrap();
    let (_example, addr) = Example::start(
        command("self_probe")
            .env("HEALTHCHECK_ADDR", "127.0.0.1:0")
            .env("TMPDIR", directory.path()),
    );
    let probe = |arguments: &[&str]| {
        let mut command = command("self_probe");
        let Output { status, stdout, .. } = command
            .arg("probe")
            .args(arguments)
            .env("HEALTHCHECK_ADDR", addr.to_string())
            .output()
            .unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap())
    };
    let until = |docker: i32, nagios: i32, line: &str| {
        let end = Instant::now() + LIMIT;
        while probe(&["--nagios"]) != (nagios, format!("{line}\n")) {
            assert!(Instant::now() < end, "{:?}", probe(&["--nagios"]));
        }
        assert_eq!(probe(&[]), (docker, format!("{line}\n")));
    };
    until(0, 0, "OK - 1 check passes");
    for count in 0..10 {
        std::fs::write(uploads.join(count.to_string()), "").unwrap();
    }
    until(0, 1, "WARNING - uploads: 10 uploads are waiting");
    std::fs::remove_dir_all(&uploads).unwrap();
    until(1, 2, "CRITICAL - uploads: No such file or directory (os error 2)");
}

#[test]
fn an_application_drains_with_axums_graceful_shutdown() {
    let (mut example, addr) = Example::start(command("draining").arg("127.0.0.1:0"));
    assert!(get(addr, "/readyz", "kube-probe/1.31").starts_with("HTTP/1.1 200"));
    let pid = Pid::from_raw(i32::try_from(example.process.id()).unwrap()).unwrap();
    let began = Instant::now();
    kill_process(pid, Signal::TERM).unwrap();
    let end = Instant::now() + LIMIT;
    while !get(addr, "/readyz", "kube-probe/1.31").contains("shutting down") {
        assert!(Instant::now() < end);
    }
    assert!(
        get(addr, "/", "curl").ends_with("hello"),
        "requests are answered while it drains"
    );
    assert_eq!(example.line(), "drained");
    assert!(example.process.wait().unwrap().success());
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn probes_stay_out_of_traces() {
    let (example, addr) = Example::start(command("probes_out_of_logs").arg("127.0.0.1:0"));
    get(addr, "/readyz", "curl");
    get(addr, "/", "ELB-HealthChecker/2.0");
    get(addr, "/", "Mozilla/5.0");
    // The log comes by the same way, in its order: the first line about a request is about the last one.
    let mut line = example.line();
    while !line.contains("request{") {
        line = example.line();
    }
    assert!(
        line.contains("method=GET path=\"/\"") && line.contains("answered"),
        "{line}"
    );
    assert_eq!(
        example
            .lines
            .try_iter()
            .filter(|line| line.contains("request{"))
            .count(),
        0
    );
}
