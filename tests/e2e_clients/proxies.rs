//! What an outsider sees through a proxy that somebody has put in front without a thought, and through those of the
//! examples. SECURITY.md says it as these tests find it.

use std::fs;
use std::process::Command;

use crate::servers::Server;
use crate::service::{Service, announce, example, get, until};

/// What a visitor sees of the service behind a proxy.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    environment: &'static str,
    details: &'static str,
    values: bool,
}

const CLOSED: Seen = Seen {
    environment: "refused",
    details: "withheld",
    values: false,
};

/// Bound to loopback, as behind a proxy on the same machine; one check fails with something to hide.
fn service() -> Service {
    let mut service = Service::start(&[]);
    service.tell("fail database connection refused by 10.0.0.7");
    service
}

/// By the site's name, unless something else is pretended.
fn seen(port: u16, host: &str) -> Seen {
    let address = format!("127.0.0.1:{port}");
    let host = format!("Host: {host}");
    let ask = |path: &str| get(&address, path, &[&host]);
    let health = until("the proxy to pass requests on", || match ask("/readyz?format=json") {
        Ok(answer) if answer.body.contains("database") => Ok(answer),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(health.status, 503);
    let environment = ask("/environment").unwrap();
    Seen {
        environment: match environment.status {
            200 => "open",
            403 | 404 => "refused",
            other => panic!("{other}: {}", environment.body),
        },
        details: if health.body.contains("10.0.0.7") { "shown" } else { "withheld" },
        values: environment.body.contains(env!("CARGO_PKG_NAME")),
    }
}

/// Holds SECURITY.md to what was seen: the row of this proxy has a column each for the environment and the details.
fn assert_documented(proxy: &str, seen: &Seen) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");
    let text = fs::read_to_string(path).unwrap();
    let row = text.lines().find(|line| line.starts_with(&format!("| {proxy}")));
    let row = row.unwrap_or_else(|| panic!("SECURITY.md has no row for {proxy}: {seen:?}"));
    let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_start_matches('*')).collect();
    assert!(cells[3].starts_with(seen.environment), "{row} but {seen:?}");
    assert!(cells[4].starts_with(seen.details), "{row} but {seen:?}");
    println!("{proxy}: {seen:?}");
}

fn nginx(configuration: impl FnOnce(u16) -> String) -> Server {
    announce("nginx", &["-v"]);
    Server::start(|folder, port| {
        // What it buffers, it may not write where its package says.
        let configuration = configuration(port).replacen(
            "http {",
            "daemon off; pid nginx.pid; error_log stderr; http { access_log off; client_body_temp_path .; \
             proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;",
            1,
        );
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]).arg(folder.join("nginx.conf"));
        command
    })
}

fn bare_nginx(service: &Service, more: &str) -> Server {
    nginx(|port| {
        format!(
            "events {{}} http {{ server {{ listen 127.0.0.1:{port}; location / {{ {more} proxy_pass http://{}; }} }} }}",
            service.address
        )
    })
}

#[test]
fn nginx_with_a_bare_proxy_pass() {
    let service = service();
    let proxy = bare_nginx(&service, "");
    let seen = seen(proxy.port, "shop.example.com");
    assert!(!seen.values);
    assert_documented("nginx with a bare `proxy_pass`", &seen);
}

#[test]
fn nginx_with_a_bare_proxy_pass_over_http_1_1() {
    let service = service();
    let proxy = bare_nginx(&service, "proxy_http_version 1.1;");
    assert_documented("nginx with a bare `proxy_pass` over HTTP/1.1", &seen(proxy.port, "shop.example.com"));
}

#[test]
fn the_nginx_of_the_example() {
    let service = service();
    let proxy = nginx(|port| {
        example(
            "nginx/nginx.conf",
            &[
                ("127.0.0.1:8000", &format!("127.0.0.1:{port}")),
                ("127.0.0.1:8081", &service.address.to_string()),
            ],
        )
    });
    assert_eq!(seen(proxy.port, "shop.example.com"), CLOSED);
    assert_eq!(seen(proxy.port, "localhost"), CLOSED);
}

fn haproxy(service: &Service) -> Server {
    announce("haproxy", &["-v"]);
    Server::start(|folder, port| {
        let configuration = format!(
            "defaults\n mode http\n timeout connect 2s\n timeout client 9s\n timeout server 9s\n\
             listen all\n bind 127.0.0.1:{port}\n server one {}\n",
            service.address
        );
        fs::write(folder.join("haproxy.cfg"), configuration).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
        command
    })
}

#[test]
fn haproxy_without_forwardfor() {
    let service = service();
    let proxy = haproxy(&service);
    let seen = seen(proxy.port, "shop.example.com");
    assert!(!seen.values);
    assert_documented("HAProxy without `forwardfor`", &seen);
}

#[test]
fn haproxy_without_forwardfor_and_a_visitor_who_pretends_to_be_local() {
    let service = service();
    let proxy = haproxy(&service);
    assert_documented("the same, asked with `Host: localhost`", &seen(proxy.port, "localhost"));
}

fn caddy(configuration: impl FnOnce(u16) -> String) -> Server {
    announce("caddy", &["version"]);
    Server::start(|folder, port| {
        fs::write(folder.join("Caddyfile"), configuration(port)).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        // It keeps certificates and its last configuration there.
        command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
        command
    })
}

#[test]
fn caddy_as_it_comes() {
    let service = service();
    let proxy = caddy(|port| {
        format!(
            "{{\n admin off\n auto_https off\n}}\nhttp://:{port} {{\n bind 127.0.0.1\n reverse_proxy {}\n}}\n",
            service.address
        )
    });
    let found = seen(proxy.port, "shop.example.com");
    assert_eq!(found, CLOSED);
    assert_eq!(seen(proxy.port, "localhost"), CLOSED);
    assert_documented("Caddy's `reverse_proxy`", &found);
}

#[test]
fn the_caddy_of_the_example_leaves_out_who_is_not_ready() {
    let mut one = Service::start(&[]);
    let two = Service::start(&[]);
    let proxy = caddy(|port| {
        example(
            "caddy/Caddyfile",
            &[
                ("http://127.0.0.1:8000", &format!("http://127.0.0.1:{port}")),
                ("127.0.0.1:8081", &one.address.to_string()),
                ("127.0.0.1:8082", &two.address.to_string()),
            ],
        )
    });
    let address = format!("127.0.0.1:{}", proxy.port);
    for closed in ["/environment", "/healthcheck", "/healthcheck/history"] {
        assert_eq!(get(&address, closed, &[]).unwrap().status, 404);
    }
    let passes = |wanted: bool| {
        until("both or one of the instances to answer", || {
            // Caddy chooses at random: one that isn't ready would be seen in so many.
            let ready = (0..32).all(|_| get(&address, "/readyz", &[]).is_ok_and(|answer| answer.status == 200));
            if ready == wanted { Ok(()) } else { Err(format!("ready: {ready}")) }
        });
    };
    passes(true);
    one.tell("fail database connection refused");
    // Its own check tells it, and from then on nobody is sent there.
    passes(true);
}
