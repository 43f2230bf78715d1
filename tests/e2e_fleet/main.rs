//! A failing shared dependency never takes the whole fleet out of rotation: ten real processes behind a real HAProxy,
//! under load. The tests print what they measure. Outages and `fail_after` are shorter than in production, but the
//! longer one of two compared times is always the same as there.
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

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::{Client, example, print_version};
use fleet::{Dependency, Fleet, Load, MEMBERS};
use healthcheck::Overall;
use healthcheck_tests::free_addr;
use process::get;
use rustix::process::Signal;
use serde_json::Value;

/// Runs one fleet at a time, so that no other fleet slows it down.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const OUTAGE: usize = 12;

/// The exit code of the Nagios plugin: 0 is OK, 2 is CRITICAL.
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

/// Starts Prometheus with these targets and the shipped alert rules.
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

/// The labels of each firing alert about a failing check.
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
    let firing = alerts
        .filter(|alert| alert["state"] == "firing" && alert["labels"]["alertname"] == "HealthCheckFails");
    firing.map(|alert| alert["labels"].clone()).collect()
}

#[test]
fn an_outage_of_what_all_share_takes_nobody_out_and_every_monitor_sees_it() {
    let _alone = alone();
    let dependency = Dependency::start();
    let fleet = Fleet::start(&dependency, &["database=external"]);
    let targets: Vec<String> = fleet
        .members
        .iter()
        .map(|member| member.health.to_string())
        .collect();
    let (mut prometheus, api, _folder) = prometheus(&targets);
    let load = Load::start(fleet.haproxy.front);
    let nobody_left = || assert_eq!(fleet.gone(), [0; 0], "a member left");

    let before = dependency.questions(10, nobody_left);
    assert_eq!(check_http(fleet.members[0].health.port()), 0);
    dependency.set(false);
    let during = dependency.questions(OUTAGE, nobody_left);
    for member in &fleet.members {
        let readiness = get(member.health, "/readyz");
        assert_eq!(
            (readiness.code, readiness.report().status),
            (200, Overall::Degraded)
        );
        assert_eq!(member.code("/healthcheck"), 503);
        assert_eq!(check_http(member.health.port()), 2, "the monitor is red");
    }
    prometheus.wait_until("the alert fires for each member, with its owner", || {
        firing(api)
            .iter()
            .filter(|labels| labels["owner"] == "orders")
            .count()
            == MEMBERS
    });
    dependency.set(true);
    let after = dependency.questions(12, nobody_left);
    for member in &fleet.members {
        assert_eq!(get(member.health, "/readyz").report().status, Overall::Success);
    }
    let (answered, lost) = load.stop();
    println!(
        "{answered} requests were answered; {} members, {} lost",
        MEMBERS,
        lost.len()
    );
    println!(
        "questions to the dependency in each second: {before:?}, while it is down {during:?}, after {after:?}"
    );
    assert_eq!(lost, Vec::<String>::new());
    for second in before.iter().chain(&during).chain(&after) {
        assert!(
            *second <= 2 * MEMBERS,
            "a stampede: {second} questions in a second"
        );
    }
}

#[test]
fn a_critical_check_with_fail_after_rides_out_an_outage_that_is_shorter() {
    let _alone = alone();
    let dependency = Dependency::start();
    let fleet = Fleet::start(&dependency, &["database=critical", "fail_after=20000"]);
    dependency.set(false);
    dependency.questions(OUTAGE, || assert_eq!(fleet.gone(), [0; 0], "a member left"));
    assert_eq!(
        get(fleet.members[0].health, "/readyz").report().status,
        Overall::Degraded
    );
    dependency.set(true);
    dependency.questions(12, || assert_eq!(fleet.gone(), [0; 0], "a member left"));
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
    // The sum of: the maximum age of a pass on a probe, the check's time limit, and twice the prober's period and time
    // limit.
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
