use std::time::{Duration, Instant};

use healthcheck::checks::{http, tls};
use healthcheck::{Outcome, Status};

use crate::servers::nginx::{certificate, chain, nginx};
use crate::text;

/// `LIMIT` is the timeout of checks that should fail. `PATIENCE` is the timeout of checks that should pass, and is long
/// enough for a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_web_check_follows_the_server_through_kill_pause_and_restart() {
    let (mut server, url, file) = nginx(60);
    let check = async |limit| {
        http(&url)
            .ca_file(&file)
            .body_contains("ready")
            .timeout(limit)
            .await
    };
    assert_eq!(
        check(PATIENCE).await,
        Outcome::pass(format!("{url} answered 200 OK"))
    );
    server.pause();
    let paused = check(LIMIT).await;
    assert!(
        text(&paused).contains("no answer to the handshake in time"),
        "{paused:?}"
    );
    server.resume();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);
    server.kill();
    let dead = check(LIMIT).await;
    assert!(
        text(&dead).starts_with("connect: ") && text(&dead).contains("refused"),
        "{dead:?}"
    );
    server.start_again();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);
    server.kill();
    server.start_again();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);
    for (path, told) in [
        ("old", "301 Moved Permanently to https://localhost"),
        ("broken", "502 Bad Gateway, expected 200 to 299"),
    ] {
        let outcome = http(format!("{url}{path}")).ca_file(&file).await;
        assert!(
            text(&outcome).starts_with("verdict: ") && text(&outcome).contains(told),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_near_its_end_is_noticed_and_so_is_its_renewal() {
    let (server, _, file) = nginx(5);
    let host = format!("localhost:{}", server.port);
    let outcome = tls(&host).ca_file(&file).await;
    assert_eq!(outcome.status(), Status::Fail);
    assert!(
        text(&outcome).contains("ends in 5 d (") && text(&outcome).ends_with(", below 7 d"),
        "{outcome:?}"
    );
    let renewed = certificate(server.folder(), 90);
    server.hang_up();
    // nginx presents the old certificate until it has started new worker processes. This loop repeats the check until
    // nginx presents the renewed certificate.
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let outcome = tls(&host).ca_file(&renewed).await;
        if outcome.status() == Status::Pass {
            assert!(text(&outcome).contains("ends in 90 d ("), "{outcome:?}");
            break;
        }
        assert!(Instant::now() < patience, "{outcome:?}");
    }
    server.pause();
    let outcome = tls(&host).ca_file(&renewed).timeout(LIMIT).await;
    assert_eq!(
        outcome,
        Outcome::fail(format!("TLS: {host}: no answer to the handshake in time"))
    );
    server.resume();
}

/// nginx presents its own certificate, which is valid for 90 days, and an intermediate certificate. The check has to
/// report the intermediate certificate if that one expires first.
#[tokio::test]
async fn an_intermediate_that_ends_first_is_noticed() {
    let (server, _, _) = nginx(60);
    let host = format!("localhost:{}", server.port);
    for (intermediate_days, told, status) in [
        (
            5,
            "the intermediate \"CN=Intermediate\" ends in 5 d (",
            Status::Fail,
        ),
        (
            60,
            "the intermediate \"CN=Intermediate\" ends in 60 d (",
            Status::Pass,
        ),
        (365, "the certificate ends in 90 d (", Status::Pass),
    ] {
        let root = chain(server.folder(), 90, intermediate_days);
        server.hang_up();
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let outcome = tls(&host).ca_file(&root).await;
            if text(&outcome).contains(told) {
                assert_eq!(outcome.status(), status, "{outcome:?}");
                break;
            }
            assert!(Instant::now() < patience, "{outcome:?}");
        }
    }
}
