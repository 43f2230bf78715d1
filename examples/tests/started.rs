//! Tests that each example does what the comment at the top of its file describes.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::example::{Example, LIMIT, command, get, report, result};

#[test]
fn quickstart_prints_and_answers_what_the_readme_shows_and_its_failing_check_can_be_repaired() {
    let marker = tempfile::tempdir().unwrap();
    let example = Example::run(
        command("quickstart")
            .arg("127.0.0.1:0")
            .env("TMPDIR", marker.path()),
    );
    let printed: Vec<String> = (0..7).map(|_| example.line()).collect();
    let (address, _) = printed[0]
        .strip_prefix("open http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let shown = |text: &str| {
        let text = text.replace(&address.to_string(), "127.0.0.1:8080");
        text.replace(marker.path().to_str().unwrap(), "/tmp")
    };
    let readme = include_str!("../../README.md");
    let printed = shown(&printed.join("\n"));
    assert!(
        readme.contains(&format!("\n```text\n{printed}\n```\n")),
        "{printed}"
    );
    let (status, answer) = get(address, "/healthcheck?verbose");
    let answer = shown(&answer);
    assert!(readme.contains(&format!("\n```text\n{answer}```\n")), "{answer}");
    assert_eq!(status, 503);

    assert_eq!(get(address, "/healthcheck").0, 503);
    let failing = report(address);
    assert!(result(&failing, "addition_works").passed);
    assert_eq!(result(&failing, "orders").status, healthcheck::Status::Warn);
    let output = result(&failing, "repaired").output.as_str().unwrap().to_owned();
    assert!(output.starts_with("missing: touch "), "{output}");

    std::fs::write(marker.path().join("healthcheck-quickstart"), "").unwrap();
    let until = Instant::now() + LIMIT;
    while get(address, "/healthcheck").0 != 200 {
        assert!(
            Instant::now() < until,
            "a failure is looked at again after a second"
        );
        std::thread::yield_now();
    }
    assert_eq!(report(address).status, healthcheck::Overall::Degraded);
    assert_eq!((get(address, "/livez").0, get(address, "/readyz").0), (200, 200));
    let (status, environment) = get(address, "/environment");
    assert_eq!(status, 200);
    let environment: serde_json::Value = serde_json::from_str(&environment).unwrap();
    assert_eq!(environment["application"]["maintainer"], "the orders team");
    assert_eq!(environment["application"]["db_password"], "********");
    assert_eq!(
        environment["rust"]["package"]["name"], "healthcheck-examples",
        "{}",
        environment["rust"]
    );
}

#[test]
fn quickstart_says_in_one_line_that_its_address_is_taken_and_ends_with_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = command("quickstart")
        .env("HEALTHCHECK_ADDR", &address)
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.starts_with(&format!("can't listen on {address}: ")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn the_endpoints_live_in_an_existing_app() {
    let example = Example::start("existing_app", &["127.0.0.1:0"]);
    let address = example.address();
    assert_eq!(get(address, "/"), (200, "hello".to_owned()));
    assert!(report(address).results[0].passed);
    assert_eq!(get(address, "/readyz").0, 200);
    assert_eq!(get(address, "/environment").0, 200);
}

#[test]
fn the_endpoints_live_on_a_port_of_their_own() {
    let example = Example::start("management_port", &["127.0.0.1:0", "127.0.0.1:0"]);
    let (app, management) = (example.address(), example.address());
    assert_eq!(get(app, "/").1, "the application");
    assert_eq!(get(app, "/healthcheck").0, 404);
    assert_eq!(get(management, "/healthcheck").0, 200);
}

#[test]
fn checks_get_what_they_depend_on() {
    let example = Example::start("dependencies", &["127.0.0.1:0"]);
    let report = report(example.address());
    assert_eq!(result(&report, "pool").output, "5 connections to eu-1");
    assert!(result(&report, "store").passed);
}

#[test]
fn checks_are_made_by_hand() {
    let example = Example::start("by_hand", &["127.0.0.1:0"]);
    let address = example.address();
    let report = report(address);
    assert_eq!(report.status, healthcheck::Overall::Degraded);
    assert!(result(&report, &format!("peer {address}")).passed);
    assert!(!result(&report, "peer 127.0.0.1:1").passed);
    assert_eq!(report.sections["release"], "2026-01");
}

#[test]
fn checks_of_another_crate_are_found() {
    let example = Example::start("another_crate", &["127.0.0.1:0"]);
    assert_eq!(
        result(&report(example.address()), "from_another_crate").output,
        "linked"
    );
}

#[test]
fn the_endpoints_live_under_bare_hyper() {
    let example = Example::start("bare_hyper", &["127.0.0.1:0"]);
    let address = example.address();
    assert!(report(address).results[0].passed);
    assert_eq!(get(address, "/environment").0, 200);
}

#[test]
fn background_checks_are_read() {
    let example = Example::start("background", &["127.0.0.1:0"]);
    assert!(
        result(&report(example.address()), "expensive")
            .output
            .as_str()
            .unwrap()
            .starts_with("run ")
    );
}

#[test]
fn settings_from_a_file_hold() {
    let example = Example::start("settings_file", &["127.0.0.1:0"]);
    assert_eq!(report(example.address()).status, healthcheck::Overall::Degraded);
}

#[cfg(feature = "ready-made")]
#[test]
fn ready_made_runs_ten_checks_on_a_file_and_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.db");
    let example = Example::start("ready_made", &["127.0.0.1:0", file.to_str().unwrap()]);
    let report = report(example.address());
    assert_eq!(report.results.len(), 10);
    for name in [
        "backlog",
        "counter",
        "database_file",
        "orders",
        "queries",
        "schema",
    ] {
        let result = result(&report, name);
        assert_eq!(result.status, healthcheck::Status::Pass, "{result:?}");
    }
    assert!(file.exists());
}

#[test]
fn a_worker_takes_no_message_while_the_database_is_down_and_goes_on_once_it_is_back() {
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = database.local_addr().unwrap();
    let example = Example::start("worker", &["127.0.0.1:0", &address.to_string()]);
    let health = example.address();
    while !example.line().ends_with(" done") {}
    drop(database);
    // At most four messages fail. Each of the four workers may hold one message when the database goes down, and takes
    // no other message until the database is up again.
    let mut failed = 0;
    while let Ok(line) = example.lines.recv_timeout(Duration::from_secs(2)) {
        failed += usize::from(line.contains(" failed: "));
    }
    assert!(failed <= 4, "{failed}");
    assert_eq!(get(health, "/readyz").0, 200, "a shared failure takes nobody out");
    assert_eq!(get(health, "/healthcheck").0, 503);
    let _database = TcpListener::bind(address).unwrap();
    while !example.line().ends_with(" done") {}
}
