//! Tests startup checks. Once a startup check has passed, it stays passed. Readiness fails until all startup checks
//! have passed.

use std::time::Duration;

use healthcheck::{Overall, Selection, Status};
use tokio::time::advance;

use crate::support::{Lever, built, of};

#[tokio::test(start_paused = true)]
async fn a_startup_check_that_has_passed_is_not_run_again() {
    let lever = Lever::default();
    let health = built([lever.check("migrated").startup()]);
    for _ in 0..3 {
        assert_eq!(
            health.report_for(&Selection::startup()).await.unwrap().status,
            Overall::Success
        );
        assert_eq!(health.report().await.status, Overall::Success);
        advance(Duration::from_secs(100)).await;
        lever.fail();
    }
    assert_eq!(lever.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn readiness_fails_as_starting_and_asking_it_runs_what_is_missing() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("migrated").startup(), Lever::default().check("a")]);
    let readiness = Selection::readiness().max_age(Duration::from_secs(5), Duration::from_secs(2));
    let report = health.report_for(&readiness).await.unwrap();
    assert_eq!(
        (report.status, report.reason.as_deref()),
        (Overall::Failure, Some("starting"))
    );
    assert_eq!(report.results.len(), 1, "the startup check is no member");
    lever.pass();
    advance(Duration::from_secs(3)).await;
    let report = health.report_for(&readiness).await.unwrap();
    assert_eq!((report.status, report.reason.clone()), (Overall::Success, None));
}

#[tokio::test(start_paused = true)]
async fn readiness_waits_for_what_fails_the_startup_probe_and_for_nothing_else() {
    let lever = Lever::default();
    lever.fail();
    let readiness = async |health: &healthcheck::HealthCheck| {
        let report = health.report_for(&Selection::readiness()).await.unwrap();
        report.reason.clone()
    };
    let warm = built([lever.check("warm").startup().critical(false)]);
    let startup = warm.report_for(&Selection::startup()).await.unwrap();
    assert_eq!(startup.status, Overall::Degraded);
    assert_eq!(readiness(&warm).await, None);

    let overridden = built([lever.check("migrated").startup()]);
    assert_eq!(readiness(&overridden).await.as_deref(), Some("starting"));
    let minute = Duration::from_secs(60);
    overridden
        .set_override("migrated", Status::Pass, minute, "by hand")
        .unwrap();
    assert_eq!(readiness(&overridden).await, None);
    advance(minute).await;
    assert_eq!(readiness(&overridden).await.as_deref(), Some("starting"));
}

#[tokio::test(start_paused = true)]
async fn a_single_check_asked_by_its_path_does_not_tell_that_the_rest_is_starting() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("migrated").startup(), Lever::default().check("a")]);
    let report = health
        .report_for(&Selection::readiness().only("a"))
        .await
        .unwrap();
    assert_eq!((report.status, report.reason.clone()), (Overall::Success, None));
}

#[tokio::test(start_paused = true)]
async fn a_check_of_two_probes_stays_latched_in_one_and_fails_in_the_other() {
    let lever = Lever::default();
    let health = built([lever.check("db").startup().readiness()]);
    health.report_for(&Selection::startup()).await.unwrap();
    lever.fail();
    advance(Duration::from_secs(30)).await;
    assert_eq!(
        health.report_for(&Selection::readiness()).await.unwrap().status,
        Overall::Failure
    );
    let startup = health.report_for(&Selection::startup()).await.unwrap();
    assert_eq!(startup.status, Overall::Success);
    assert_eq!(of(&startup, "db").output, "fine");
}

#[tokio::test(start_paused = true)]
async fn a_startup_check_that_has_passed_is_not_run_again_for_startup_though_another_probe_runs_it() {
    let (dns, db) = (Lever::default(), Lever::default());
    let health = built([
        dns.check("dns").liveness(),
        db.check("db").startup().readiness().depends_on(["dns"]),
    ]);
    health.report_for(&Selection::startup()).await.unwrap();
    advance(Duration::from_secs(100)).await;
    health.report_for(&Selection::startup()).await.unwrap();
    assert_eq!((dns.runs(), db.runs()), (1, 1));
    health.report_for(&Selection::readiness()).await.unwrap();
    assert_eq!((dns.runs(), db.runs()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn readiness_looks_at_what_holds_a_startup_check_up() {
    let (dns, migrated) = (Lever::default(), Lever::default());
    dns.fail();
    let health = built([
        dns.check("dns").liveness(),
        migrated.check("migrated").startup().depends_on(["dns"]),
    ]);
    let readiness = Selection::readiness();
    let report = health.report_for(&readiness).await.unwrap();
    assert_eq!(report.reason.as_deref(), Some("starting"));
    dns.pass();
    advance(Duration::from_secs(10)).await;
    let report = health.report_for(&readiness).await.unwrap();
    assert_eq!((report.status, report.reason.clone()), (Overall::Success, None));
}

#[tokio::test(start_paused = true)]
async fn a_startup_check_that_has_passed_is_not_run_again_when_a_dependant_fails() {
    let (migrated, api) = (Lever::default(), Lever::default());
    let health = built([
        migrated.check("migrated").startup(),
        api.check("api").depends_on(["migrated"]),
    ]);
    health.report().await;
    migrated.fail();
    api.fail();
    advance(Duration::from_secs(30)).await;
    let report = health.report().await;
    assert_eq!(of(&report, "api").output, "broken");
    assert_eq!(migrated.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_startup_check_in_the_background_that_has_passed_is_not_run_again_and_does_not_grow_stale() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever
        .check("migrated")
        .startup()
        .interval(Duration::from_secs(10))]);
    health.report().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    lever.pass();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let runs = lever.runs();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(lever.runs(), runs);
    assert_eq!(health.report().await.status, Overall::Success);
}

#[tokio::test(start_paused = true)]
async fn a_startup_check_that_has_passed_is_held_up_by_no_dependency_any_more() {
    let dns = Lever::default();
    let health = built([
        dns.check("dns").critical(false),
        Lever::default().check("migrated").startup().depends_on(["dns"]),
        Lever::default().check("web").depends_on(["migrated"]),
    ]);
    health.report().await;
    dns.fail();
    advance(Duration::from_secs(30)).await;
    let report = health.report().await;
    assert_eq!(of(&report, "dns").output, "broken");
    assert_eq!(report.status, Overall::Degraded, "{report:?}");
    assert_eq!(of(&report, "migrated").blocked_by, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_startup_check_that_has_passed_is_never_outdated() {
    let health = built([Lever::default().check("migrated").startup()]);
    health.report().await;
    advance(Duration::from_secs(1_000)).await;
    assert!(!health.statistics().checks[0].outdated);
}
