//! Tests the size limit of 4 MiB for the body of an answer. Only metrics may exceed this limit, if there are very many
//! checks.

use std::time::Duration;

use axum::http::StatusCode;
use healthcheck::{Check, EnvironmentDump, Outcome, Status};
use healthcheck_axum::Endpoints;

use crate::support::{ask, built, by_hand, get, local, router};

const LARGEST: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn a_report_beyond_the_limit_keeps_its_verdicts_and_loses_its_outputs_and_sections() {
    let health = (0..3)
        .fold(by_hand(), |builder, index| {
            builder.section(format!("section{index}"), "x".repeat(2 * 1024 * 1024))
        })
        .check(Check::new("a", async || Outcome::fail("broken")))
        .build()
        .expect("it fits together");
    let answer = ask(&router(Endpoints::new(health)), get("/healthcheck")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.len() < LARGEST);
    let report = answer.json();
    assert_eq!(report["status"], "failure");
    assert_eq!(report["results"][0]["status"], "fail");
    assert_eq!(
        report["results"][0]["output"],
        "left out: the body would be larger than 4 MiB"
    );
    assert_eq!(report.get("section0"), None);
    assert!(
        report["warnings"][0]
            .as_str()
            .expect("a warning")
            .contains("larger than 4 MiB")
    );
}

#[tokio::test]
async fn a_report_whose_verdicts_alone_are_beyond_the_limit_keeps_that_of_the_whole() {
    let long = "n".repeat(200_000);
    let checks = (0..30).map(|index| Check::new(format!("{long}{index}"), async || false));
    let answer = ask(&router(Endpoints::new(built(checks))), get("/healthcheck")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let report = answer.json();
    assert_eq!(report["status"], "failure");
    assert_eq!(report["results"], serde_json::json!([]));
}

#[tokio::test]
async fn metrics_beyond_the_limit_keep_every_check() {
    let long = "n".repeat(10_000);
    let checks = (0..200).map(|index| Check::new(format!("{long}{index}"), async || false));
    let app = router(Endpoints::new(built(checks)));
    for format in ["prometheus", "openmetrics"] {
        let answer = ask(&app, get(&format!("/healthcheck?format={format}"))).await;
        assert!(answer.body.len() > LARGEST);
        let text = String::from_utf8_lossy(&answer.body);
        for index in [0, 199] {
            let series = format!("healthcheck_stale{{check=\"{long}{index}\"");
            assert!(text.contains(&series), "{format}: the check {index} is missing");
        }
    }
}

#[tokio::test]
async fn an_environment_page_beyond_the_limit_sends_readers_to_its_sections() {
    let dump = (0..3)
        .fold(EnvironmentDump::builder().discover(false), |builder, index| {
            builder.section(format!("section{index}"), "x".repeat(2 * 1024 * 1024))
        })
        .build()
        .expect("it fits together");
    let app = router(Endpoints::new(built([])).environment(dump));
    let page = ask(&app, local("/environment")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.len() < LARGEST);
    assert!(
        page.json()["section0"]["error"]
            .as_str()
            .expect("a note")
            .contains("this section alone")
    );
    let section = ask(&app, local("/environment/section0")).await;
    assert_eq!(section.body.len(), 2 * 1024 * 1024 + 2);
}

#[tokio::test]
async fn a_status_page_that_is_too_large_with_its_history_keeps_its_rows() {
    let names: Vec<String> = (0..500).map(|index| format!("check {index:03}")).collect();
    let health = built(names.iter().map(|name| Check::new(name.clone(), async || true)));
    let app = router(Endpoints::new(health.clone()));
    let page = || get("/healthcheck?format=html");
    ask(&app, page()).await;
    for round in 0..32 {
        let status = [Status::Fail, Status::Pass][round % 2];
        for name in &names {
            let hour = Duration::from_secs(3_600);
            health
                .set_override(name, status, hour, "game day")
                .expect("it is no liveness check");
        }
    }
    let answer = ask(&app, page()).await;
    assert!(answer.body.len() < LARGEST);
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains("the results are left out"));
    assert!(names.iter().all(|name| text.contains(name)));
}
