//! Tests the shutdown of the server: signals, the drain, requests in flight, and the termination log.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Connection, Served, get, get_until, wait_until_refused};

fn is_draining(answer: &crate::process::Answer) -> bool {
    answer.report().reason.as_deref() == Some("shutting down")
}

#[test]
fn on_sigterm_readiness_fails_at_once_while_requests_are_answered_for_five_seconds() {
    let (mut served, addr) = Served::start(&[]);
    let mut kept = Connection::open(addr);
    kept.send("/readyz");
    let before = kept.answer();
    assert!(before.code == 200 && !before.closes());

    let began = Instant::now();
    served.signal(Signal::TERM);
    let draining = get_until(addr, "/readyz", |answer| answer.code == 503);
    assert!(is_draining(&draining) && draining.closes(), "{draining:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "at once");
    let alive = get(addr, "/livez");
    assert!(alive.code == 200 && alive.closes(), "liveness goes on passing");
    kept.send("/healthcheck");
    let last = kept.answer();
    assert!(
        last.code == 200 && last.closes(),
        "every answer closes its connection"
    );

    assert!(served.wait().success());
    let took = began.elapsed();
    assert!((5..8).contains(&took.as_secs()), "{took:?}");
    wait_until_refused(addr);
}

#[test]
fn on_ctrl_c_there_is_no_delay() {
    // The service is configured with a shutdown delay of 600 s. On Ctrl-C the server has to ignore this delay.
    let (mut served, addr) = Served::start(&["delay=600000"]);
    served.signal(Signal::INT);
    assert!(served.wait().success());
    served.printed("served");
    wait_until_refused(addr);
}

#[test]
fn a_shutdown_without_a_fault_logs_no_warning_and_no_error() {
    for (arguments, signal) in [
        (&["delay=300"][..], Signal::TERM),
        (&["delay=300", "agent=127.0.0.1:0"], Signal::TERM),
        (&[], Signal::INT),
        (&["router=yes", "delay=300"], Signal::TERM),
        (&["router=yes"], Signal::INT),
    ] {
        let (mut served, addr) = Served::start(arguments);
        let mut idle = Connection::open(addr);
        idle.send("/healthcheck");
        assert_eq!(idle.answer().code, 200);
        served.signal(signal);
        assert!(served.wait().success(), "{arguments:?}");
        assert_eq!(
            served.troubles(),
            Vec::<String>::new(),
            "{arguments:?} {signal:?}"
        );
    }
}

#[test]
fn a_check_that_runs_while_the_service_ends_is_no_fault() {
    let (mut served, addr) = Served::start(&["delay=100", "gate=yes"]);
    let mut left = Connection::open(addr);
    left.send("/healthcheck");
    served.printed("at the gate");
    drop(left);
    served.signal(Signal::TERM);
    assert!(served.wait().success());
    assert_eq!(served.troubles(), Vec::<String>::new());
}

#[test]
fn nothing_flips_readiness_up_while_draining() {
    let (mut served, addr) = Served::start(&["delay=600000", "broken=yes"]);
    assert_eq!(get(addr, "/readyz").code, 503);
    served.signal(Signal::TERM);
    get_until(addr, "/readyz", is_draining);
    served.tell("repair");
    let repaired = get(addr, "/readyz");
    assert_eq!(repaired.code, 503);
    assert!(repaired.report().results.iter().all(|result| result.passed));
}

#[test]
fn a_second_signal_ends_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let (mut served, addr) = Served::start(&["delay=600000"]);
        served.signal(Signal::TERM);
        get_until(addr, "/readyz", is_draining);
        served.signal(second);
        assert!(served.wait().success(), "it returned from serving");
        served.printed("served");
    }
}

#[test]
fn a_second_signal_ends_requests_in_flight_too() {
    let (mut served, addr) = Served::start(&["gate=yes"]);
    let mut in_flight = Connection::open(addr);
    in_flight.send("/healthcheck/gate");
    served.printed("at the gate");
    served.signal(Signal::INT);
    wait_until_refused(addr);
    assert!(served.is_running());
    served.signal(Signal::INT);
    assert!(served.wait().success());
}

#[test]
fn with_the_application_blocked_the_second_signal_ends_the_process() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let (mut served, addr) = Served::start(&["delay=600000"]);
        served.tell("block");
        served.signal(Signal::TERM);
        get_until(addr, "/readyz", is_draining);
        served.signal(signal);
        assert_eq!(served.wait().code(), Some(code));
    }
}

