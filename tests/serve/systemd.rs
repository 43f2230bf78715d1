//! Tests systemd's notification protocol. The tests play systemd, with a real datagram socket.

use std::ffi::{OsStr, OsString};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{LIMIT, Served, get};

const EXTENDED: &str = "EXTEND_TIMEOUT_USEC=20000000";

/// The end of the notification socket that normally belongs to systemd. The tests read the service's messages from it.
struct Manager {
    socket: UnixDatagram,
    /// The address of the socket, which the service gets in the variable `NOTIFY_SOCKET`.
    name: OsString,
    _directory: Option<tempfile::TempDir>,
}

impl Manager {
    fn listen() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self {
            socket,
            name: path.into(),
            _directory: Some(directory),
        }
    }

    /// Creates a `Manager` whose socket has an abstract address instead of a path. systemd uses such a socket for a
    /// service that has its own root directory.
    #[cfg(target_os = "linux")]
    fn listen_abstractly() -> Self {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("healthcheck-tests-{}", std::process::id());
        let addr = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        Self {
            socket: UnixDatagram::bind_addr(&addr).unwrap(),
            name: format!("@{name}").into(),
            _directory: None,
        }
    }

    fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Served, std::net::SocketAddr) {
        start(&self.name, arguments, variables)
    }

    /// Waits for the next message of the service. Returns `None` if no message comes within this time.
    fn next(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut buffer = [0; 4096];
        let count = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
    }

    /// Reads messages of the service until a message contains this line. Returns all messages that it has read.
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

fn start(socket: &OsStr, arguments: &[&str], variables: &[(&str, &str)]) -> (Served, std::net::SocketAddr) {
    let mut command = Served::command(arguments);
    command.env("NOTIFY_SOCKET", socket);
    command.envs(variables.iter().copied());
    let served = Served::spawn(command);
    let addr = served.printed("listening ").parse().unwrap();
    get(addr, "/livez");
    (served, addr)
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
    // No request of this test runs the checks. So the task that notifies systemd has to run them.
    let started = Instant::now();
    manager.until("READY=1");
    let took = started.elapsed();
    // A failing check that has never passed is due again after 250 ms. The task that notifies systemd reads the new
    // result a little later.
    assert!(took < Duration::from_millis(1_000), "READY took {took:?}");
}

#[test]
fn ready_follows_the_pass_of_a_long_startup_check_at_once_and_the_time_limit_is_extended_until_then() {
    let manager = Manager::listen();
    let (mut served, _) = manager.start(&["gate=startup"], &[]);
    let before = manager.until(EXTENDED);
    let more = manager.until(EXTENDED);
    assert!(!tells(&[before, more].concat(), "READY=1"));
    served.tell("open the gate");
    let opened = Instant::now();
    manager.until("READY=1");
    let took = opened.elapsed();
    assert!(took < Duration::from_millis(250), "READY took {took:?}");
}

