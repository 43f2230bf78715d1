//! Asserts that repeated runs of the checks `http`, `tls` and `upstream` leak no connection, thread or file. The test
//! has its own binary, because it counts all files and threads of the process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::future::IntoFuture;
use std::time::{Duration, Instant};

use healthcheck::checks::{http, tls, upstream};
use healthcheck::{HealthCheck, Outcome, Status};
use stand_in::certificate::Certificate;
use stand_in::{Reply, Server, answer};

mod stand_in;

const RUNS: usize = 10_000;

/// Returns the number of this process's open files and the number of its threads.
fn held() -> (usize, usize) {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

async fn runs_leave_nothing<F: Future<Output = Outcome>>(name: &str, run: impl Fn() -> F) {
    assert_eq!(run().await.status(), Status::Pass);
    let before = held();
    for _ in 0..RUNS {
        let outcome = run().await;
        assert_eq!(outcome.status(), Status::Pass, "{name}: {outcome:?}");
    }
    // The server closes its end of a connection a moment after the check has closed the other end. This loop waits
    // until the server has done so.
    let patience = Instant::now() + Duration::from_secs(30);
    let mut after = held();
    while (after.0 > before.0 || after.1 > before.1) && Instant::now() < patience {
        tokio::task::yield_now().await;
        after = held();
    }
    assert!(
        after.0 <= before.0 && after.1 <= before.1,
        "{name}: files and threads before {before:?}, after {after:?}"
    );
}

#[tokio::test]
async fn ten_thousand_runs_leave_no_connection_no_thread_and_no_file() {
    let report = HealthCheck::builder()
        .discover(false)
        .build()
        .unwrap()
        .report()
        .await;
    let report = serde_json::to_string(&*report).unwrap();
    let plain = Server::plain(move |_| Reply::Answer(answer("200 OK", &report)))
        .await
        .unwrap();
    let closing = Server::plain(|_| Reply::AnswerAndClose(answer("200 OK", "")))
        .await
        .unwrap();
    let certificate = Certificate::valid();
    let encrypted = Server::encrypted(&certificate, |_| Reply::Answer(answer("200 OK", "")))
        .await
        .unwrap();

    let url = format!("http://{}/", plain.address);
    runs_leave_nothing("http", || http(&url).into_future()).await;
    runs_leave_nothing("upstream", || upstream(&url).into_future()).await;
    let url = format!("http://{}/", closing.address);
    runs_leave_nothing("http, closed each time", || http(&url).into_future()).await;
    let host = format!("localhost:{}", encrypted.address.port());
    let url = format!("https://{host}/");
    runs_leave_nothing("https", || http(&url).ca_file(certificate.file()).into_future()).await;
    runs_leave_nothing("tls", || tls(&host).ca_file(certificate.file()).into_future()).await;
}