#[test]
fn with_the_application_blocked_after_the_drain_the_next_signal_ends_the_process() {
    let (mut served, addr) = Served::start(&[]);
    served.tell("block");
    served.signal(Signal::INT);
    wait_until_refused(addr);
    assert!(served.is_running(), "it waits for the application to return");
    served.signal(Signal::TERM);
    assert_eq!(served.wait().code(), Some(143));
}

#[test]
fn requests_in_flight_are_answered_after_the_listener_is_closed() {
    let (mut served, addr) = Served::start(&["gate=yes"]);
    let mut in_flight = Connection::open(addr);
    in_flight.send("/healthcheck/gate");
    served.printed("at the gate");
    served.signal(Signal::INT);
    wait_until_refused(addr);
    served.send("open the gate");
    assert_eq!(in_flight.answer().code, 200);
    assert!(served.wait().success());
}

#[test]
fn a_request_that_does_not_end_is_cut_after_twenty_seconds() {
    let (mut served, addr) = Served::start(&["gate=yes"]);
    let mut in_flight = Connection::open(addr);
    in_flight.send("/healthcheck/gate");
    served.printed("at the gate");
    let began = Instant::now();
    served.signal(Signal::INT);
    assert!(served.wait().success());
    let took = began.elapsed();
    assert!((20..25).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn begin_shutdown_does_the_same_as_sigterm() {
    let (mut served, addr) = Served::start(&["delay=500"]);
    let began = Instant::now();
    served.tell("begin_shutdown");
    let draining = get(addr, "/readyz");
    assert!(is_draining(&draining) && draining.closes());
    assert!(served.wait().success());
    assert!(began.elapsed() >= Duration::from_millis(500));
}

#[test]
fn serve_until_installs_no_handler() {
    let (mut served, _) = Served::start(&["until=told"]);
    served.signal(Signal::TERM);
    assert_eq!(served.wait().signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn serve_until_drains_when_its_future_ends() {
    let (mut served, addr) = Served::start(&["until=told", "delay=500"]);
    let began = Instant::now();
    served.tell("stop");
    let draining = get(addr, "/readyz");
    assert!(is_draining(&draining) && draining.closes());
    assert!(served.wait().success());
    assert!(began.elapsed() >= Duration::from_millis(500));
}

#[test]
fn under_serve_until_begin_shutdown_ends_nothing() {
    let (mut served, addr) = Served::start(&["until=told", "delay=1"]);
    served.tell("begin_shutdown");
    get_until(addr, "/readyz", is_draining);
    assert_eq!(get(addr, "/livez").code, 200);
    served.send("stop");
    assert!(served.wait().success());
}

/// Creates an empty file for the termination log, as Kubernetes does. Returns the file's directory, the argument that
/// tells the service the path, and the path itself.
fn termination_log() -> (tempfile::TempDir, String, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("termination-log");
    std::fs::write(&path, "").unwrap();
    (directory, format!("termination_log={}", path.display()), path)
}

#[test]
fn what_fails_is_in_the_termination_log_before_the_drain_is_over() {
    let (_directory, argument, path) = termination_log();
    let (served, addr) = Served::start(&["delay=600000", "broken=yes", &argument]);
    get(addr, "/healthcheck");
    served.signal(Signal::TERM);
    let end = Instant::now() + crate::process::LIMIT;
    while std::fs::read_to_string(&path).unwrap() != "breakable: broken by hand\n" {
        assert!(Instant::now() < end, "{:?}", std::fs::read_to_string(&path));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(is_draining(&get(addr, "/readyz")));
}

#[test]
fn what_fails_is_in_the_termination_log_at_any_other_end() {
    let (_directory, argument, path) = termination_log();
    let (mut served, addr) = Served::start(&["until=told", "delay=1", "broken=yes", &argument]);
    get(addr, "/healthcheck");
    served.send("stop");
    assert!(served.wait().success());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "breakable: broken by hand\n"
    );
}

#[test]
fn where_nothing_fails_the_termination_log_stays_empty() {
    let (_directory, argument, path) = termination_log();
    let (mut served, addr) = Served::start(&[&argument]);
    get(addr, "/healthcheck");
    served.signal(Signal::INT);
    assert!(served.wait().success());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
}
