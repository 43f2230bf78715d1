//! Tests common configurations of reverse proxies. Each test finds out which details an outsider can see through the
//! proxy, and compares them with a table in SECURITY.md.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use healthcheck_tests::free_addr;
use tempfile::TempDir;

use crate::balancers::{apache, varnish};
use crate::client::{Client, LIMIT, example, print_version};
use crate::process::{Served, get};
use crate::states::{at, follow};
use crate::stats::HaProxy;

/// The value of an environment variable of the service. The redaction doesn't hide this value, because the name of the
/// variable doesn't look like that of a secret.
///
/// If the environment page is open to outsiders, the page shows this value to them.
const VALUE: &str = "violet-with-a-tinge-of-grey";

/// Starts a service that listens on a loopback address. One of its checks fails.
fn service() -> (Served, SocketAddr) {
    let mut command = Served::command(&["broken=yes"]);
    command.env("COLOUR", VALUE);
    let served = Served::spawn(command);
    let addr = served.printed("listening ").parse().unwrap();
    let direct = get(addr, "/environment").body;
    assert!(
        direct.contains(VALUE),
        "whoever is on the machine sees it: {direct}"
    );
    (served, addr)
}

/// Requests pages through the proxy at `front`. Returns the result as text, in the form of the last three columns of
/// the table in SECURITY.md.
fn seen_through(front: SocketAddr) -> String {
    let environment = |host| {
        let answer = ask(front, "/environment", host);
        let history = ask(front, "/healthcheck/history", host);
        match (
            answer.contains(VALUE),
            answer.contains(" 403 "),
            history.contains(" 403 "),
        ) {
            (true, false, false) => "**open**",
            (false, true, true) => "refused",
            _ => panic!("{answer}\n{history}"),
        }
    };
    let report = ask(front, "/healthcheck", "shop.example");
    let details = match (
        report.contains("broken by hand"),
        report.contains("reason withheld"),
    ) {
        (true, false) => "**shown**",
        (false, true) => "withheld",
        _ => panic!("{report}"),
    };
    let (strange, pretended) = (environment("shop.example"), environment("localhost"));
    format!("{strange} | {pretended} | {details} |")
}

