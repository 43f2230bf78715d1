//! Tests the server with request smuggling: requests that a proxy and a server may interpret differently. The server
//! must send at most one answer to each of these requests.
//!
//! The smuggled request asks for the environment page. No answer may contain this page, although this test's client has
//! the permission to see it.

use std::net::SocketAddr;

use crate::process::{Served, raw};

/// The smuggled request. An attacker hides this request inside another one, so that a proxy doesn't notice it.
const SMUGGLED: &str = "GET /environment HTTP/1.1\r\nHost: localhost\r\nX: ";
/// The request that a proxy would send next over the same connection.
const NEXT: &str = "GET /environment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Sends the bytes `sent` to the server, and returns the status code of each answer.
///
/// Asserts that no answer is the environment page, and that every answer forbids caching.
fn answers(addr: SocketAddr, sent: &str) -> Vec<u16> {
    let said = raw(addr, sent);
    assert!(!said.contains("\"process\""), "{sent:?}: {said}");
    let heads = said.match_indices("HTTP/1.1 ").map(|(at, _)| &said[at..]);
    heads
        .map(|head| {
            let (head, _) = head.split_once("\r\n\r\n").unwrap();
            for header in ["cache-control: no-store", "x-content-type-options: nosniff"] {
                assert!(head.contains(header), "{sent:?}: {head}");
            }
            let status = head.split(' ').nth(1).unwrap();
            status.parse().unwrap()
        })
        .collect()
}

