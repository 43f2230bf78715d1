//! Starts an example as a child process, and sends HTTP requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The maximum time for which a test waits for a line or an answer of an example.
pub const LIMIT: Duration = Duration::from_secs(30);

/// An example that runs as a child process. Dropping this value ends the process.
pub struct Example {
    pub process: Child,
    pub lines: Receiver<String>,
}

/// Returns the command that starts the example with this name.
pub fn command(name: &str) -> Command {
    // The binary of this test is target/debug/deps/examples-…, and the binary of an example is
    // target/debug/examples/NAME.
    let own = std::env::current_exe().unwrap();
    let target: PathBuf = own.parent().and_then(Path::parent).unwrap().join("examples");
    let mut command = Command::new(target.join(name));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env_remove("HEALTHCHECK_ADDR")
        .env_remove("HEALTHCHECK_DISABLE");
    command
}

impl Example {
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        Self::run(command(name).args(arguments))
    }

    pub fn run(command: &mut Command) -> Self {
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut process = spawned.expect("`cargo test` builds the examples");
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { process, lines }
    }

    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(LIMIT)
            .expect("the example prints a line more")
    }

    /// Reads the printed lines up to the next line `open http://ADDRESS/…`. Returns the address in this line.
    pub fn address(&self) -> SocketAddr {
        loop {
            // The example may print log lines before the line with the address.
            if let Some(rest) = self.line().strip_prefix("open http://") {
                return rest.split_once('/').unwrap().0.parse().unwrap();
            }
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a GET request for this path. Returns the status code and the body of the answer.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    get_as("examples", address, path)
}

/// Sends a GET request for this path with this `User-Agent`. Returns the status code and the body of the answer.
pub fn get_as(agent: &str, address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

pub fn report(address: SocketAddr) -> healthcheck::Report {
    serde_json::from_str(&get(address, "/healthcheck").1).unwrap()
}

pub fn result<'a>(report: &'a healthcheck::Report, name: &str) -> &'a healthcheck::CheckResult {
    let mut results = report.results.iter();
    results.find(|result| result.checker == name).unwrap()
}