fn ask(addr: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Asserts that the row of this proxy in the table of SECURITY.md contains the result `found`.
fn assert_documented(proxy: &str, found: &str) {
    println!("{proxy}: {found}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, marked) = text.split_once("<!-- proxies: begin").unwrap();
    let (marked, _) = marked.split_once("<!-- proxies: end").unwrap();
    let row = marked
        .lines()
        .find(|line| line.starts_with(&format!("| {proxy} |")))
        .unwrap_or_else(|| panic!("SECURITY.md has no row of {proxy}: {found}"));
    assert!(row.ends_with(found), "found: {found}\nSECURITY.md: {row}");
}

/// Starts nginx with this configuration, in which nginx listens on the address `front`.
fn nginx(configuration: &str, front: SocketAddr, folder: &TempDir) -> Client {
    print_version("nginx", &["-v"]);
    // The user that runs this test can't write to the directories of the installed nginx. So this configuration names
    // the test's folder for the temporary files of nginx.
    let text = configuration.replacen(
        "http {",
        "daemon off; pid nginx.pid; error_log stderr;
         http {
             access_log off;
             client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;",
        1,
    );
    fs::write(folder.path().join("nginx.conf"), text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).arg("-c");
    command.arg(folder.path().join("nginx.conf"));
    // This makes nginx run as a single process. Otherwise worker processes of nginx would still run after the test.
    command.args(["-e", "stderr", "-g", "master_process off;"]);
    let mut nginx = Client::start(&mut command, folder.path());
    nginx.wait_until("it listens", || TcpStream::connect(front).is_ok());
    nginx
}

fn behind_nginx(location: &str) -> String {
    let (_served, addr) = service();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let text = format!(
        "events {{}} http {{ server {{ listen {front}; location / {{ {location} proxy_pass http://{addr}; }} }} }}"
    );
    let _nginx = nginx(&text, front, &folder);
    seen_through(front)
}

#[test]
fn behind_nginx_with_a_bare_proxy_pass() {
    assert_documented("nginx with a bare `proxy_pass`", &behind_nginx(""));
}

#[test]
fn behind_nginx_with_a_bare_proxy_pass_over_http_1_1() {
    let found = behind_nginx("proxy_http_version 1.1;");
    assert_documented("nginx with a bare `proxy_pass` over HTTP/1.1", &found);
}

#[test]
fn behind_the_nginx_of_the_example() {
    let (_served, addr) = service();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let text = example(
        "nginx/nginx.conf",
        &[
            ("127.0.0.1:8000", &front.to_string()),
            ("127.0.0.1:8081", &addr.to_string()),
        ],
    );
    let _nginx = nginx(&text, front, &folder);
    for host in ["shop.example", "localhost"] {
        assert_closed(front, host);
        let ready = ask(front, "/readyz", host);
        assert!(
            ready.starts_with("HTTP/1.1 503") && ready.contains("reason withheld"),
            "{ready}"
        );
    }
}

#[test]
fn the_nginx_of_the_example_tells_those_outside_each_state_of_the_service() {
    let addr = free_addr();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let text = example(
        "nginx/nginx.conf",
        &[
            ("127.0.0.1:8000", &front.to_string()),
            ("127.0.0.1:8081", &addr.to_string()),
        ],
    );
    let served = at(addr);
    let _nginx = nginx(&text, front, &folder);
    let is_ready = || get_within(front, "/readyz", Duration::from_secs(2)) == Some(200);
    follow(served, || at(addr), is_ready);
}

/// Sends a GET request. Returns the status code of the answer, or `None` if no answer comes within `limit`.
fn get_within(addr: SocketAddr, path: &str, limit: Duration) -> Option<u16> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(limit)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).ok()?;
    std::str::from_utf8(&status[9..]).ok()?.parse().ok()
}

/// Asserts that the proxy answers 404 when an outsider requests a page that is only for internal use.
fn assert_closed(front: SocketAddr, host: &str) {
    for inside in [
        "/environment",
        "/environment/process",
        "/healthcheck",
        "/healthcheck/history",
    ] {
        let answer = ask(front, inside, host);
        assert!(answer.starts_with("HTTP/1.1 404"), "{inside}: {answer}");
    }
}

#[test]
fn behind_haproxy_without_forwardfor() {
    let (_served, addr) = service();
    let front = free_addr();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "defaults\n mode http\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n\
         frontend shop\n bind {front}\n default_backend shop\n\
         backend shop\n server shop {addr}\n"
    );
    let haproxy = HaProxy::start_with(&text, front, folder);
    assert_documented("HAProxy without `forwardfor`", &seen_through(haproxy.front));
}

#[test]
fn behind_haproxy_with_forwardfor() {
    let (_served, addr) = service();
    let front = free_addr();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "defaults\n mode http\n option forwardfor\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n\
         frontend shop\n bind {front}\n default_backend shop\n\
         backend shop\n server shop {addr}\n"
    );
    let haproxy = HaProxy::start_with(&text, front, folder);
    assert_documented("HAProxy with `option forwardfor`", &seen_through(haproxy.front));
}

/// Starts Caddy with this configuration, in which Caddy listens on the address `front`.
pub fn caddy(text: &str, front: SocketAddr, folder: &TempDir) -> Client {
    print_version("caddy", &["version"]);
    fs::write(folder.path().join("Caddyfile"), text).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]);
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, folder.path());
    }
    let mut caddy = Client::start(&mut command, folder.path());
    caddy.wait_until("it listens", || TcpStream::connect(front).is_ok());
    caddy
}

#[test]
fn behind_caddy() {
    let (_served, addr) = service();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let text = format!(
        "{{\n\tadmin off\n\tauto_https off\n}}\nhttp://:{} {{\n\tbind 127.0.0.1\n\treverse_proxy {addr}\n}}\n",
        front.port()
    );
    let _caddy = caddy(&text, front, &folder);
    assert_documented("Caddy's `reverse_proxy`", &seen_through(front));
}

#[test]
fn behind_apache() {
    let (_served, addr) = service();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let site = format!("Listen {front}\nProxyPass \"/\" \"http://{addr}/\"\n");
    let _apache = apache(&site, front, &folder);
    assert_documented("Apache's `ProxyPass`", &seen_through(front));
}

#[test]
fn behind_varnish() {
    let (_served, addr) = service();
    let (front, folder) = (free_addr(), tempfile::tempdir().unwrap());
    let vcl = format!(
        "vcl 4.1;\nbackend shop {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}\n",
        addr.port()
    );
    let _varnish = varnish(&vcl, front, &folder);
    assert_documented("Varnish", &seen_through(front));
}
