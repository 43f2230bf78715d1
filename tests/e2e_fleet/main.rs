//! Tests that the failure of a shared dependency never takes the whole fleet out of rotation.
//!
//! The tests run ten real processes behind a real HAProxy, with clients that send requests. In most tests, the outage
//! of the dependency takes as long as a real failover. The tests print their measurements.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[allow(dead_code)] // `e2e_clients` uses the other functions.
#[path = "../e2e_clients/client.rs"]
mod client;
mod fleet;
#[allow(dead_code)]
#[path = "../serve/process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../e2e_clients/stats.rs"]
mod stats;
mod worker;

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use client::{Client, example, print_version};
use fleet::{Dependency, Fleet, Load, MEMBERS, Member};
use healthcheck::Overall;
use healthcheck_tests::free_addr;
use process::get;
use rustix::process::Signal;
use serde_json::Value;

/// Waits until no other test runs. Returns a lock guard, which keeps other tests waiting until the caller drops the
/// guard.
///
/// If two tests ran at the same time, their fleets would slow each other down.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The duration of the dependency's outage in seconds. A real failover of a database takes about this long.
const OUTAGE: usize = 45;

/// Runs the Nagios plugin `check_http` for the service at this port. Returns the plugin's exit code: 0 means OK, and 2
/// means CRITICAL.
fn check_http(port: u16) -> i32 {
    let mut command = Command::new("/usr/lib/nagios/plugins/check_http");
    command.args(["-I", "127.0.0.1", "-u", "/healthcheck", "-p", &port.to_string()]);
    command
        .output()
        .expect("`.ci/install-clients` installs it")
        .status
        .code()
        .unwrap()
}

