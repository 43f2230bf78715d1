//! Tests the check `runtime`. While the application's runtime is blocked, this liveness check fails, but `/livez` still
//! answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Served, get};

const SECOND: Duration = Duration::from_secs(1);

/// Requests `/livez`. Asserts that the server answers within a second. Returns whether the check `runtime` passes.
fn runtime_passes(addr: SocketAddr) -> bool {
    let asked = Instant::now();
    let answer = get(addr, "/livez");
    let took = asked.elapsed();
    assert!(took < SECOND, "answered after {took:?}");
    let report = answer.report();
    let runtime = report
        .results
        .iter()
        .find(|result| result.checker == "runtime")
        .unwrap();
    assert_eq!(runtime.passed, answer.code == 200, "{answer:?}");
    runtime.passed
}

#[test]
fn with_the_runtime_blocked_for_good_livez_answers_within_a_second_and_fails_after_ten() {
    let (mut served, addr) = Served::start(&[]);
    assert!(runtime_passes(addr));
    let blocked = Instant::now();
    served.tell("block");
    let failed = loop {
        if !runtime_passes(addr) {
            break blocked.elapsed();
        }
        assert!(blocked.elapsed() < 20 * SECOND, "it doesn't fail");
        std::thread::sleep(Duration::from_millis(50));
    };
    // The check fails 10 s after the last response of the runtime. This response may be up to a second older than the
    // block, because the server examines the runtime only once a second.
    assert!((9..=13).contains(&failed.as_secs()), "{failed:?}");
    assert_eq!(get(addr, "/livez/runtime").code, 503);
}

#[test]
fn a_stop_of_the_process_starts_the_count_again() {
    let (mut served, addr) = Served::start(&[]);
    served.tell("block");
    std::thread::sleep(4 * SECOND);
    served.signal(Signal::STOP);
    std::thread::sleep(8 * SECOND);
    served.signal(Signal::CONT);
    // The runtime last responded at least 12 s ago. The process was stopped for 8 s of this time, and the check
    // `runtime` must ignore these 8 s. So the check must pass.
    let continued = Instant::now();
    while continued.elapsed() < 4 * SECOND {
        assert!(runtime_passes(addr), "{:?} after it went on", continued.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_check_of_the_runtime_is_in_liveness_only() {
    let (_served, addr) = Served::start(&[]);
    assert_eq!(get(addr, "/livez/runtime").code, 200);
    for path in ["/healthcheck/runtime", "/readyz/runtime", "/startupz/runtime"] {
        assert_eq!(get(addr, path).code, 404, "{path}");
    }
    let names: Vec<String> = get(addr, "/healthcheck")
        .report()
        .results
        .into_iter()
        .map(|result| result.checker)
        .collect();
    assert_eq!(names, ["breakable", "started"]);
}

#[test]
fn the_check_of_the_runtime_can_be_turned_off() {
    let (_served, addr) = Served::start(&["no_runtime_check=yes"]);
    assert_eq!(get(addr, "/livez").report().results, []);
    let mut command = Served::command(&[]);
    command.env("HEALTHCHECK_DISABLE", "runtime");
    let mut served = Served::spawn(command);
    let addr = served.printed("listening ").parse().unwrap();
    assert_eq!(get(addr, "/livez").report().results, []);
    assert_eq!(served.count_in_log("doesn't exist"), 0);
}

#[test]
fn the_time_of_the_check_runtime_moves_with_each_look_in_every_form() {
    let (_served, addr) = Served::start(&[]);
    let in_report = || {
        let report = get(addr, "/livez").report();
        report.get("runtime").unwrap().timestamp.unwrap()
    };
    let in_metrics = || {
        let metrics = get(addr, "/healthcheck?format=prometheus").body;
        let mut lines = metrics.lines();
        let found = lines
            .find_map(|line| line.strip_prefix("healthcheck_last_run_timestamp_seconds{check=\"runtime\"} "));
        found
            .unwrap_or_else(|| panic!("{metrics}"))
            .parse::<f64>()
            .unwrap()
    };
    let in_page = || {
        let page = get(addr, "/livez/runtime?format=html").body;
        let (_, time) = page.split_once("datetime=\"").unwrap_or_else(|| panic!("{page}"));
        time.split('"').next().unwrap().to_owned()
    };
    let before = (in_report(), in_metrics(), in_page());
    let end = Instant::now() + crate::process::LIMIT;
    // The server examines the runtime once a second. So the report, the metrics and the page soon have to show the time
    // of a newer result.
    while in_report() < before.0 + 2.0 || in_metrics() < before.1 + 2.0 || in_page() == before.2 {
        assert!(
            Instant::now() < end,
            "still {:?}",
            (in_report(), in_metrics(), in_page())
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!(now - in_report() < 3.0, "{now}");
}
