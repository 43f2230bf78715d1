//! Tests an application that merges the library's router into its own, and that ends its own server with
//! `drain_on_signals`.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Connection, Served, get, get_until, wait_until_refused};

#[test]
fn on_sigterm_it_answers_for_the_delay_with_readiness_failing_and_then_ends() {
    let (mut served, addr) = Served::start(&["router=yes", "delay=1000"]);
    let began = Instant::now();
    served.signal(Signal::TERM);
    let draining = get_until(addr, "/readyz", |answer| answer.code == 503);
    assert_eq!(draining.report().reason.as_deref(), Some("shutting down"));
    assert_eq!(get(addr, "/livez").code, 200);
    assert!(served.wait().success());
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(4),
        "{took:?}"
    );
}

#[test]
fn on_ctrl_c_there_is_no_delay() {
    let (mut served, addr) = Served::start(&["router=yes", "delay=600000"]);
    served.signal(Signal::INT);
    // The test looks at the log only after the process has ended. The log has to contain the line about the shutdown.
    assert!(served.wait().success());
    served.wait_for_log("shutting down: readiness fails from now on");
    wait_until_refused(addr);
}

#[test]
fn a_shutdown_that_the_program_begins_ends_it_after_the_delay() {
    let (mut served, _) = Served::start(&["router=yes", "delay=300"]);
    let began = Instant::now();
    served.tell("begin_shutdown");
    assert!(served.wait().success());
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_second_signal_ends_the_delay_and_a_second_later_the_process() {
    for (second, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let (mut served, addr) = Served::start(&["router=yes", "delay=600000"]);
        served.signal(Signal::TERM);
        get_until(addr, "/readyz", |answer| answer.code == 503);
        served.signal(second);
        assert!(served.wait().success(), "nothing is in flight");

        let (mut served, addr) = Served::start(&["router=yes", "delay=600000"]);
        let mut endless = Connection::open(addr);
        endless.send("/endless");
        served.signal(Signal::TERM);
        get_until(addr, "/readyz", |answer| answer.code == 503);
        served.signal(second);
        assert_eq!(
            served.wait().code(),
            Some(code),
            "a request is in flight for ever"
        );
    }
}

#[test]
fn a_signal_behind_the_drain_ends_the_process_that_waits_for_a_request() {
    let (mut served, addr) = Served::start(&["router=yes"]);
    let mut endless = Connection::open(addr);
    endless.send("/endless");
    served.signal(Signal::INT);
    wait_until_refused(addr);
    assert!(served.is_running());
    served.signal(Signal::TERM);
    assert_eq!(served.wait().code(), Some(143));
}

#[test]
fn the_environment_takes_checks_out_of_a_router_too() {
    let mut command = Served::command(&["router=yes", "broken=yes"]);
    command.env("HEALTHCHECK_DISABLE", "breakable, runtime, nobody");
    let mut served = Served::spawn(command);
    let addr = served.printed("listening ").parse().unwrap();
    assert_eq!(get(addr, "/readyz").code, 200);
    assert_eq!(get(addr, "/healthcheck").report().results.len(), 1);
    served.wait_for_log("nobody");
    assert_eq!(served.count_in_log("doesn't exist"), 1, "`runtime` is known");
}
