//! Request smuggling: requests that a proxy and a server may interpret differently. Each request gets at most one
//! answer. No smuggled request gets the environment page, although that page is open to clients on this machine.

use std::net::SocketAddr;

use crate::process::{Served, raw};

/// The request that an attacker hides inside another request, so that a proxy doesn't see it.
const SMUGGLED: &str = "GET /environment HTTP/1.1\r\nHost: localhost\r\nX: ";
/// The next request on the connection.
const NEXT: &str = "GET /environment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Sends these bytes. Returns the status of each answer. Asserts that no answer is the environment page, and that no
/// answer can be cached.
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
        // Both Content-Length and Transfer-Encoding, in either order.
        with_headers("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG"),
        with_headers(
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "5c\r\nhello\r\n0\r\n\r\n",
        ),
        with_headers("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        // Transfer encodings that only some parsers take for chunked.
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
        // Repeated, invalid and empty content lengths.
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
        // Bodies that the client doesn't send completely, or not at all.
        with_headers("Content-Length: 1000000", "hello"),
        with_headers("Content-Length: 5\r\nExpect: 100-continue", "hello"),
        // Chunks with extensions, and malformed chunks.
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
        // Folded header lines, and lines that end where other parsers see no end.
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
        // Malformed request lines.
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
        // `CONNECT` and `TRACE` with a body.
        format!("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
        format!(
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}"
        ),
        format!("TRACE /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{NEXT}"),
        // An absolute URL without a host.
        format!("GET http:///environment HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
        // A chunked body in HTTP/1.0, which has no chunked bodies.
        format!("POST /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}"),
        // Bodies of methods that usually have none.
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

// Only Linux has a file that shows how much memory a process uses.
#[cfg(target_os = "linux")]
#[test]
fn unfinished_heads_on_every_connection_hold_less_than_128_mib() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    const PLACES: usize = 4_096;
    const MOST_KIB: usize = 128 * 1024;

    // The server uses at most half of its allowed files for connections. This process holds the client's end of each
    // connection.
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
    // After an answered request, a connection also holds buffers for answers. So it uses the most memory at this point.
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
    // By the time this request is answered, the server has read the rest of the incomplete heads.
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
