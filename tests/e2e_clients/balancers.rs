//! Tests the load balancers Apache, Varnish and Caddy with two instances of a service. Each load balancer must send
//! requests only to instances that are ready.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use healthcheck_tests::free_addr;
use tempfile::TempDir;

use crate::client::{Client, example, print_version};
use crate::process::Served;
use crate::proxies::caddy;
use crate::states::{at, follow};

/// Starts two instances of the service. Tests change the state of the first instance. The second instance always
/// passes.
///
/// Only the first instance has the check `runtime`. So an answer of `/livez` shows which instance has sent the answer.
fn two() -> ((Served, SocketAddr), (Served, SocketAddr)) {
    let addr = free_addr();
    ((at(addr), addr), Served::start(&["no_runtime_check=yes"]))
}

fn ask(front: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(front).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Returns whether the load balancer sends requests to the first instance. Twelve requests are enough, whether the load
/// balancer chooses instances in turn or at random.
fn first_is_in(front: SocketAddr) -> bool {
    let mut answers = (0..12).filter_map(|_| ask(front, "/livez"));
    answers.any(|answer| answer.contains("\"runtime\""))
}

fn assert_closed(front: SocketAddr) {
    for inside in [
        "/environment",
        "/Environment/os",
        "/healthcheck",
        "/healthcheck/history",
    ] {
        let answer = ask(front, inside).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{inside}: {answer}");
        assert!(!answer.contains("breakable"), "{inside}: {answer}");
    }
}

/// Starts Apache with the configuration `site`, in which Apache listens on the address `front`.
pub fn apache(site: &str, front: SocketAddr, folder: &TempDir) -> Client {
    print_version("apache2", &["-v"]);
    let modules = [
        "mpm_event",
        "authz_core",
        "alias",
        "slotmem_shm",
        "proxy",
        "proxy_http",
        "proxy_balancer",
        "proxy_hcheck",
        "lbmethod_byrequests",
    ];
    let path = folder.path().display();
    let mut text = format!(
        "ServerName shop.example\nServerRoot {path}\nDefaultRuntimeDir {path}\nPidFile {path}/pid\n\
         Mutex file:{path} default\nErrorLog /dev/stderr\nUser nobody\nGroup nogroup\n"
    );
    for module in modules {
        let file = Path::new("/usr/lib/apache2/modules").join(format!("mod_{module}.so"));
        writeln!(text, "LoadModule {module}_module {}", file.display()).unwrap();
    }
    text.push_str(site);
    let configuration = folder.path().join("apache2.conf");
    fs::write(&configuration, text).unwrap();
    let mut command = Command::new("apache2");
    // With `-X` Apache runs as a single process. Without this option, worker processes of Apache would still run after
    // the test.
    command.arg("-X").arg("-f").arg(&configuration);
    let mut apache = Client::start(&mut command, folder.path());
    apache.wait_until("it listens", || TcpStream::connect(front).is_ok());
    apache
}

/// Starts Varnish with the configuration `vcl`. Varnish listens on the address `front`.
pub fn varnish(vcl: &str, front: SocketAddr, folder: &TempDir) -> Client {
    print_version("varnishd", &["-V"]);
    let file = folder.path().join("default.vcl");
    fs::write(&file, vcl).unwrap();
    let mut command = Command::new("varnishd");
    command.arg("-F").arg("-f").arg(&file);
    command.arg("-a").arg(front.to_string());
    command.arg("-n").arg(folder.path().join("work"));
    command.args(["-s", "malloc,16m", "-j", "none"]);
    let mut varnish = Client::start(&mut command, folder.path());
    varnish.wait_until("it listens", || TcpStream::connect(front).is_ok());
    varnish
}

#[test]
fn apache_follows_the_first_instance_into_each_state_and_back() {
    let ((first, first_addr), (_second, second_addr)) = two();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let site = example(
        "apache/shop.conf",
        &[
            ("127.0.0.1:8000", &front.to_string()),
            ("127.0.0.1:8081", &first_addr.to_string()),
            ("127.0.0.1:8082", &second_addr.to_string()),
        ],
    );
    let _apache = apache(&site, front, &folder);
    assert_closed(front);
    follow(first, || at(first_addr), || first_is_in(front));
}

#[test]
fn varnish_follows_the_first_instance_into_each_state_and_back() {
    let ((first, first_addr), (_second, second_addr)) = two();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let vcl = example(
        "varnish/default.vcl",
        &[
            ("\"8081\"", &format!("\"{}\"", first_addr.port())),
            ("\"8082\"", &format!("\"{}\"", second_addr.port())),
        ],
    );
    let _varnish = varnish(&vcl, front, &folder);
    assert_closed(front);
    follow(first, || at(first_addr), || first_is_in(front));
}

#[test]
fn caddy_follows_the_first_instance_into_each_state_and_back() {
    let ((first, first_addr), (_second, second_addr)) = two();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let text = example(
        "caddy/Caddyfile",
        &[
            (":8000 {", &format!(":{} {{", front.port())),
            ("127.0.0.1:8081", &first_addr.to_string()),
            ("127.0.0.1:8082", &second_addr.to_string()),
        ],
    );
    let _caddy = caddy(&text, front, &folder);
    assert_closed(front);
    follow(first, || at(first_addr), || first_is_in(front));
}