/// Starts Prometheus, which scrapes these targets and evaluates the alert rules from `examples`.
fn prometheus(targets: &[String]) -> (Client, SocketAddr, tempfile::TempDir) {
    print_version("prometheus", &["--version"]);
    let (folder, listen) = (tempfile::tempdir().unwrap(), free_addr());
    let targets = targets.join("\", \"");
    let replacements = [
        ("127.0.0.1:8080", &*targets),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ];
    for (name, replacements) in [
        ("prometheus.yml", &replacements[..]),
        ("rules.yml", &[("for: 1m", "for: 2s")]),
    ] {
        let text = example(&format!("prometheus/{name}"), replacements);
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            folder.path().join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={listen}"));
    (Client::start(&mut command, folder.path()), listen, folder)
}

/// Asks Prometheus for its alerts. Returns the firing alerts that report a failing check.
fn firing(prometheus: SocketAddr) -> Vec<Value> {
    let Ok(mut stream) = TcpStream::connect(prometheus) else {
        return Vec::new();
    };
    stream
        .write_all(b"GET /api/v1/alerts HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let Some((_, body)) = answer.split_once("\r\n\r\n") else {
        return Vec::new();
    };
    let body: Value = serde_json::from_str(body).unwrap();
    let alerts = body["data"]["alerts"].as_array().unwrap().iter();
    let about_checks = ["HealthCheckFails", "SharedDependencyFails"];
    let firing = alerts.filter(|alert| {
        let name = alert["labels"]["alertname"].as_str().unwrap();
        alert["state"] == "firing" && about_checks.contains(&name)
    });
    firing.cloned().collect()
}

/// Starts a fleet with these options, and clients that send requests. Causes an outage of the dependency for 45 s.
/// Asserts that every member of the fleet stays in rotation.
///
/// This function calls `start` before the clients start, and `in_it` just before the outage ends.
fn ride_out(options: &[&str], start: impl FnOnce(&Fleet), in_it: impl FnOnce(&Fleet)) {
    let dependency = Dependency::start();
    let fleet = Fleet::start(&dependency, options);
    start(&fleet);
    let load = Load::start(fleet.haproxy.front);
    let nobody_left = || assert_eq!(fleet.gone(), [0; 0], "{options:?}: a member left");

    let before = dependency.questions(10, nobody_left);
    dependency.set(false);
    let during = dependency.questions(OUTAGE, nobody_left);
    in_it(&fleet);
    nobody_left();
    dependency.set(true);
    let after = dependency.questions(12, nobody_left);
    for member in &fleet.members {
        assert_eq!(get(member.health, "/readyz").report().status, Overall::Success);
    }
    let (answered, lost) = load.stop();
    println!(
        "{options:?}: {answered} requests were answered, {} lost; {MEMBERS} members sent to the dependency in each second \
         {before:?}, while it was down {during:?}, after {after:?}",
        lost.len()
    );
    assert_eq!(lost, Vec::<String>::new());
    for second in before.iter().chain(&during).chain(&after) {
        assert!(
            *second <= 2 * MEMBERS,
            "{options:?}: a stampede: {second} questions in a second"
        );
    }
}

/// Asserts that the member's `/readyz` answers 200 with the status degraded. Returns the body of the answer.
fn assert_degraded(member: &Member) -> String {
    let readiness = get(member.health, "/readyz");
    assert_eq!(
        (readiness.code, readiness.report().status),
        (200, Overall::Degraded)
    );
    readiness.body
}

/// Runs a fleet whose check of the shared dependency is external. During the outage no member leaves the rotation, but
/// Nagios and Prometheus show the failure.
fn external() {
    let monitor = RefCell::new(None);
    ride_out(
        &["database=external"],
        |fleet| {
            assert_eq!(check_http(fleet.members[0].health.port()), 0);
            let targets = fleet.members.iter().map(|member| member.health.to_string());
            *monitor.borrow_mut() = Some(prometheus(&targets.collect::<Vec<_>>()));
        },
        |fleet| {
            for member in &fleet.members {
                assert_degraded(member);
                assert_eq!(member.code("/healthcheck"), 503);
                assert_eq!(check_http(member.health.port()), 2, "the monitor is red");
            }
            let mut monitor = monitor.borrow_mut();
            let (prometheus, api, _folder) = monitor.as_mut().unwrap();
            prometheus.wait_until("one alert fires, with the owner, for all members", || {
                matches!(&*firing(*api), [alert] if alert["labels"]["owner"] == "orders"
                    && alert["value"].as_str().unwrap().parse() == Ok(MEMBERS as f64))
            });
        },
    );
}

/// Runs a fleet whose check of the shared dependency is critical. The check fails only after the dependency has been
/// down for 60 s, and the outage ends after 45 s.
fn critical_with_fail_after() {
    ride_out(
        &["database=critical", "fail_after=60000"],
        |_| {},
        |fleet| {
            for member in &fleet.members {
                let shown = assert_degraded(member);
                assert!(shown.contains("fails after 60 s"), "how long is left: {shown}");
            }
        },
    );
}

#[test]
fn an_outage_of_45_s_of_what_all_share_takes_nobody_out_and_every_monitor_sees_it() {
    let _alone = alone();
    thread::scope(|scope| {
        scope.spawn(external);
        scope.spawn(critical_with_fail_after);
    });
}

#[test]
fn a_critical_check_alone_takes_everybody_out_as_is_documented() {
    let _alone = alone();
    let dependency = Dependency::start();
    let mut fleet = Fleet::start(&dependency, &["database=critical"]);
    dependency.set(false);
    for number in 0..MEMBERS {
        fleet
            .haproxy
            .wait_for(&format!("shop-{number}"), |status, _| status == "DOWN");
    }
    assert_eq!(fleet.gone().len(), MEMBERS);
    dependency.set(true);
    for number in 0..MEMBERS {
        fleet
            .haproxy
            .wait_for(&format!("shop-{number}"), |status, _| status == "UP");
    }
}

#[test]
fn a_members_own_failure_takes_it_alone_out_within_the_documented_sum() {
    let _alone = alone();
    let dependency = Dependency::start();
    let mut fleet = Fleet::start(&dependency, &["database=external"]);
    // The documented maximum time is the sum of three times: the maximum age of a result on a probe, the timeout of the
    // check, and two rounds of the prober.
    //
    // One round takes at most the prober's period (500 ms) and its timeout (800 ms).
    let sum = Duration::from_secs(5) + Duration::from_secs(1) + 2 * Duration::from_millis(500 + 800);
    for (number, failure) in [(3, "fill the disk"), (7, "block")] {
        fleet.members[number].process.send(failure);
        let began = Instant::now();
        fleet
            .haproxy
            .wait_for(&format!("shop-{number}"), |status, _| status == "DOWN");
        let took = began.elapsed();
        println!("{failure}: it left after {took:?}, {sum:?} are documented");
        assert!(took <= sum, "{failure}: {took:?}");
    }
    assert_eq!(fleet.gone(), [3, 7]);
}

#[test]
fn a_rolling_restart_of_all_under_load_loses_not_one_request() {
    let _alone = alone();
    let dependency = Dependency::start();
    let mut fleet = Fleet::start(&dependency, &["database=external", "delay=2000"]);
    let load = Load::start(fleet.haproxy.front);
    for number in 0..MEMBERS {
        let name = format!("shop-{number}");
        let member = &mut fleet.members[number];
        member.process.signal(Signal::TERM);
        assert!(member.process.wait().success());
        fleet.haproxy.wait_for(&name, |status, _| status == "DOWN");
        member.start_again();
        fleet.haproxy.wait_for(&name, |status, _| status == "UP");
    }
    let (answered, lost) = load.stop();
    println!("{answered} requests were answered while {MEMBERS} members were restarted");
    assert_eq!(lost, Vec::<String>::new());
}
