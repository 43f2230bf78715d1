//! Tests the shutdown, maintenance, transitions of a status, and the listeners of transitions.

use std::sync::mpsc;
use std::time::Duration;

use healthcheck::{Cause, Outcome, Overall, Selection, Status};
use tokio::time::advance;

use crate::support::{Lever, built, by_hand};

const SECOND: Duration = Duration::from_secs(1);

async fn readiness(health: &healthcheck::HealthCheck) -> (Overall, Option<String>) {
    let report = health.report_for(&Selection::readiness()).await.unwrap();
    (report.status, report.reason.clone())
}

#[tokio::test(start_paused = true)]
async fn once_shutting_down_readiness_fails_and_no_recovery_flips_it_back() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("a"), Lever::default().check("alive").liveness()]);
    health.report().await;
    health.begin_shutdown();
    lever.pass();
    health.end_maintenance();
    advance(30 * SECOND).await;
    assert_eq!(
        readiness(&health).await,
        (Overall::Failure, Some("shutting down".into()))
    );
    assert_eq!(
        health.report().await.status,
        Overall::Success,
        "the health path is as before"
    );
    assert_eq!(
        health.report_for(&Selection::liveness()).await.unwrap().status,
        Overall::Success
    );
}

#[tokio::test]
async fn readiness_fails_while_shutting_down_even_without_checks() {
    let health = by_hand().build().unwrap();
    health.begin_shutdown();
    assert_eq!(readiness(&health).await.0, Overall::Failure);
}

#[tokio::test]
async fn a_cached_readiness_report_does_not_outlive_the_beginning_of_the_shutdown() {
    let health = built([Lever::default().check("a")]);
    assert_eq!(readiness(&health).await.0, Overall::Success);
    health.begin_shutdown();
    assert_eq!(
        health.fresh(&Selection::readiness()).unwrap().status,
        Overall::Failure
    );
}

#[tokio::test]
async fn maintenance_fails_readiness_with_its_reason_until_it_ends() {
    let health = built([Lever::default().check("a")]);
    health.begin_maintenance("moving house");
    assert_eq!(
        readiness(&health).await,
        (Overall::Failure, Some("maintenance: moving house".into()))
    );
    assert_eq!(health.history().last().unwrap().by, Cause::Maintenance);
    health.end_maintenance();
    assert_eq!(readiness(&health).await, (Overall::Success, None));
}

#[tokio::test]
async fn a_secret_in_the_reason_of_a_maintenance_is_not_told() {
    let health = built([Lever::default().check("a")]);
    let secret = ["hun", "ter2"].concat();
    health.begin_maintenance(format!("moving postgres://app:{secret}@db/prod"));
    let told = readiness(&health).await.1.unwrap();
    assert_eq!(told, "maintenance: moving postgres://app:********@db/prod");
    assert!(!format!("{:?}", health.history()).contains(&secret));
}

#[tokio::test]
async fn shutting_down_is_told_before_maintenance() {
    let health = built([Lever::default().check("a")]);
    health.begin_maintenance("moving house");
    health.begin_shutdown();
    assert_eq!(readiness(&health).await.1.as_deref(), Some("shutting down"));
}

