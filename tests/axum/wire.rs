//! Tests the bytes of answers that the server sends over a real socket.

use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use healthcheck_axum::Endpoints;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{built, fails, passes, plain, raw, router, served};

fn app() -> Router {
    // With this long TTL, the check runs only once during a test, even on a slow machine. So all answers contain the
    // same result.
    plain([passes("a").success_ttl(Duration::from_secs(3_600))])
}

fn lines(head: &str) -> Vec<String> {
    head.lines().map(str::to_ascii_lowercase).collect()
}

#[tokio::test]
async fn get_is_answered_with_its_length_and_head_with_the_same_length_and_no_body() {
    for app in [
        app(),
        Router::new().route("/", on_get(async || "")).merge(app()),
        Router::new().nest("/x", app()),
    ] {
        let address = served(app).await;
        let prefix = if raw(address, "GET /x/livez HTTP/1.0\r\n\r\n")
            .await
            .contains(" 200 ")
        {
            "/x"
        } else {
            ""
        };
        let request = |method| {
            format!("{method} {prefix}/readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        };
        let got = raw(address, request("GET")).await;
        let (head, body) = got.split_once("\r\n\r\n").expect("an answer");
        let length = format!("content-length: {}", body.len());
        assert!(lines(head).contains(&length), "{head}");
        assert!(body.starts_with("{\"hostname\""), "{body}");

        let headed = raw(address, request("HEAD")).await;
        let (head, body) = headed.split_once("\r\n\r\n").expect("an answer");
        assert!(lines(head).contains(&length), "{head}");
        assert_eq!(body, "");
    }
}

#[tokio::test]
async fn haproxys_options_over_http_1_0_is_answered_at_once() {
    for (app, status) in [(app(), "HTTP/1.0 200"), (plain([fails("a")]), "HTTP/1.0 503")] {
        let answer = raw(served(app).await, "OPTIONS /readyz HTTP/1.0\r\n\r\n").await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with(status), "{head}");
        assert!(
            lines(head).contains(&"allow: get, head, options".to_owned()),
            "{head}"
        );
        assert!(lines(head).contains(&"content-length: 0".to_owned()), "{head}");
        assert_eq!(body, "");
    }
}

#[tokio::test]
async fn several_requests_follow_each_other_on_one_connection() {
    let address = served(app()).await;
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let requests = "OPTIONS /livez HTTP/1.1\r\nHost: localhost\r\n\r\n\
                    HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n\
                    POST /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi\
                    GET /healthcheck/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(requests.as_bytes()).await.expect("sent");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.expect("read");
    let statuses: Vec<&str> = answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answers[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["200", "200", "405", "200"], "{answers}");
}

#[tokio::test]
async fn while_draining_the_connection_is_closed_by_the_answer() {
    let health = built([passes("a")]);
    let address = served(router(Endpoints::new(health.clone()))).await;
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    health.begin_shutdown();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = String::new();
    // While it drains, the server must close the connection after its answer. Otherwise this read would never end.
    stream.read_to_string(&mut answer).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        lines(&answer).contains(&"connection: close".to_owned()),
        "{answer}"
    );
}

#[tokio::test]
async fn over_a_real_connection_from_this_machine_the_environment_is_shown() {
    let address = served(app()).await;
    let ask = |head: &str| format!("GET /environment/rust HTTP/1.1\r\n{head}Connection: close\r\n\r\n");
    for (head, status) in [
        ("Host: localhost\r\n", " 200 "),
        ("Host: 127.0.0.1:8080\r\n", " 200 "),
        ("Host: example.com\r\n", " 403 "),
        ("Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n", " 403 "),
    ] {
        let answer = raw(address, ask(head)).await;
        assert!(answer[..20].contains(status), "{head}: {answer}");
    }
    let old = raw(address, "GET /environment/rust HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 403"), "{old}");
}

#[tokio::test]
async fn without_connect_info_a_real_server_refuses_and_says_how_to_wire_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app()).await });
    let answer = raw(
        address,
        "GET /environment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("into_make_service_with_connect_info"), "{answer}");
}
