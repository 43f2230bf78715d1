//! systemd's protocol, against a real datagram socket.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{LIMIT, Served, get};

/// The service manager's side.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Manager {
    fn listen() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self {
            socket,
            path,
            _directory: directory,
        }
    }

    fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Served, std::net::SocketAddr) {
        let mut command = Served::command(arguments);
        command.env("NOTIFY_SOCKET", &self.path);
        command.envs(variables.iter().copied());
        let served = Served::spawn(command);
        let addr = served.printed("listening ").parse().unwrap();
        get(addr, "/livez");
        (served, addr)
    }

    /// The next message, if one comes within this time.
    fn next(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut buffer = [0; 4096];
        let count = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
    }

    /// All messages up to the one with this line.
    fn until(&self, line: &str) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let message = self
                .next(LIMIT)
                .unwrap_or_else(|| panic!("`{line}` isn't told, but: {told:?}"));
            let found = message.lines().any(|told| told == line);
            told.push(message);
            if found {
                return told;
            }
        }
    }
}

fn tells(messages: &[String], line: &str) -> bool {
    messages
        .iter()
        .any(|message| message.lines().any(|told| told == line))
}

#[test]
fn ready_is_told_once_the_startup_checks_have_passed() {
    let manager = Manager::listen();
    let (mut served, _) = manager.start(&["starting=yes"], &[]);
    let before = manager.until("STATUS=failing: started");
    assert!(!tells(&before, "READY=1"), "{before:?}");
    served.tell("start");
    manager.until("READY=1");
}

#[test]
fn the_status_names_the_failing_checks() {
    let manager = Manager::listen();
    let (mut served, _) = manager.start(&[], &[]);
    manager.until("STATUS=2 checks pass");
    served.tell("break");
    manager.until("STATUS=failing: breakable");
    served.tell("repair");
    manager.until("STATUS=2 checks pass");
}

#[test]
fn stopping_is_told_when_the_drain_begins() {
    let manager = Manager::listen();
    let (served, addr) = manager.start(&["delay=600000"], &[]);
    manager.until("READY=1");
    served.signal(Signal::TERM);
    manager.until("STOPPING=1");
    assert_eq!(get(addr, "/livez").code, 200, "while it drains");
}

#[test]
fn the_watchdog_is_fed_at_half_of_its_time_without_anybody_asking() {
    let manager = Manager::listen();
    let (_served, _) = manager.start(&[], &[("WATCHDOG_USEC", "1000000")]);
    manager.until("WATCHDOG=1");
    let began = Instant::now();
    for _ in 0..6 {
        manager.until("WATCHDOG=1");
    }
    let took = began.elapsed();
    assert!(
        (2_500..5_500).contains(&took.as_millis()),
        "six halves of a second took {took:?}"
    );
}

#[test]
fn the_watchdog_starves_once_liveness_fails() {
    let manager = Manager::listen();
    let (mut served, addr) = manager.start(&[], &[("WATCHDOG_USEC", "1000000")]);
    served.tell("block");
    let blocked = Instant::now();
    while get(addr, "/livez").code == 200 {
        assert!(blocked.elapsed() < LIMIT);
        std::thread::sleep(Duration::from_millis(50));
    }
    // One may have been under way.
    while manager.next(Duration::from_millis(10)).is_some() {}
    let mut later = Vec::new();
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        later.extend(manager.next(Duration::from_millis(500)));
    }
    assert!(!tells(&later, "WATCHDOG=1"), "{later:?}");
}

#[test]
fn a_watchdog_that_is_meant_for_another_process_is_not_fed() {
    let manager = Manager::listen();
    let own = std::process::id().to_string();
    let (_served, _) = manager.start(&[], &[("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", &own)]);
    let mut told = manager.until("READY=1");
    told.extend(std::iter::from_fn(|| manager.next(Duration::from_millis(500))));
    assert!(!tells(&told, "WATCHDOG=1"), "{told:?}");
}
