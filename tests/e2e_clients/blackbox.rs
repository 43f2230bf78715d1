//! Tests the library with Prometheus' blackbox exporter, which probes a service from outside.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use healthcheck_tests::free_addr;

use crate::client::{Client, LIMIT, example, print_version};
use crate::process::Served;
use crate::states::{at, follow};

const PROGRAM: &str = "prometheus-blackbox-exporter";

fn start() -> (Client, SocketAddr, tempfile::TempDir) {
    print_version(PROGRAM, &["--version"]);
    let (addr, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let file = folder.path().join("blackbox.yml");
    fs::write(&file, example("prometheus/blackbox.yml", &[])).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--web.listen-address={addr}"));
    let mut exporter = Client::start(&mut command, folder.path());
    exporter.wait_until("it listens", || TcpStream::connect(addr).is_ok());
    (exporter, addr, folder)
}

/// Makes the exporter probe the page with this module of its configuration. Returns whether the exporter reports
/// success.
fn succeeds(exporter: SocketAddr, module: &str, page: &str) -> bool {
    let mut stream = TcpStream::connect(exporter).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(
        stream,
        "GET /probe?module={module}&target={page} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let value = answer
        .lines()
        .find_map(|line| line.strip_prefix("probe_success "));
    match value {
        Some("1") => true,
        Some("0") => false,
        _ => panic!("{answer}"),
    }
}

#[test]
fn the_blackbox_exporter_follows_the_service_into_each_state_and_back() {
    let addr = free_addr();
    let (_exporter, exporter, _folder) = start();
    let page = format!("http://{addr}/readyz");
    follow(at(addr), || at(addr), || succeeds(exporter, "ready", &page));
}

#[test]
fn the_module_for_monitors_fails_while_a_check_warns_as_well() {
    let (mut served, addr) = Served::start(&[]);
    let (_exporter, exporter, _folder) = start();
    let page = format!("http://{addr}/healthcheck");
    assert!(succeeds(exporter, "healthy", &page));
    for (worse, better) in [("warn", "calm"), ("break", "repair")] {
        served.tell(worse);
        assert!(!succeeds(exporter, "healthy", &page), "{worse}");
        served.tell(better);
        assert!(succeeds(exporter, "healthy", &page), "{better}");
    }
}