#[tokio::test(start_paused = true)]
async fn drained_completes_a_delay_after_draining() {
    let health = by_hand().build().unwrap();
    health.set_shutdown_delay(7 * SECOND);
    let (draining, drained) = (health.draining(), health.drained());
    let began = tokio::time::Instant::now();
    health.begin_shutdown();
    draining.await;
    assert!(began.elapsed() < SECOND);
    drained.await;
    assert!((7..8).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_called_once_a_transition_for_each_check_and_for_the_whole() {
    let (told, listened) = mpsc::channel();
    let lever = Lever::default();
    let health = by_hand()
        .check(lever.check("a"))
        .on_change(move |change| {
            told.send((change.checker.clone(), change.from, change.to))
                .unwrap()
        })
        .build()
        .unwrap();
    health.report().await;
    lever.fail();
    advance(28 * SECOND).await;
    for _ in 0..3 {
        health.report().await;
        advance(10 * SECOND).await;
    }
    lever.pass();
    health.report().await;
    drop(health);
    let (pass, fail) = (Some(Status::Pass), Some(Status::Fail));
    let a = || Some("a".to_owned());
    assert_eq!(
        listened.iter().collect::<Vec<_>>(),
        [
            (a(), pass, Status::Fail),
            (None, pass, Status::Fail),
            (a(), fail, Status::Pass),
            (None, fail, Status::Pass)
        ],
        "the first pass is no transition"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_result_that_fails_is_a_transition_from_nothing() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("a")]);
    health.report().await;
    let first = health
        .history()
        .into_iter()
        .find(|it| it.checker.is_some())
        .unwrap();
    assert_eq!((first.from, first.to, first.lasted), (None, Status::Fail, None));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_or_blocks_harms_nobody() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let (told, listened) = mpsc::channel();
    let lever = Lever::default();
    let health = by_hand()
        .check(lever.check("a").success_ttl(None).failed_ttl(None))
        .on_change(|_| panic!("listener"))
        .on_change(move |change| told.send(change.to).unwrap())
        .on_change(move |_| {
            let _ = blocked.lock().unwrap().recv();
        })
        .build()
        .unwrap();
    for round in 0..3_000 {
        if round % 2 == 0 {
            lever.fail()
        } else {
            lever.pass()
        }
        health.report().await;
    }
    assert_eq!(
        listened.recv().unwrap(),
        Status::Fail,
        "a panic of one listener keeps nothing from the next"
    );
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn the_last_32_transitions_are_kept() {
    let lever = Lever::default();
    let health = built([lever.check("a").success_ttl(None).failed_ttl(None)]);
    for round in 0..100 {
        if round % 2 == 0 {
            lever.pass()
        } else {
            lever.fail()
        }
        health.report().await;
        advance(SECOND).await;
    }
    let of_a: Vec<_> = health
        .history()
        .into_iter()
        .filter(|it| it.checker.is_some())
        .collect();
    assert_eq!(of_a.len(), 32);
    assert_eq!(of_a.last().unwrap().to, Status::Fail);
    assert!(of_a.iter().all(|it| it.lasted.is_some()));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_drain_late_waits_for_the_rest_of_its_delay() {
    let health = by_hand().build().unwrap();
    health.begin_shutdown();
    advance(4 * SECOND).await;
    let began = tokio::time::Instant::now();
    health.drained().await;
    assert_eq!(began.elapsed().as_secs(), 1);
    advance(60 * SECOND).await;
    let began = tokio::time::Instant::now();
    health.drained().await;
    assert_eq!(began.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_delay_beyond_the_clock_ends_when_it_is_ended() {
    let health = by_hand().build().unwrap();
    health.set_shutdown_delay(Duration::MAX);
    health.begin_shutdown();
    let drained = tokio::spawn(health.drained());
    advance(SECOND).await;
    assert!(!drained.is_finished());
    health.end_drain();
    drained.await.unwrap();
}

#[tokio::test]
async fn the_reason_of_a_maintenance_passes_the_redactor_everywhere() {
    let health = built([Lever::default().check("a")]);
    let secret = concat!("hunter", "2");
    health.begin_maintenance(format!("moving to postgres://app:{secret}@db/prod"));
    let told = [
        serde_json::to_string(&*health.report_for(&Selection::readiness()).await.unwrap()).unwrap(),
        serde_json::to_string(&health.history()).unwrap(),
        health.maintenance_reason().unwrap(),
    ];
    for told in told {
        assert!(
            told.contains("postgres://app:********@db/prod") && !told.contains(secret),
            "{told}"
        );
    }
}

#[tokio::test]
async fn another_reason_for_the_same_maintenance_is_no_transition() {
    let health = built([Lever::default().check("a")]);
    health.begin_maintenance("moving house");
    health.begin_maintenance("still moving");
    assert_eq!(
        readiness(&health).await.1.as_deref(),
        Some("maintenance: still moving")
    );
    assert_eq!(health.history().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_the_transitions_in_their_order() {
    let (told, listened) = mpsc::channel();
    let levers = [(); 8].map(|()| Lever::default());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let builder = by_hand()
        .success_ttl(None)
        .failed_ttl(None)
        .on_change(move |change| {
            told.send((change.checker.clone(), change.from, change.to))
                .unwrap()
        });
    let health = levers
        .iter()
        .zip(names)
        .fold(builder, |builder, (lever, name)| builder.check(lever.check(name)))
        .build()
        .unwrap();
    for round in 0..2_000 {
        for (place, lever) in levers.iter().enumerate() {
            // In each round, exactly one check fails. In the next round, a different check fails. So each round changes
            // statuses.
            if round % levers.len() == place {
                lever.fail()
            } else {
                lever.pass()
            }
        }
        health.report().await;
    }
    drop(health);
    let mut last = std::collections::HashMap::new();
    for (checker, from, to) in listened {
        if let Some(before) = last.insert(checker.clone(), to) {
            assert_eq!(from, Some(before), "{checker:?}");
        }
    }
}

#[tokio::test]
async fn maintenance_is_told_before_starting() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("migrated").startup()]);
    assert_eq!(readiness(&health).await.1.as_deref(), Some("starting"));
    health.begin_maintenance("");
    assert_eq!(readiness(&health).await.1.as_deref(), Some("maintenance"));
}

#[tokio::test(start_paused = true)]
async fn the_last_32_transitions_of_the_whole_are_kept_as_well() {
    let lever = Lever::default();
    let health = built([lever.check("a").success_ttl(None).failed_ttl(None)]);
    for round in 0..100 {
        if round % 2 == 0 {
            lever.pass()
        } else {
            lever.fail()
        }
        health.report().await;
        advance(SECOND).await;
    }
    let of_the_whole: Vec<_> = health
        .history()
        .into_iter()
        .filter(|it| it.checker.is_none())
        .collect();
    assert_eq!(of_the_whole.len(), 32);
    let last = of_the_whole.last().unwrap();
    assert_eq!((last.to, last.output.as_str()), (Status::Fail, Some("a")));
    assert!(last.lasted.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_last_64_of_the_warnings_added_are_kept_beside_those_of_the_build() {
    let health = built([]);
    let of_build = health.report().await.warnings.clone();
    assert_eq!(of_build.len(), 1);
    for retries in 0..1_000 {
        health.add_warning(format!("{retries} retries"));
    }
    let warnings = health.report().await.warnings.clone();
    assert_eq!(warnings.len(), 1 + 64);
    assert_eq!(warnings[0], of_build[0]);
    assert_eq!(warnings[64], "999 retries");
}

#[tokio::test(start_paused = true)]
async fn an_observation_is_cut_as_an_output_is() {
    let health = built([]);
    health.observe_liveness("loop", Some(Outcome::fail("x".repeat(1 << 20))));
    let report = health.report_for(&Selection::liveness()).await.unwrap();
    let output = report.results[0].output.as_str().unwrap();
    assert!(
        output.len() < 17 * 1024 && output.contains("cut after 16384 of 1048576 bytes"),
        "{}",
        output.len()
    );
}

#[tokio::test]
async fn an_observation_that_fails_is_over_when_it_is_taken_away() {
    let health = built([]);
    health.observe_liveness("loop", Some(Outcome::fail("stands still")));
    health.observe_liveness("loop", None);
    let told: Vec<_> = health.history().iter().map(|it| (it.from, it.to)).collect();
    assert_eq!(told, [(None, Status::Fail), (Some(Status::Fail), Status::Pass)]);
}
