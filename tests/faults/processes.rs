//! Tests faults that need a child process: a log that can't be written, the shutdown of a service, and threads that
//! don't end.

use std::fs::OpenOptions;
use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use healthcheck_tests::free_addr;
use rustix::process::{Pid, Signal, kill_process};

#[path = "../serve/process.rs"]
#[allow(dead_code)]
mod client;

use client::{LIMIT, get, get_until};

/// The program `faulty` as a child process. Dropping this value kills the process if it still runs.
struct Faulty(Child);

impl Faulty {
    fn start(arguments: &[&str], output: impl Fn() -> Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faulty"));
        command
            .env_remove("HEALTHCHECK_DISABLE")
            .env_remove("NOTIFY_SOCKET");
        command.args(arguments).stdout(output()).stderr(output());
        Self(command.spawn().unwrap())
    }

    fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it doesn't end within {limit:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// Waits until the service at this address accepts connections.
fn listens(addr: SocketAddr) {
    let end = Instant::now() + LIMIT;
    while std::net::TcpStream::connect(addr).is_err() {
        assert!(Instant::now() < end, "it doesn't listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn on_a_full_disk_a_failing_check_is_answered_at_once() {
    let mut faulty = Faulty::start(&["report"], full_disk);
    assert!(
        faulty.ends_within(LIMIT).success(),
        "a report took two seconds, or wasn't right"
    );
}

#[test]
fn on_a_full_disk_readiness_is_answered_and_the_drain_keeps_its_delay() {
    let addr = free_addr();
    let mut faulty = Faulty::start(&["serve", &addr.to_string()], full_disk);
    listens(addr);
    let begins = Instant::now();
    let answer = get(addr, "/readyz");
    assert_eq!(answer.code, 503, "{answer:?}");
    assert!(
        begins.elapsed() < Duration::from_secs(5),
        "{:?}",
        begins.elapsed()
    );
    faulty.terminate();
    let begins = Instant::now();
    get_until(addr, "/readyz", |answer| answer.body.contains("shutting down"));
    assert!(faulty.ends_within(LIMIT).success());
    let lasted = begins.elapsed();
    assert!(
        lasted > Duration::from_millis(700),
        "the delay of a second isn't kept: {lasted:?}"
    );
}

#[test]
fn with_a_log_that_nobody_reads_a_service_ends_in_its_delay_and_its_drain() {
    let addr = free_addr();
    let mut faulty = Faulty::start(&["clogged", &addr.to_string()], Stdio::piped);
    listens(addr);
    // During this sleep the service fills the pipe of its log. If the pipe weren't full yet, the test would pass too,
    // but prove less.
    std::thread::sleep(Duration::from_millis(500));
    let begins = Instant::now();
    let answer = get(addr, "/readyz");
    assert_eq!(answer.code, 503, "{answer:?}");
    assert!(
        begins.elapsed() < Duration::from_secs(5),
        "{:?}",
        begins.elapsed()
    );
    faulty.terminate();
    let begins = Instant::now();
    assert!(faulty.ends_within(LIMIT).success());
    assert!(
        begins.elapsed() < Duration::from_secs(15),
        "{:?}",
        begins.elapsed()
    );
}

/// The application's own log lines block its runtime forever. So the application itself can't end its process. The
/// signal SIGTERM has to end this process.
#[test]
fn with_an_application_that_its_log_blocks_liveness_says_what_stands_still_and_the_process_ends() {
    let addr = free_addr();
    let mut faulty = Faulty::start(&["blocked", &addr.to_string()], Stdio::piped);
    listens(addr);
    let begins = Instant::now();
    let answer = get(addr, "/livez");
    assert!(
        begins.elapsed() < Duration::from_secs(1),
        "{:?}: {answer:?}",
        begins.elapsed()
    );
    get_until(addr, "/livez", |answer| {
        answer.code == 503 && answer.body.contains("runtime")
    });
    let begins = Instant::now();
    faulty.terminate();
    faulty.ends_within(LIMIT);
    assert!(
        begins.elapsed() < Duration::from_secs(15),
        "{:?}",
        begins.elapsed()
    );
}

#[test]
fn at_shutdown_no_check_is_run_that_no_request_asked_for() {
    let addr = free_addr();
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("termination-log");
    std::fs::write(&log, "").unwrap();
    let path = log.to_str().unwrap();
    let mut faulty = Faulty::start(&["counting", &addr.to_string(), path], Stdio::piped);
    listens(addr);
    get(addr, "/livez");
    faulty.terminate();
    assert!(faulty.ends_within(LIMIT).success());
    let mut printed = String::new();
    let mut output = faulty.0.stdout.take().unwrap();
    output.read_to_string(&mut printed).unwrap();
    assert!(!printed.contains("the check ran"), "{printed}");
}

#[test]
fn nine_hundred_health_checks_that_were_dropped_leave_no_threads() {
    let mut faulty = Faulty::start(&["threads"], Stdio::inherit);
    assert!(faulty.ends_within(LIMIT).success());
}
