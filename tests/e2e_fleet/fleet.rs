//! The environment of the fleet tests: ten processes of a service, HAProxy in front of them, a dependency that all
//! processes share, and clients that send requests.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use healthcheck_tests::free_addr;

use crate::process::{Served, get};
use crate::stats::HaProxy;

pub const MEMBERS: usize = 10;

/// The dependency that all processes of the fleet share. It counts the connections that the processes open to it.
pub struct Dependency {
    pub addr: SocketAddr,
    is_up: Arc<AtomicBool>,
    questions: Arc<AtomicUsize>,
}

impl Dependency {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (is_up, questions) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (up, counted) = (Arc::clone(&is_up), Arc::clone(&questions));
        thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                if let (Ok(mut stream), true) = (stream, up.load(Ordering::SeqCst)) {
                    let _ = stream.write_all(b"+");
                }
            }
        });
        Self {
            addr,
            is_up,
            questions,
        }
    }

    pub fn set(&self, up: bool) {
        self.is_up.store(up, Ordering::SeqCst);
    }

    /// Counts the connections to the dependency for this number of seconds, and calls `look` ten times a second during
    /// this time. Returns one count for each second.
    pub fn questions(&self, seconds: usize, mut look: impl FnMut()) -> Vec<usize> {
        let began = Instant::now();
        let second = |number: usize| {
            self.questions.store(0, Ordering::SeqCst);
            let end = began + Duration::from_secs(number as u64 + 1);
            while Instant::now() < end {
                look();
                thread::sleep(Duration::from_millis(100));
            }
            self.questions.load(Ordering::SeqCst)
        };
        (0..seconds).map(second).collect()
    }
}

pub struct Member {
    pub process: Served,
    pub health: SocketAddr,
    arguments: Vec<String>,
}

impl Member {
    fn start(dependency: SocketAddr, options: &[&str]) -> (Self, SocketAddr) {
        let (application, health) = (free_addr(), free_addr());
        let mut arguments = vec![
            format!("application={application}"),
            format!("health={health}"),
            format!("dependency={dependency}"),
        ];
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        let process = Self::spawn(&arguments);
        let it = Self {
            process,
            health,
            arguments,
        };
        (it, application)
    }

    fn spawn(arguments: &[String]) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_member"));
        let process = Served::spawn({
            command.args(arguments);
            command
        });
        process.printed("listening");
        process
    }

    /// Starts a new process of this member of the fleet, with the same addresses.
    pub fn start_again(&mut self) {
        self.process = Self::spawn(&self.arguments);
    }

    /// Requests this path on this member's health port. Returns the status code.
    pub fn code(&self, path: &str) -> u16 {
        get(self.health, path).code
    }
}

pub struct Fleet {
    pub members: Vec<Member>,
    pub haproxy: HaProxy,
}

impl Fleet {
    pub fn start(dependency: &Dependency, options: &[&str]) -> Self {
        let (members, applications): (Vec<_>, Vec<_>) = (0..MEMBERS)
            .map(|_| Member::start(dependency.addr, options))
            .unzip();
        let front = free_addr();
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!(
            "global\n    stats socket {}/admin.sock mode 660 level admin\n\
             defaults\n    mode http\n    timeout connect 2s\n    timeout client 30s\n    timeout server 30s\n    timeout check 2s\n\
             frontend shop\n    bind {front}\n    default_backend shop\n\
             backend shop\n    option httpchk OPTIONS /readyz\n    default-server check inter 500ms fall 2 rise 2\n",
            folder.path().display()
        );
        for (number, (member, application)) in members.iter().zip(applications).enumerate() {
            let port = member.health.port();
            writeln!(text, "    server shop-{number} {application} port {port}").unwrap();
        }
        let mut haproxy = HaProxy::start_with(&text, front, folder);
        haproxy.wait_for_stats();
        for number in 0..MEMBERS {
            haproxy.wait_for(&format!("shop-{number}"), |status, _| status == "UP");
        }
        Self { members, haproxy }
    }

    /// Returns the numbers of the members to which HAProxy sends no requests at the moment.
    pub fn gone(&self) -> Vec<usize> {
        let is_gone = |number: &usize| !self.haproxy.state(&format!("shop-{number}")).0.starts_with("UP");
        (0..MEMBERS).filter(is_gone).collect()
    }
}

/// Clients that send requests through HAProxy until the test stops them. They record every failed request.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub fn start(front: SocketAddr) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = || {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || {
                let mut lost = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    match ask(front) {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done") => {
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        other => lost.push(format!("{other:?}")),
                    }
                    thread::sleep(Duration::from_millis(10));
                }
                lost
            })
        };
        let clients = (0..4).map(|_| client()).collect();
        Self {
            stop,
            answered,
            clients,
        }
    }

    /// Stops the clients. Returns the number of answered requests, and a description of each failed request.
    pub fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        let lost = self
            .clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect();
        (self.answered.load(Ordering::SeqCst), lost)
    }
}

fn ask(addr: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