#[test]
fn a_request_that_proxies_and_servers_understand_differently_is_the_last_of_its_connection() {
    let (_served, addr) = Served::start(&[]);
    let with_headers = |headers: &str, body: &str| {
        let request = format!("POST /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{body}");
        format!("{request}{SMUGGLED}{NEXT}")
    };
    let requests = [
        // These requests have both `Content-Length` and `Transfer-Encoding`, in either order.
        with_headers("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG"),
        with_headers(
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "5c\r\nhello\r\n0\r\n\r\n",
        ),
        with_headers("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        // These requests have transfer encodings that some parsers interpret as chunked and others don't.
        with_headers(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "0\r\n\r\n",
        ),
        with_headers(
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            "0\r\n\r\n",
        ),
        with_headers("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
        with_headers("Transfer-Encoding: xchunked", "0\r\n\r\n"),
        with_headers("Transfer-Encoding:\tchunked", "0\r\n\r\n"),
        with_headers("Transfer-Encoding : chunked", "0\r\n\r\n"),
        with_headers("Transfer-Encoding\r\n : chunked", "0\r\n\r\n"),
        with_headers("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n"),
        with_headers("X: x\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        // These requests have a repeated, an invalid or an empty content length.
        with_headers("Content-Length: 5\r\nContent-Length: 5", "hello"),
        with_headers("Content-Length: 5\r\nContent-Length: 0", "hello"),
        with_headers("Content-Length: 0\r\nContent-Length: 5", "hello"),
        with_headers("Content-Length: 5, 5", "hello"),
        with_headers("Content-Length: +5", "hello"),
        with_headers("Content-Length: -1", ""),
        with_headers("Content-Length: 0x5", "hello"),
        with_headers("Content-Length: 5 0", "hello"),
        with_headers("Content-Length: 18446744073709551616", "hello"),
        with_headers("Content-Length:", ""),
        with_headers("Content-Length: 5\r\n 0", "hello"),
        with_headers("Content-Length: 5\0", "hello"),
        with_headers("Content-Length: 5\rX: y", "hello"),
        with_headers("Content-Length: 5\u{b}", "hello"),
        // The client sends the body of these requests only in part, or not at all.
        with_headers("Content-Length: 1000000", "hello"),
        with_headers("Content-Length: 5\r\nExpect: 100-continue", "hello"),
        // These requests have chunks with extensions, or malformed chunks.
        with_headers("Transfer-Encoding: chunked", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5;\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5\nhello\n0\n\n"),
        with_headers(
            "Transfer-Encoding: chunked",
            "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        ),
        with_headers("Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5;a\0b\r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5\rhello\r0\r\r"),
        with_headers("Transfer-Encoding: chunked", "5 \r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "5\r\nhelloX0\r\n\r\n"),
        with_headers("Transfer-Encoding: chunked", "0\r\nX: y\r\n\r\n"),
        with_headers(
            "Transfer-Encoding: chunked",
            "0\r\nContent-Length: 5\r\n\r\nhello",
        ),
        // These requests have malformed header lines: folded lines, names or values with forbidden characters, lines
        // without a colon, or a lone `\r` that only some parsers take as the end of a line.
        with_headers("X: a\r\n b\r\nContent-Length: 5", "hello"),
        with_headers(" X: a", ""),
        with_headers("X: a\rContent-Length: 5", "hello"),
        with_headers("X: a\r\rContent-Length: 5", "hello"),
        with_headers("X: a\0b", ""),
        with_headers("X\0: a", ""),
        with_headers("X y: a", ""),
        with_headers(": a", ""),
        with_headers("no colon", ""),
        format!("GET /livez HTTP/1.1\rHost: localhost\r\n\r\n{NEXT}"),
        format!("\rGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        // These requests begin with a malformed request line.
        format!("GET /live\0z HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!(" GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez HTTP/1.1 \r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez HTTP/1.2\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez http/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez\r\n\r\n{NEXT}"),
        format!("GET\r\n\r\n{NEXT}"),
        format!("G@T /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        format!("GET /livez#x y HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        // These requests have the method `CONNECT` or `TRACE`, and a body.
        format!("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
        format!(
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}"
        ),
        format!("TRACE /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
        // This request has an absolute URL that contains no host.
        format!("GET http:///environment HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        // This HTTP/1.0 request has a chunked body, although HTTP/1.0 defines no chunked bodies.
        format!("POST /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}"),
        // These requests have a body, although requests with their methods usually have none.
        format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
        format!("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
    ];
    for request in &requests {
        let answers = answers(addr, request);
        let one_or_none = matches!(answers[..], [200 | 400 | 404 | 405 | 431]);
        assert!(one_or_none, "{request:?}: {answers:?}");
    }
}

#[test]
fn methods_and_targets_of_proxies_are_understood_as_a_server_does() {
    let (_served, addr) = Served::start(&[]);
    let closing = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for (request, status) in [
        (
            "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            200,
        ),
        (
            "GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            200,
        ),
        (
            "GET http://evil.example/environment HTTP/1.1\r\nHost: localhost\r\n\r\n",
            403,
        ),
        (
            "GET http://localhost/environment HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            403,
        ),
        (
            "GET //localhost/environment HTTP/1.1\r\nHost: localhost\r\n\r\n",
            404,
        ),
        (
            "GET /livez/../environment HTTP/1.1\r\nHost: localhost\r\n\r\n",
            404,
        ),
        (
            "GET /livez/%2e%2e/environment HTTP/1.1\r\nHost: localhost\r\n\r\n",
            404,
        ),
        (
            "GET http://localhost@evil.example/environment HTTP/1.1\r\nHost: localhost\r\n\r\n",
            403,
        ),
        ("GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            404,
        ),
        ("CONNECT /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("TRACE /environment HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            200,
        ),
        (
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            200,
        ),
    ] {
        assert_eq!(
            answers(addr, &format!("{request}{closing}")),
            [status, 200],
            "{request:?}"
        );
    }
}

// The test reads the memory of the server's process from `/proc`, which exists only on Linux.
#[cfg(target_os = "linux")]
#[test]
fn unfinished_heads_on_every_connection_hold_less_than_128_mib() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    const PLACES: usize = 4_096;
    const MOST_KIB: usize = 128 * 1024;

    // The server uses at most half of its limit of open files for connections. So the test raises the limit to more
    // than twice `PLACES`. The process of the server inherits the limit from the test.
    let hard = getrlimit(Resource::Nofile).maximum;
    let wanted = 2 * PLACES as u64 + 100;
    let files = hard.map_or(wanted, |hard| hard.min(wanted));
    let raised = Rlimit {
        current: Some(files),
        maximum: hard,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let places = PLACES.min(files as usize / 2 - 50);

    let (served, addr) = Served::start(&[]);
    let held = |field: &str| -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let before = held("VmHWM:");
    // Over each connection, the client sends a complete request and then the incomplete head of a second request. In
    // this state, a connection uses the most memory: the server holds a buffer for reading and a buffer for answers.
    let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
    let sent = format!("{request}\r\n{request}X: {}", "x".repeat(16_300));
    let connected = (0..places).map(|_| {
        let mut client = TcpStream::connect(addr).unwrap();
        client.write_all(sent.as_bytes()).unwrap();
        client
    });
    let mut clients: Vec<TcpStream> = connected.collect();
    let mut answer = [0; 12];
    for client in &mut clients {
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    // The server may not have read all incomplete heads yet. When it answers the request below, it has read everything
    // that the clients have sent. From then on the test can measure the memory.
    assert_eq!(crate::process::get(addr, "/livez").code, 200);
    let most = held("VmHWM:") - before;
    assert!(
        most < MOST_KIB * places / PLACES,
        "{most} KiB for {places} connections"
    );
    assert!(
        most > places * 16,
        "they are held: {most} KiB for {places} connections"
    );
}
