//! Tests the check `tls` with certificates that are generated for each test.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use healthcheck::checks::{Tls, tls};
use healthcheck::{Outcome, Status};
use stand_in::certificate::{Authority, Certificate, DAY, acceptor_of};
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

/// Runs the check `tls` against a server, and returns the outcome. The check trusts only the authorities in `trusted`.
///
/// The server presents a leaf certificate and the certificates in `sent`. The leaf certificate is signed by `signer`,
/// and expires in `leaf_days` days.
async fn judged(leaf_days: u32, signer: &Authority, sent: &[&Authority], trusted: &[&Authority]) -> Outcome {
    let leaf = signer.leaf(SystemTime::now() + DAY * leaf_days + Duration::from_secs(60));
    let acceptor = std::sync::Arc::new(std::sync::Mutex::new(acceptor_of(&leaf, sent)));
    let server = Server::encrypted_by(acceptor, |_| Reply::Hang).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let pem: String = trusted.iter().map(|authority| authority.pem()).collect();
    std::fs::write(file.path(), pem).unwrap();
    tls(format!("localhost:{}", server.address.port()))
        .ca_file(file.path())
        .await
}

fn in_days(days: u32) -> SystemTime {
    SystemTime::now() + DAY * days + Duration::from_secs(60)
}

#[tokio::test]
async fn the_first_certificate_of_the_path_to_end_is_the_one_that_counts() {
    let root = Authority::root("Root", in_days(900));
    let good = root.intermediate("Good", in_days(400));
    let ending = root.intermediate("Ending", in_days(5));
    let outcome = judged(90, &good, &[&good], &[&root]).await;
    assert_eq!(outcome.status(), Status::Pass);
    assert!(
        text(&outcome).contains(": the certificate ends in 90 d ("),
        "{outcome:?}"
    );
    let outcome = judged(90, &ending, &[&ending], &[&root]).await;
    assert_eq!(outcome.status(), Status::Fail);
    assert!(
        text(&outcome).starts_with("verdict: localhost:")
            && text(&outcome).contains(": the intermediate \"CN=Ending\" ends in 5 d (")
            && text(&outcome).ends_with(", below 7 d"),
        "{outcome:?}"
    );
    let below = ending.intermediate("Below", in_days(300));
    let outcome = judged(90, &below, &[&below, &ending], &[&root]).await;
    assert!(
        text(&outcome).contains("\"CN=Ending\" ends in 5 d"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn the_authority_that_was_used_counts_and_others_do_not() {
    let ending = Authority::root("Old Root", in_days(10));
    let outcome = judged(90, &ending, &[], &[&ending]).await;
    assert_eq!(outcome.status(), Status::Warn);
    assert!(
        text(&outcome).contains(": the authority \"CN=Old Root\" ends in 10 d ("),
        "{outcome:?}"
    );
    let root = Authority::root("Root", in_days(900));
    let outcome = judged(90, &root, &[], &[&ending, &root]).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    // rustls accepts an expired root certificate. Other TLS clients reject such a root, so the check has to fail.
    let ended = Authority::root("Ended", SystemTime::now() - DAY * 3);
    let outcome = judged(90, &ended, &[], &[&ended]).await;
    assert!(
        text(&outcome).starts_with("TLS: localhost:")
            && text(&outcome).contains(": the authority \"CN=Ended\" ended 3 d ago ("),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_a_server_sends_besides_the_path_does_not_count() {
    let root = Authority::root("Root", in_days(900));
    let good = root.intermediate("Good", in_days(400));
    let ending = root.intermediate("Unrelated", in_days(2));
    let ended = root.intermediate("Ended", SystemTime::now() - DAY);
    let outcome = judged(90, &good, &[&ending, &good, &ended], &[&root]).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
}

#[tokio::test]
async fn of_several_paths_the_one_that_lasts_longest_counts() {
    let (old, new) = (
        Authority::root("Old Root", in_days(3)),
        Authority::root("New Root", in_days(900)),
    );
    let first = old.intermediate("Issuer", in_days(3));
    let renewed = new.cross_sign(&first, "Issuer", in_days(400));
    for sent in [[&first, &renewed], [&renewed, &first]] {
        let outcome = judged(90, &renewed, &sent, &[&old, &new]).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
        assert!(
            text(&outcome).contains(": the certificate ends in 90 d"),
            "{outcome:?}"
        );
    }
    let outcome = judged(90, &renewed, &[&first, &renewed], &[&old]).await;
    assert!(
        text(&outcome).contains("\"CN=Issuer\" ends in 3 d"),
        "{outcome:?}"
    );
}
