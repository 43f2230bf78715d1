//! The service that is asked, as a child process, and a client of our own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes that doesn't fail.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Service {
    pub address: SocketAddr,
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Service {
    pub fn start(arguments: &[String]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_subject"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap().parse().unwrap();
        Self {
            address,
            process,
            commands,
            answers,
        }
    }

    /// Tells it something, and waits until that holds.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }

    pub fn terminate(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    pub fn wait(&mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Asks once, over a connection of its own.
pub fn get(address: impl ToString, path: &str, headers: &[&str]) -> std::io::Result<Answer> {
    let address = address.to_string();
    let mut stream = TcpStream::connect(&address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut head: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    if !head.starts_with("Host: ") {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    write!(stream, "GET {path} HTTP/1.1\r\nConnection: close\r\n{head}\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| std::io::Error::other("an answer without a head"))?;
    let is_chunked = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
    let body = if is_chunked { whole(body) } else { body.to_owned() };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(|| std::io::Error::other("an answer without a status"))?,
        head: head.to_owned(),
        body,
    })
}

/// A body that was sent in chunks.
fn whole(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((length, rest)) = chunks.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        body.push_str(&rest[..length]);
        chunks = rest[length..].trim_start_matches("\r\n");
    }
    body
}

/// Asks until it is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let patience = Instant::now() + LIMIT;
    loop {
        let seen = match look() {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(Instant::now() < patience, "waited for {what} and saw {seen}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An example's configuration for this test: each of its addresses or names, replaced by one of ours.
pub fn example(path: &str, replacements: &[(&str, &str)]) -> String {
    let path = format!("{}/../examples/{path}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    for (old, new) in replacements {
        assert!(text.contains(old), "{path} doesn't say {old}");
        text = text.replace(old, new);
    }
    text
}

/// Prints which client it is, at which version, so that the log of a run tells.
pub fn announce(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; .ci/install-clients installs it"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    println!("against {program}: {}", text.lines().next().unwrap_or_default());
}
