//! The check `tls`, against certificates made for a few days.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use healthcheck::checks::{Tls, tls};
use healthcheck::{Outcome, Status};
use stand_in::certificate::{Certificate, DAY};
use stand_in::{Reply, Server};

mod stand_in;

fn text(outcome: &Outcome) -> &str {
    outcome.output().as_str().unwrap()
}

async fn showing(certificate: &Certificate) -> (Server, Tls) {
    let server = Server::encrypted(certificate, |_| Reply::Hang).await.unwrap();
    let check = tls(format!("localhost:{}", server.address.port())).ca_file(certificate.file());
    (server, check)
}

#[tokio::test]
async fn a_certificate_is_judged_by_the_days_that_it_has_left() {
    for (days, status, rest) in [
        (60, Status::Pass, ""),
        (21, Status::Pass, ""),
        (20, Status::Warn, ", below 21 d"),
        (7, Status::Warn, ", below 21 d"),
        (6, Status::Fail, ", below 7 d"),
    ] {
        let end = SystemTime::now() + DAY * days + Duration::from_secs(60);
        let certificate = Certificate::ending("localhost", end);
        let (_server, check) = showing(&certificate).await;
        let outcome = check.await;
        assert_eq!(outcome.status(), status, "{outcome:?}");
        let told = text(&outcome);
        assert!(
            told.contains(&format!("ends in {days} d (20")) && told.ends_with(&format!("Z){rest}")),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_days_can_be_set() {
    let certificate = Certificate::ending("localhost", SystemTime::now() + DAY * 10);
    let (_server, check) = showing(&certificate).await;
    assert_eq!(
        check.clone().warn_below_days(5).fail_below_days(2).await.status(),
        Status::Pass
    );
    assert_eq!(check.fail_below_days(12).await.status(), Status::Fail);
}

#[tokio::test]
async fn one_that_has_ended_says_when() {
    let certificate = Certificate::ending("localhost", SystemTime::now() - DAY * 3);
    let (_server, check) = showing(&certificate).await;
    let outcome = check.await;
    assert_eq!(outcome.status(), Status::Fail);
    assert!(
        text(&outcome).starts_with("TLS: localhost:")
            && text(&outcome).contains("the certificate ended 3 d ago (20"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn the_name_has_to_be_right_and_can_be_another_than_the_host_s() {
    let certificate = Certificate::ending("billing.internal", SystemTime::now() + DAY * 90);
    let (_server, check) = showing(&certificate).await;
    let outcome = check.clone().await;
    assert!(
        text(&outcome).contains("not valid for name \"localhost\""),
        "{outcome:?}"
    );
    assert_eq!(check.server_name("billing.internal").await.status(), Status::Pass);
}

#[tokio::test]
async fn each_failure_names_its_layer() {
    let (certificate, other) = (Certificate::valid(), Certificate::valid());
    let (server, check) = showing(&certificate).await;
    let plain = Server::plain(|_| Reply::Answer("nonsense".to_owned()))
        .await
        .unwrap();
    let closed = {
        let (server, _) = showing(&certificate).await;
        server.address
    };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    let name = format!("{}.invalid", "x".repeat(64));
    let wait = Duration::from_millis(100);
    for (check, expected) in [
        (tls(&name), format!("DNS: {name}: ")),
        (tls(closed), format!("connect: {closed}: ")),
        (
            check.ca_file(other.file()),
            format!(
                "TLS: localhost:{}: invalid peer certificate",
                server.address.port()
            ),
        ),
        (
            tls(plain.address).ca_file(other.file()).timeout(wait),
            format!("TLS: {}: ", plain.address),
        ),
        (
            tls(silent).ca_file(other.file()).timeout(wait),
            format!("TLS: {silent}: no answer to the handshake"),
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
