//! Tests the check `upstream` against servers in this process. Some servers send a report, others detect a loop of
//! services.
#![allow(clippy::unwrap_used)]

use healthcheck::checks::upstream;
use healthcheck::upstream_loops::{Asked, VIA};
use healthcheck::{Check, HealthCheck, Outcome, Report, Status};
use serde_json::json;
use stand_in::{Reply, Server, answer};

mod stand_in;

async fn report(of: Vec<Check>) -> Report {
    let mut builder = HealthCheck::builder().discover(false);
    for check in of {
        builder = builder.check(check);
    }
    (*builder.build().unwrap().report().await).clone()
}

async fn answering(status: &'static str, body: String) -> (Server, String) {
    let server = Server::plain(move |_| Reply::Answer(answer(status, &body)))
        .await
        .unwrap();
    let url = format!("http://{}/healthcheck", server.address);
    (server, url)
}

fn serving(report: &Report) -> String {
    serde_json::to_string(report).unwrap()
}

#[tokio::test]
async fn the_verdict_and_the_outputs_of_the_other_are_passed_on() {
    let (good, bad) = (
        || Check::new("cache", async || "warm"),
        || Check::new("database", async || (false, "refused")),
    );
    for (checks, code, status, overall) in [
        (vec![good()], "200 OK", Status::Pass, "success"),
        (
            vec![good(), bad().critical(false)],
            "200 OK",
            Status::Warn,
            "degraded",
        ),
        (
            vec![good(), bad()],
            "503 Service Unavailable",
            Status::Fail,
            "failure",
        ),
    ] {
        let many = checks.len() > 1;
        let report = report(checks).await;
        let (_server, url) = answering(code, serving(&report)).await;
        let outcome = upstream(&url).await;
        assert_eq!(outcome.status(), status);
        let mut expected = json!({
            "url": url,
            "hostname": report.hostname,
            "status": overall,
            "results": { "cache": { "status": "pass", "output": "warm" } },
        });
        if many {
            expected["results"]["database"] = json!({ "status": "fail", "output": "refused" });
        }
        if status == Status::Fail {
            expected["layer"] = json!("verdict");
        }
        assert_eq!(*outcome.output(), expected);
    }
}

#[tokio::test]
async fn what_is_no_report_is_a_failure_of_the_protocol_or_of_the_verdict() {
    for (code, body, expected) in [
        (
            "200 OK",
            "<html>",
            "protocol: URL answered 200 OK, but not with a report: ",
        ),
        (
            "200 OK",
            "{}",
            "protocol: URL answered 200 OK, but not with a report: missing field",
        ),
        (
            "404 Not Found",
            "no such page",
            "verdict: URL answered 404 Not Found",
        ),
    ] {
        let (_server, url) = answering(code, body.to_owned()).await;
        let outcome = upstream(&url).await;
        assert_eq!(outcome.status(), Status::Fail);
        let text = outcome.output().as_str().unwrap();
        assert!(text.starts_with(&expected.replace("URL", &url)), "{text}");
    }
}

#[tokio::test]
async fn a_service_that_asks_itself_is_told_so_at_once() {
    let refusing = Server::plain(|head| {
        let via = head
            .lines()
            .find_map(|line| line.strip_prefix(VIA)?.strip_prefix(": "));
        Reply::Answer(match Asked::by(via.unwrap_or_default()) {
            Ok(_) => answer("200 OK", ""),
            Err(refused) => answer("508 Loop Detected", &refused.to_string()),
        })
    })
    .await
    .unwrap();
    let url = format!("http://{}/", refusing.address);
    let outcome: Outcome = upstream(&url).await;
    let text = outcome.output().as_str().unwrap();
    assert!(
        text.starts_with(&format!("verdict: {url} answered 508 Loop Detected: a loop")),
        "{text}"
    );
}

#[tokio::test]
async fn whoever_asks_meanwhile_is_named_to_the_next() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let notes = std::sync::Arc::clone(&seen);
    let next = Server::plain(move |head| {
        let via = head
            .lines()
            .find_map(|line| line.strip_prefix(VIA)?.strip_prefix(": "));
        notes.lock().unwrap().push(via.unwrap_or_default().to_owned());
        Reply::Answer(answer("404 Not Found", ""))
    })
    .await
    .unwrap();
    let url = format!("http://{}/", next.address);
    let first = "00000000000000c1";
    let asked = Asked::by(first).unwrap();
    let _ = upstream(&url).await;
    drop(asked);
    let _ = upstream(&url).await;
    let seen = seen.lock().unwrap();
    assert!(seen[0].contains(first) && !seen[1].contains(first), "{seen:?}");
}