#[test]
fn a_startup_check_that_fails_extends_no_time_limit() {
    let manager = Manager::listen();
    let (_served, _) = manager.start(&["starting=yes"], &[]);
    let mut told = manager.until("STATUS=failing: started");
    told.extend(std::iter::from_fn(|| manager.next(Duration::from_secs(6))));
    assert!(!tells(&told, EXTENDED), "{told:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_manager_at_an_abstract_name_hears_the_same() {
    let manager = Manager::listen_abstractly();
    let (served, _) = manager.start(&[], &[]);
    manager.until("READY=1");
    served.signal(Signal::TERM);
    manager.until("STOPPING=1");
}

#[test]
fn a_socket_that_cannot_be_reached_is_one_warning() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = directory.path().join("nobody");
    for socket in [
        nobody.as_os_str(),
        OsStr::new("vsock:2:1234"),
        OsStr::new("@nobody-listens-here"),
    ] {
        let (mut served, addr) = start(socket, &["delay=0"], &[("WATCHDOG_USEC", "100000")]);
        served.wait_for_log("can't be reached");
        // After the first warning, the service tries to send further messages to systemd, such as the failed status. It
        // must log no further warning for these messages.
        served.tell("break");
        crate::process::get_until(addr, "/healthcheck", |answer| answer.code == 503);
        served.signal(Signal::TERM);
        assert!(served.wait().success());
        assert_eq!(served.count_in_log("can't be reached"), 1, "{socket:?}");
    }
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
fn the_status_follows_a_change_within_six_seconds_and_names_what_degrades() {
    let manager = Manager::listen();
    // With `ttl=default` the service uses the library's default TTLs. The service runs a check again when the result of
    // the check is 5 s old. So the service can tell systemd a new status within 6 s.
    let (mut served, _) = manager.start(&["ttl=default"], &[]);
    manager.until("STATUS=2 checks pass");
    for (command, status) in [
        ("warn", "STATUS=degraded: breakable"),
        ("calm", "STATUS=2 checks pass"),
    ] {
        served.tell(command);
        let changed = Instant::now();
        manager.until(status);
        let took = changed.elapsed();
        assert!(took < Duration::from_secs(6), "{status} took {took:?}");
    }
}

#[test]
fn the_status_names_maintenance_and_the_drain() {
    let manager = Manager::listen();
    let (mut served, _) = manager.start(&["delay=600000"], &[]);
    manager.until("STATUS=2 checks pass");
    served.tell("maintenance");
    manager.until("STATUS=maintenance: disks are changed");
    served.tell("end maintenance");
    manager.until("STATUS=2 checks pass");
    served.signal(Signal::TERM);
    manager.until("STATUS=draining");
}

#[test]
fn stopping_is_told_when_the_drain_begins() {
    let manager = Manager::listen();
    let (served, addr) = manager.start(&["delay=600000"], &[]);
    manager.until("READY=1");
    served.signal(Signal::TERM);
    let told = manager.until("STOPPING=1");
    assert!(told.last().unwrap().contains(EXTENDED), "{told:?}");
    manager.until(EXTENDED);
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
    // Discards the messages that the service sent before the check failed.
    while manager.next(Duration::from_millis(10)).is_some() {}
    let mut later = Vec::new();
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        later.extend(manager.next(Duration::from_millis(500)));
    }
    assert!(!tells(&later, "WATCHDOG=1"), "{later:?}");
}

#[test]
fn the_watchdog_starves_while_the_process_stands_still_and_is_fed_once_it_goes_on() {
    let manager = Manager::listen();
    let (served, _) = manager.start(&[], &[("WATCHDOG_USEC", "1000000")]);
    manager.until("WATCHDOG=1");
    served.signal(Signal::STOP);
    // Discards messages that the service may have sent before the signal stopped it.
    while manager.next(Duration::from_millis(50)).is_some() {}
    assert_eq!(manager.next(Duration::from_secs(2)), None);
    served.signal(Signal::CONT);
    manager.until("WATCHDOG=1");
}

#[test]
fn the_watchdog_is_triggered_once_when_liveness_has_failed_for_all_of_its_time() {
    let manager = Manager::listen();
    let (mut served, addr) = manager.start(&[], &[("WATCHDOG_USEC", "1000000")]);
    served.tell("block");
    let mut told = manager.until("WATCHDOG=trigger");
    assert_eq!(get(addr, "/livez").code, 503);
    told.clear();
    told.extend(std::iter::from_fn(|| manager.next(Duration::from_secs(2))));
    assert!(
        !told.iter().any(|message| message.contains("WATCHDOG")),
        "{told:?}"
    );
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

#[test]
fn the_unit_of_the_example_has_what_the_messages_need_and_time_for_the_drain() {
    let unit = include_str!("../../examples/systemd/orders.service");
    let of = |key: &str| {
        let mut values = unit
            .lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let value = values.next().unwrap_or_else(|| panic!("no {key}"));
        assert_eq!(values.next(), None, "{key} stands twice");
        value
    };
    let seconds = |key: &str| -> u64 { of(key).strip_suffix('s').unwrap().parse().unwrap() };
    assert_eq!((of("Type"), of("NotifyAccess")), ("notify", "main"));
    assert_ne!(of("Restart"), "no", "what the watchdog ends is started again");
    // The shutdown of the service takes at most 25 s: a delay of 5 s, and up to 20 s for requests in flight. systemd
    // must not kill the service earlier.
    assert!(seconds("TimeoutStopSec") > 5 + 20);
    // If the application's runtime is blocked, the check `runtime` fails after 10 s. systemd's watchdog must not
    // restart the service before that.
    assert!(seconds("WatchdogSec") > 10);
}
