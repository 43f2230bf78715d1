//! Tests that the server meets the requirements of HTTP, and that it sends the same security headers with every answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{LIMIT, Served, raw};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_default().1
}

fn json(answer: &str) -> Value {
    serde_json::from_str(body(answer)).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn has(answer: &str, header: &str) -> bool {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or_default();
    head.lines().any(|line| line.eq_ignore_ascii_case(header))
}

/// Returns the text of a request with this request line and these headers. The request asks the server to close the
/// connection after its answer.
fn request(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

#[test]
fn http_1_1_without_one_valid_host_is_400() {
    let (_served, addr) = Served::start(&[]);
    for (version, headers, expected) in [
        ("1.1", "", "400"),
        ("1.1", "Host: localhost\r\n", "200"),
        ("1.1", "Host: example.com:8080\r\n", "200"),
        ("1.1", "Host: [::1]:8080\r\n", "200"),
        ("1.1", "Host:\r\n", "200"),
        ("1.1", "Host: localhost\r\nHost: localhost\r\n", "400"),
        ("1.1", "Host: localhost\r\nhost: example.com\r\n", "400"),
        ("1.1", "Host: local host\r\n", "400"),
        ("1.1", "Host: user@localhost\r\n", "400"),
        ("1.1", "Host: localhost/livez\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "Host: localhost\r\n", "200"),
        ("1.0", "Host: localhost\r\nHost: localhost\r\n", "400"),
    ] {
        let head = format!("GET /livez HTTP/{version}\r\nConnection: close\r\n{headers}\r\n");
        let answer = raw(addr, head);
        assert_eq!(status(&answer), expected, "{version} {headers:?}: {answer}");
        if expected == "400" {
            assert!(
                json(&answer)["error"].as_str().unwrap().contains("`Host`"),
                "{answer}"
            );
        }
    }
    // The first of these two requests is invalid. So the server has to close the connection, and must not read the
    // second request.
    let twice = "GET /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(raw(addr, twice).matches("HTTP/1.1 ").count(), 1);
}

#[test]
fn a_request_with_a_body_is_answered_and_told_that_its_connection_ends() {
    let (_served, addr) = Served::start(&[]);
    for (method, expected) in [("GET", "200"), ("POST", "405"), ("OPTIONS", "200")] {
        for body in [
            "Content-Length: 5\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            let answer = raw(
                addr,
                format!("{method} /livez HTTP/1.1\r\nHost: localhost\r\n{body}"),
            );
            assert_eq!(status(&answer), expected, "{answer}");
            assert!(has(&answer, "connection: close"), "{answer}");
        }
    }
}

#[test]
fn http_2_is_505_in_words_of_http_1() {
    let (_served, addr) = Served::start(&[]);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = raw(addr, preface);
    assert_eq!(status(&answer), "505", "{answer}");
    assert!(
        json(&answer)["error"].as_str().unwrap().contains("HTTP/1.1"),
        "{answer}"
    );
}

#[test]
fn the_proxy_protocol_is_400_and_told_in_one_line_of_the_log() {
    let (mut served, addr) = Served::start(&[]);
    let version_1 =
        "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let version_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50GET /livez HTTP/1.1\r\n\r\n";
    for sent in [version_1.as_bytes(), version_2].repeat(5) {
        let answer = raw(addr, sent);
        assert_eq!(status(&answer), "400", "{answer}");
        assert!(
            json(&answer)["error"]
                .as_str()
                .unwrap()
                .contains("PROXY protocol"),
            "{answer}"
        );
    }
    served.wait_for_log("PROXY protocol");
    assert_eq!(served.count_in_log("PROXY protocol"), 1);
}

#[test]
fn a_client_of_another_protocol_is_told_so_at_once() {
    let (_served, addr) = Served::start(&[]);
    let began = Instant::now();
    for sent in [
        &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\0",
        b"\r\r",
    ] {
        let answer = raw(addr, sent);
        assert_eq!(status(&answer), "400", "{answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn options_of_everything_is_that_of_readiness() {
    let (mut served, addr) = Served::start(&[]);
    for version in ["1.0", "1.1"] {
        let ask = || {
            raw(
                addr,
                format!("OPTIONS * HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
            )
        };
        let up = ask();
        assert_eq!((status(&up), body(&up)), ("200", ""), "{up}");
        assert!(has(&up, "allow: GET, HEAD, OPTIONS"), "{up}");
        served.tell("break");
        let down = ask();
        assert_eq!((status(&down), body(&down)), ("503", ""), "{down}");
        served.tell("repair");
    }
}

#[test]
fn a_preflight_is_204_whatever_the_verdict_and_needs_no_credentials() {
    let (_served, addr) = Served::start(&["broken=yes"]);
    for (path, allowed) in [
        ("/readyz", "allow: GET, HEAD, OPTIONS"),
        ("/healthcheck/breakable", "allow: GET, HEAD, OPTIONS"),
        ("/environment", "allow: GET, HEAD"),
        ("/healthcheck/history", "allow: GET, HEAD"),
    ] {
        let headers =
            "Origin: https://status.example\r\nAccess-Control-Request-Method: GET\r\nVia: 1.1 x\r\n";
        let answer = raw(addr, request(&format!("OPTIONS {path}"), headers));
        assert_eq!((status(&answer), body(&answer)), ("204", ""), "{answer}");
        assert!(has(&answer, allowed), "{answer}");
        assert!(
            !answer.to_lowercase().contains("access-control-allow"),
            "{answer}"
        );
        assert!(!answer.to_lowercase().contains("content-length"), "{answer}");
    }
}

#[test]
fn any_other_path_is_404_that_names_what_is_there_in_the_form_that_is_accepted() {
    let (_served, addr) = Served::start(&[]);
    for path in ["/", "/nowhere", "/healthcheck/a/b", "/environment/", "/%ff", "//"] {
        let answer = raw(addr, request(&format!("GET {path}"), ""));
        assert_eq!(status(&answer), "404", "{answer}");
        let paths = ["/healthcheck", "/livez", "/readyz", "/startupz", "/environment"];
        assert_eq!(json(&answer)["paths"], serde_json::json!(paths), "{answer}");
        assert!(has(&answer, "vary: accept"), "{answer}");
    }
    for (accept, content_type, said) in [
        (
            "text/plain",
            "text/plain; charset=utf-8",
            "paths: /healthcheck, /livez",
        ),
        (
            "text/html,*/*;q=0.8",
            "text/html; charset=utf-8",
            "<a href=\"/readyz\">Readiness</a>",
        ),
        (
            "text/html",
            "text/html; charset=utf-8",
            "paths: <a href=\"/healthcheck\">/healthcheck</a>, <a href=\"/livez\">/livez</a>",
        ),
        (
            "text/html",
            "text/html; charset=utf-8",
            "<h1 id=\"headline\">this server has health endpoints only, and none at `/`</h1>",
        ),
        ("*/*", "application/json", "\"paths\":["),
    ] {
        let answer = raw(addr, request("GET /", &format!("Accept: {accept}\r\n")));
        assert_eq!(status(&answer), "404", "{answer}");
        assert!(has(&answer, &format!("content-type: {content_type}")), "{answer}");
        assert!(body(&answer).contains(said), "{answer}");
    }
    let head = raw(addr, request("HEAD /nowhere", ""));
    assert_eq!((status(&head), body(&head)), ("404", ""), "{head}");
    let post = raw(addr, request("POST /nowhere", ""));
    assert_eq!(status(&post), "404", "{post}");
}

#[test]
fn a_path_with_a_slash_too_many_is_404_and_names_the_one_without() {
    let (_served, addr) = Served::start(&[]);
    for path in ["/readyz", "/livez", "/healthcheck", "/environment"] {
        let answer = raw(addr, request(&format!("GET {path}/"), ""));
        assert_eq!(status(&answer), "404", "{answer}");
        let error = json(&answer)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(&format!("`{path}`")), "{error}");
    }
}

#[test]
fn no_answer_can_be_cached_or_taken_for_another_type() {
    let (_served, addr) = Served::start(&[]);
    let long = format!(
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let many = "X: x\r\n".repeat(200);
    for sent in [
        request("GET /livez", ""),
        request("HEAD /readyz", ""),
        request("OPTIONS /readyz", ""),
        request("OPTIONS *", ""),
        request("OPTIONS /readyz", "Access-Control-Request-Method: GET\r\n"),
        request("GET /healthcheck?check=unknown", ""),
        request("GET /healthcheck?format=unknown", ""),
        request("GET /healthcheck?format=openmetrics", ""),
        request("GET /healthcheck?check=%", ""),
        request("GET /healthcheck/%ff", ""),
        request("GET /healthcheck/history", ""),
        request("GET /environment", "Via: 1.1 x\r\n"),
        request("GET /environment/unknown", ""),
        request("GET /nowhere", ""),
        request("GET /", "Accept: text/html\r\n"),
        request("POST /livez", ""),
        request("CONNECT localhost:80", ""),
        request("GET /livez", &many),
        "GET /livez HTTP/1.1\r\n\r\n".to_owned(),
        "GET /livez HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        long,
    ] {
        let answer = raw(addr, &sent);
        assert!(!status(&answer).is_empty(), "{sent:.80?}");
        for header in ["cache-control: no-store", "x-content-type-options: nosniff"] {
            assert!(has(&answer, header), "{sent:.80?}: {answer}");
        }
        assert_eq!(
            answer.to_lowercase().matches("\r\ndate: ").count(),
            1,
            "{sent:.80?}: {answer}"
        );
    }
}

#[test]
fn a_half_head_behind_a_request_has_ten_seconds() {
    let (_served, addr) = Served::start(&[]);
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let began = Instant::now();
    let sent = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.1\r\nHo";
    stream.write_all(sent.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "{said}");
    let took = began.elapsed().as_secs();
    assert!((9..=13).contains(&took), "{took} s");
}
