//! Tests the check `http` against servers in this process: which answers pass, and which layer (DNS, connect, TLS,
//! protocol) the output of a failure names.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use healthcheck::checks::http;
use healthcheck::{Outcome, Status};
use stand_in::certificate::Certificate;
use stand_in::{Reply, Server, answer};

mod stand_in;

fn text(outcome: &Outcome) -> &str {
    outcome.output().as_str().unwrap()
}

async fn answering(head: &'static str, body: &'static str) -> (Server, String) {
    let server = Server::plain(move |_| Reply::Answer(answer(head, body)))
        .await
        .unwrap();
    let url = format!("http://{}/healthz", server.address);
    (server, url)
}

#[tokio::test]
async fn an_answer_in_the_range_passes_and_any_other_is_a_verdict() {
    let (_server, url) = answering("204 No Content", "").await;
    assert_eq!(
        http(&url).await,
        Outcome::pass(format!("{url} answered 204 No Content"))
    );
    assert_eq!(
        http(&url).status(200..204).await,
        Outcome::fail(format!(
            "verdict: {url} answered 204 No Content, expected 200 to 203"
        ))
    );
    let (_server, url) = answering("503 Service Unavailable", "down").await;
    assert_eq!(
        http(&url).await,
        Outcome::fail(format!(
            "verdict: {url} answered 503 Service Unavailable, expected 200 to 299"
        ))
    );
    assert_eq!(http(&url).status(503..=503).await.status(), Status::Pass);
    assert_eq!(http(&url).status(..).await.status(), Status::Pass);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_told_without_its_query() {
    let (_there, there_url) = answering("200 OK", "").await;
    let to = format!("302 Found\r\nlocation: {there_url}?session=abc");
    let here = Server::plain(move |_| Reply::Answer(answer(&to, "")))
        .await
        .unwrap();
    let outcome = http(format!("http://{}/", here.address)).await;
    let told = text(&outcome);
    assert!(
        told.ends_with(&format!(
            "answered 302 Found to {there_url}, expected 200 to 299; redirects aren't followed"
        )),
        "{told}"
    );
    assert_eq!(_there.accepted(), 0);
}

#[tokio::test]
async fn a_text_in_the_body_and_in_a_header_can_be_asked_for() {
    let (_server, url) = answering("200 OK\r\nx-version: 1.7.2", r#"{"ready":true}"#).await;
    let outcome = http(&url)
        .body_contains("\"ready\":true")
        .header_contains("X-Version", "1.7")
        .await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    let outcome = http(&url).body_contains("ready: yes").await;
    assert_eq!(
        text(&outcome),
        format!("verdict: {url} answered 200 OK, but its body of 14 bytes doesn't contain \"ready: yes\"")
    );
    let outcome = http(&url).header_contains("x-version", "2.").await;
    assert!(
        text(&outcome).contains("its header x-version doesn't contain \"2.\""),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_body_without_end_is_read_no_further_than_a_mebibyte() {
    let server = Server::plain(|_| Reply::Answer(answer("200 OK", &"x".repeat(3 << 20))))
        .await
        .unwrap();
    let url = format!("http://{}/", server.address);
    assert_eq!(http(&url).await.status(), Status::Pass);
    let outcome = http(&url).body_contains("y").await;
    assert!(
        text(&outcome).ends_with("with a body of more than 1 MiB"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_header_is_sent_and_its_value_is_never_shown() {
    let secret = format!("Bearer {}", concat!("hunter", "2"));
    let expected = format!("authorization: {secret}");
    let server = Server::plain(move |head| {
        let allowed = head.lines().any(|line| line == expected);
        Reply::Answer(answer(if allowed { "200 OK" } else { "401 Unauthorized" }, ""))
    })
    .await
    .unwrap();
    let url = format!("http://{}/?key={secret}", server.address).replace(' ', "");
    let check = http(&url).header("authorization", &secret);
    assert!(!format!("{check:?}").contains("hunter"), "{check:?}");
    assert_eq!(check.await.status(), Status::Pass);
    let outcome = http(&url).await;
    assert_eq!(outcome.status(), Status::Fail);
    assert!(
        text(&outcome).contains("/?… answered 401") && !text(&outcome).contains("hunter"),
        "{outcome:?}"
    );
    let outcome = http(&url).header("no name", &secret).await;
    assert_eq!(text(&outcome), "protocol: \"no name\" isn't a header's name");
}

#[tokio::test]
async fn each_run_dials_anew_and_leaves_no_connection() {
    let (server, url) = answering("200 OK", "ok").await;
    for run in 1..=20 {
        assert_eq!(http(&url).await.status(), Status::Pass);
        assert_eq!(server.accepted(), run);
    }
}

/// A server may keep serving its open connections although it accepts no new ones. The server in this test closes its
/// listener after the first connection. The check opens a new connection for each run, so the second run fails.
#[tokio::test]
async fn a_server_that_takes_no_new_connection_fails_at_the_next_run() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/");
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        loop {
            let mut request = [0; 4096];
            tokio::io::AsyncReadExt::read(&mut stream, &mut request)
                .await
                .unwrap();
            let answer = answer("200 OK", "");
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes())
                .await
                .unwrap();
        }
    });
    assert_eq!(http(&url).await.status(), Status::Pass);
    let refused = http(&url).await;
    assert!(
        text(&refused).starts_with(&format!("connect: {address}: ")),
        "{refused:?}"
    );
    serving.abort();
}

/// A firewall may drop an idle connection without closing it. To simulate such a connection, the server never answers a
/// second request on the same connection. The check opens a new connection for each run, so every run passes.
#[tokio::test]
async fn a_server_that_answers_only_on_new_connections_passes_each_time() {
    let server = Server::plain(|head| {
        assert!(head.contains("connection: close"), "{head}");
        Reply::AnswerThenHang(answer("200 OK", ""))
    })
    .await
    .unwrap();
    let url = format!("http://{}/", server.address);
    for _ in 0..3 {
        let outcome = http(&url).timeout(Duration::from_secs(5)).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_was_replaced_is_seen_at_the_next_run() {
    let (old, new) = (Certificate::valid(), Certificate::valid());
    let acceptor = std::sync::Arc::new(std::sync::Mutex::new(old.acceptor()));
    let server = Server::encrypted_by(std::sync::Arc::clone(&acceptor), |_| {
        Reply::Answer(answer("200 OK", ""))
    })
    .await
    .unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    assert_eq!(http(&url).ca_file(old.file()).await.status(), Status::Pass);
    *acceptor.lock().unwrap() = new.acceptor();
    let outcome = http(&url).ca_file(old.file()).await;
    assert!(text(&outcome).starts_with("TLS: localhost:"), "{outcome:?}");
    assert_eq!(http(&url).ca_file(new.file()).await.status(), Status::Pass);
}

#[tokio::test]
async fn a_body_can_be_posted_and_a_value_in_a_json_answer_be_asked_for() {
    let server = Server::plain(|head| {
        let posted = head.starts_with("POST /rpc HTTP/1.1\r\n")
            && head.contains("content-length: 8\r\n")
            && head.contains("content-type: application/json\r\n");
        let body = r#"{"ready":true,"nodes":[{"lag":1.0}],"name":"blue"}"#;
        Reply::Answer(answer(
            if posted {
                "200 OK"
            } else {
                "405 Method Not Allowed"
            },
            body,
        ))
    })
    .await
    .unwrap();
    let url = format!("http://{}/rpc", server.address);
    let posted = || http(&url).post("application/json", r#"{"id":1}"#);
    assert_eq!(http(&url).await.status(), Status::Fail);
    assert_eq!(
        http(&url).post("application/json", "").await.status(),
        Status::Fail
    );
    let outcome = posted().json("/ready", true).json("/nodes/0/lag", 1).await;
    assert_eq!(outcome, Outcome::pass(format!("{url} answered 200 OK")));
    for (check, expected) in [
        (
            posted().json("/name", "green"),
            format!("verdict: {url} answered 200 OK, but /name of its body is \"blue\", expected \"green\""),
        ),
        (
            posted().json("/status", "up"),
            format!("verdict: {url} answered 200 OK, but its body has nothing at /status, expected \"up\""),
        ),
        (
            posted().json("status", "up"),
            "protocol: \"status\" isn't a JSON pointer: write one like \"/status\"".to_owned(),
        ),
    ] {
        assert_eq!(check.await, Outcome::fail(expected));
    }
    let (_server, url) = answering("200 OK", "<html>").await;
    let outcome = http(&url).json("/status", "up").await;
    assert!(
        text(&outcome).starts_with(&format!(
            "protocol: {url} answered 200 OK, but its body is no JSON: "
        )),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_closes_its_connections_is_no_failure() {
    let server = Server::plain(|_| Reply::AnswerAndClose(answer("200 OK", "ok")))
        .await
        .unwrap();
    let url = format!("http://{}/", server.address);
    for _ in 0..50 {
        let outcome = http(&url).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
}

#[test]
fn a_run_leaves_nothing_to_its_runtime_that_the_next_one_could_miss() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let servers = runtime();
    let server = servers
        .block_on(Server::plain(|_| Reply::Answer(answer("200 OK", ""))))
        .unwrap();
    let url = format!("http://{}/", server.address);
    for _ in 0..2 {
        let (checks, url) = (runtime(), url.clone());
        let outcome = servers.block_on(async move {
            tokio::task::spawn_blocking(move || checks.block_on(http(url).into_future()))
                .await
                .unwrap()
        });
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn each_failure_names_its_layer() {
    let (server, url) = answering("200 OK", "").await;
    let closed = {
        let (server, _) = answering("200 OK", "").await;
        server.address
    };
    let name = format!("{}.invalid", "x".repeat(64));
    let wait = Duration::from_millis(100);
    let hanging = Server::plain(|_| Reply::Hang).await.unwrap();
    let babbling = Server::plain(|_| Reply::Answer("SSH-2.0-OpenSSH\r\n\r\n".to_owned()))
        .await
        .unwrap();
    let cut = Server::plain(|_| {
        Reply::AnswerAndClose("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned())
    })
    .await
    .unwrap();
    for (check, expected) in [
        (http(format!("http://{name}/")), format!("DNS: {name}: ")),
        (http(format!("http://{closed}/")), format!("connect: {closed}: ")),
        (
            http(url.replace("http", "https")).timeout(wait),
            format!("TLS: {}: ", server.address),
        ),
        (
            http(format!("http://{}/", hanging.address)).timeout(wait),
            format!("protocol: http://{}/: no answer within 100 ms", hanging.address),
        ),
        (
            http(format!("http://{}/", babbling.address)),
            format!("protocol: http://{}/: ", babbling.address),
        ),
        (
            http(format!("http://{}/", cut.address)),
            format!("protocol: http://{}/ answered 200 OK, and then: ", cut.address),
        ),
    ] {
        let outcome = check.await;
        assert_eq!(outcome.status(), Status::Fail, "{expected}");
        assert!(
            text(&outcome).starts_with(&expected),
            "{} instead of {expected}",
            text(&outcome)
        );
    }
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_file_alone() {
    let certificate = Certificate::valid();
    let server = Server::encrypted(&certificate, |_| Reply::Answer(answer("200 OK", "")))
        .await
        .unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    for _ in 0..3 {
        let outcome = http(&url).ca_file(certificate.file()).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
    // The earlier checks trusted the server's certificate. This check trusts only the certificate `other`, which the
    // server doesn't use. So this check must fail.
    let other = Certificate::valid();
    let outcome = http(&url).ca_file(other.file()).await;
    assert!(text(&outcome).starts_with("TLS: localhost:"), "{outcome:?}");
    let by_address = http(format!("https://{}/", server.address))
        .ca_file(certificate.file())
        .await;
    assert!(text(&by_address).contains("not valid for name"), "{by_address:?}");
    let none = http(&url).ca_file("/nowhere/ca.pem").await;
    assert!(text(&none).contains("/nowhere/ca.pem: "), "{none:?}");
}
