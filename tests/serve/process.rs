//! Starts the program `served`, the service under test, as a child process. Sends commands, signals and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The maximum time for which these tests wait for anything. A test that passes waits for a shorter time.
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Served {
    process: Child,
    commands: ChildStdin,
    printed: Receiver<String>,
    logged: Receiver<String>,
    log: Vec<String>,
}

impl Served {
    pub fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
        for inherited in [
            "HEALTHCHECK_DISABLE",
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "WATCHDOG_PID",
        ] {
            command.env_remove(inherited);
        }
        command.args(arguments);
        command
    }

    /// Starts the service as a child process. Returns the service and the address on which it listens.
    pub fn start(arguments: &[&str]) -> (Self, SocketAddr) {
        let it = Self::spawn(Self::command(arguments));
        let addr = it.printed("listening ").parse().unwrap();
        // When the service prints its address, it may not be ready for connections and signals. When it answers a
        // request, it is ready for both. So this code waits for an answer.
        let end = Instant::now() + LIMIT;
        while TcpStream::connect(addr).is_err() {
            assert!(Instant::now() < end, "it doesn't listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        get(addr, "/livez");
        (it, addr)
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let printed = lines(process.stdout.take().unwrap());
        let logged = lines(process.stderr.take().unwrap());
        Self {
            process,
            commands,
            printed,
            logged,
            log: Vec::new(),
        }
    }

    /// Waits until the service prints a line that begins with this text. Returns the rest of the line.
    pub fn printed(&self, start: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self
                .printed
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("it doesn't print `{start}`"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// Waits until the service has logged a line that contains this text.
    pub fn wait_for_log(&mut self, what: &str) {
        let end = Instant::now() + LIMIT;
        while !self.log.iter().any(|line| line.contains(what)) {
            let left = end.saturating_duration_since(Instant::now());
            match self.logged.recv_timeout(left) {
                Ok(line) => self.log.push(line),
                Err(_) => panic!("it doesn't log `{what}`, but: {:#?}", self.log),
            }
        }
    }

    /// Counts the log lines that contain this text, among all lines that the service has logged so far.
    pub fn count_in_log(&mut self, what: &str) -> usize {
        self.log.extend(self.logged.try_iter());
        self.log.iter().filter(|line| line.contains(what)).count()
    }

    /// Waits until the process of the service has ended. Returns the warnings and the errors in its log.
    pub fn troubles(mut self) -> Vec<String> {
        self.wait();
        // This iterator ends when the service has closed its end of the pipe.
        self.log.extend(self.logged.iter());
        let mut log = std::mem::take(&mut self.log);
        log.retain(|line| line.contains(" WARN ") || line.contains(" ERROR "));
        log
    }

    /// Sends a command to the service. Waits until the service has executed the command.
    pub fn tell(&mut self, command: &str) {
        self.send(command);
        self.printed(&format!("done {command}"));
    }

    /// Sends a command to the service without waiting. This is for commands that end the service, which it can't
    /// confirm.
    pub fn send(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}

/// An HTTP response.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.head.to_lowercase().contains("\r\nconnection: close")
    }

    pub fn report(&self) -> healthcheck::Report {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A client's connection to the service. The client can send several requests over it, one after another.
pub struct Connection(TcpStream);

impl Connection {
    pub fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, path: &str) {
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }

    /// Waits until the server closes the connection, and returns true. Returns false if the server sends a byte
    /// instead.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0))
    }

    /// Reads the next answer from the connection. The answer's header `Content-Length` shows where its body ends.
    pub fn answer(&mut self) -> Answer {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.0.read(&mut buffer).unwrap();
            assert!(count > 0, "closed without an answer: {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")
                    .map(ToOwned::to_owned)
            });
            if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                return Answer {
                    code: head.split_whitespace().nth(1).unwrap().parse().unwrap(),
                    head: format!("{head}\r\n"),
                    body: body.to_owned(),
                };
            }
        }
    }
}

pub fn get(addr: SocketAddr, path: &str) -> Answer {
    let mut connection = Connection::open(addr);
    connection.send(path);
    connection.answer()
}

/// Sends these bytes over a new connection. Returns everything that the server sends until it closes the connection.
pub fn raw(addr: SocketAddr, sent: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // This write may fail, because the server may refuse the request and close the connection before it has read all
    // bytes.
    let _ = stream.write_all(sent.as_ref());
    let mut said = Vec::new();
    if let Err(error) = stream.read_to_end(&mut said) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Requests this path repeatedly, until `wanted` returns true for an answer. Returns this answer.
pub fn get_until(addr: SocketAddr, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = get(addr, path);
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "still {answer:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until connections to this address fail, because no server listens there any more.
pub fn wait_until_refused(addr: SocketAddr) {
    let end = Instant::now() + LIMIT;
    while TcpStream::connect(addr).is_ok() {
        assert!(Instant::now() < end, "somebody still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
}
