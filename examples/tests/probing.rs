//! Tests the examples `self_probe`, `draining` and `probes_out_of_logs`.

use std::process::Output;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::example::{Example, LIMIT, command, get, get_as};

#[test]
fn a_service_probes_itself() {
    let directory = tempfile::tempdir().unwrap();
    let uploads = directory.path().join("healthcheck-uploads");
    std::fs::create_dir(&uploads).unwrap();
    let example = Example::run(
        command("self_probe")
            .env("HEALTHCHECK_ADDR", "127.0.0.1:0")
            .env("TMPDIR", directory.path()),
    );
    let addr = example.address();
    let probe = |arguments: &[&str]| {
        let mut command = command("self_probe");
        let Output { status, stdout, .. } = command
            .arg("probe")
            .args(arguments)
            .env("HEALTHCHECK_ADDR", addr.to_string())
            .output()
            .unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap())
    };
    let until = |docker: i32, nagios: i32, line: &str| {
        let end = Instant::now() + LIMIT;
        while probe(&["--nagios"]) != (nagios, format!("{line}\n")) {
            assert!(Instant::now() < end, "{:?}", probe(&["--nagios"]));
        }
        assert_eq!(probe(&[]), (docker, format!("{line}\n")));
    };
    until(0, 0, "OK - 1 check passes");
    for count in 0..10 {
        std::fs::write(uploads.join(count.to_string()), "").unwrap();
    }
    until(0, 1, "WARNING - uploads: 10 uploads are waiting");
    std::fs::remove_dir_all(&uploads).unwrap();
    until(1, 2, "CRITICAL - uploads: No such file or directory (os error 2)");
}

#[test]
fn an_application_drains_with_axums_graceful_shutdown() {
    let mut example = Example::start("draining", &["127.0.0.1:0"]);
    let addr = example.address();
    assert_eq!(get(addr, "/readyz").0, 200);
    let pid = Pid::from_raw(i32::try_from(example.process.id()).unwrap()).unwrap();
    let began = Instant::now();
    kill_process(pid, Signal::TERM).unwrap();
    let end = Instant::now() + LIMIT;
    while !get(addr, "/readyz").1.contains("shutting down") {
        assert!(Instant::now() < end);
    }
    assert_eq!(get(addr, "/").1, "hello", "requests are answered while it drains");
    assert_eq!(example.line(), "drained");
    assert!(example.process.wait().unwrap().success());
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn probes_stay_out_of_traces() {
    let example = Example::start("probes_out_of_logs", &["127.0.0.1:0"]);
    let addr = example.address();
    get_as("curl/8.5", addr, "/readyz");
    get_as("ELB-HealthChecker/2.0", addr, "/");
    get_as("Mozilla/5.0", addr, "/");
    // The service logs requests in the order in which they arrive, and the browser's request arrived last. If the
    // browser's request is the first in the log, the service hasn't logged the two probes before it.
    let mut line = example.line();
    while !line.contains("request{") {
        line = example.line();
    }
    assert!(
        line.contains("method=GET path=\"/\"") && line.contains("answered"),
        "{line}"
    );
    assert_eq!(
        example
            .lines
            .try_iter()
            .filter(|line| line.contains("request{"))
            .count(),
        0
    );
}
