//! Tests overrides, with which an operator sets the status of a check for a limited time.

use std::time::Duration;

use healthcheck::{Cause, Overall, Selection, Status};
use tokio::time::advance;

use crate::support::{Lever, built, of};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn an_override_masks_the_result_until_its_end_while_runs_go_on_below() {
    let lever = Lever::default();
    let health = built([lever.check("redis")]);
    health.report().await;
    health
        .set_override("redis", Status::Fail, MINUTE, "game day")
        .unwrap();
    let report = health.report().await;
    assert_eq!(report.status, Overall::Failure);
    assert_eq!(
        of(&report, "redis").overridden.as_ref().unwrap().reason,
        "game day"
    );
    advance(MINUTE / 2).await;
    health.report().await;
    assert_eq!(lever.runs(), 2);
    advance(MINUTE / 2).await;
    assert_eq!(health.report().await.status, Overall::Success);
}

#[tokio::test(start_paused = true)]
async fn a_pass_over_a_failure_is_a_warning_in_every_report() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("redis")]);
    health.report().await;
    health
        .set_override("redis", Status::Pass, MINUTE, "known")
        .unwrap();
    let report = health.report().await;
    assert_eq!(report.status, Overall::Success);
    assert_eq!(
        report.warnings,
        ["`redis` fails and is overridden to pass: known"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_override_and_its_end_stand_in_the_history() {
    let health = built([Lever::default().check("redis")]);
    health.report().await;
    health
        .set_override("redis", Status::Fail, MINUTE, "game day")
        .unwrap();
    advance(2 * MINUTE).await;
    health.report().await;
    let history: Vec<_> = health
        .history()
        .into_iter()
        .filter(|it| it.checker.is_some())
        .map(|it| (it.to, it.by))
        .collect();
    assert_eq!(
        history,
        [(Status::Fail, Cause::Override), (Status::Pass, Cause::Override)]
    );
}

#[tokio::test]
async fn a_liveness_check_is_not_overridden_by_accident() {
    let health = built([Lever::default().check("loop").liveness()]);
    let error = health
        .set_override("loop", Status::Fail, MINUTE, "oops")
        .unwrap_err();
    assert!(error.to_string().contains("force_override"), "{error}");
    health
        .force_override("loop", Status::Fail, MINUTE, "restart me")
        .unwrap();
    assert_eq!(
        health.report_for(&Selection::liveness()).await.unwrap().status,
        Overall::Failure
    );
}

#[tokio::test]
async fn an_override_needs_an_existing_check_and_an_end() {
    let health = built([Lever::default().check("redis")]);
    let unknown = health
        .set_override("rediss", Status::Fail, MINUTE, "x")
        .unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no check `rediss`; the checks are: redis"
    );
    assert!(
        health
            .set_override("redis", Status::Fail, Duration::ZERO, "x")
            .is_err()
    );
}

#[tokio::test]
async fn clearing_an_override_shows_the_runs_again() {
    let health = built([Lever::default().check("redis")]);
    health.report().await;
    health
        .set_override("redis", Status::Fail, MINUTE, "game day")
        .unwrap();
    health.clear_override("redis").unwrap();
    assert_eq!(health.report().await.status, Overall::Success);
}

#[tokio::test]
async fn an_override_without_an_end_is_refused() {
    let health = built([Lever::default().check("redis")]);
    let endless = health
        .set_override("redis", Status::Pass, Duration::MAX, "for good")
        .unwrap_err();
    assert!(endless.to_string().contains("needs an end"), "{endless}");
    assert_eq!(of(&*health.report().await, "redis").overridden, None);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_an_override_that_changed_nothing_is_by_the_run() {
    let lever = Lever::default();
    let health = built([lever.check("redis")]);
    health.report().await;
    health
        .set_override("redis", Status::Pass, MINUTE, "known")
        .unwrap();
    advance(MINUTE / 2).await;
    health.report().await;
    lever.fail();
    advance(MINUTE).await;
    health.report().await;
    let last = health.history().into_iter().rfind(|it| it.checker.is_some());
    assert_eq!(last.map(|it| (it.to, it.by)), Some((Status::Fail, Cause::Run)));
}

#[tokio::test(start_paused = true)]
async fn a_pass_over_a_check_that_is_blocked_is_a_warning_as_well() {
    let dns = Lever::default();
    dns.fail();
    let health = built([
        dns.check("dns"),
        Lever::default().check("redis").depends_on(["dns"]),
    ]);
    health.report().await;
    health
        .set_override("redis", Status::Pass, MINUTE, "known")
        .unwrap();
    assert_eq!(
        health.report().await.warnings,
        ["`redis` fails and is overridden to pass: known"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_override_of_a_startup_check_that_has_passed_ends_in_time_too() {
    for (status, masked) in [
        (Status::Fail, Overall::Failure),
        (Status::Warn, Overall::Degraded),
    ] {
        let health = built([
            Lever::default().check("migrated").startup(),
            Lever::default().check("both").startup().readiness(),
        ]);
        let startup = Selection::startup();
        health.report_for(&startup).await.unwrap();
        for name in ["migrated", "both"] {
            health.set_override(name, status, MINUTE, "game day").unwrap();
            assert_eq!(
                health.report_for(&startup).await.unwrap().status,
                masked,
                "{name}"
            );
            advance(MINUTE).await;
            let after = health.report_for(&startup).await.unwrap();
            assert_eq!(after.status, Overall::Success, "{name}");
        }
    }
}
