//! Tests that this library doesn't have certain bugs that other health libraries have had. The name of each test states
//! the correct behaviour. The tests of the server cover bugs in HTTP.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use healthcheck::{Check, Overall, Selection, Status};
use tokio::time::{advance, sleep};

use crate::support::{Lever, built, of};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn failures_that_are_not_consecutive_are_not_counted() {
    let lever = Lever::default();
    let health = built([lever
        .check("a")
        .failure_threshold(3)
        .success_ttl(None)
        .failed_ttl(None)]);
    for round in 0..12 {
        if round % 3 == 0 {
            lever.pass()
        } else {
            lever.fail()
        }
        assert_eq!(
            of(&*health.report().await, "a").status,
            Status::Pass,
            "round {round}"
        );
    }
}

#[tokio::test]
async fn a_threshold_does_not_call_a_check_up_that_has_never_passed() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("a").failure_threshold(10)]);
    assert_eq!(of(&*health.report().await, "a").status, Status::Fail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hung_check_does_not_hold_what_every_probe_needs() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let health = built([
        Check::blocking("hangs", move || blocked.lock().unwrap().recv().is_ok()),
        Check::new("alive", async || true).liveness(),
    ]);
    let hanging = tokio::spawn({
        let health = health.clone();
        async move { health.report().await }
    });
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(
            health.report_for(&Selection::liveness()).await.unwrap().status,
            Overall::Success
        );
    }
    assert!(began.elapsed() < 2 * SECOND);
    drop(release);
    hanging.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_leader_does_not_wedge_a_shared_run() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let health = built([Check::new("a", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        sleep(SECOND)
    })]);
    let leader = tokio::time::timeout(SECOND / 2, health.report());
    let follower = health.report();
    let (cancelled, followed) = tokio::join!(leader, follower);
    assert!(cancelled.is_err());
    assert_eq!(followed.status, Overall::Success);
    advance(28 * SECOND).await;
    assert_eq!(health.report().await.status, Overall::Success);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_background_loop_does_not_stay_green() {
    let home = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let health = built([Check::new("a", async || true).interval(10 * SECOND)]);
    health.on_runtime(home.handle().clone()).report().await;
    std::thread::spawn(move || drop(home)).join().unwrap();
    advance(26 * SECOND).await;
    let report = health
        .report_within(&Selection::all(), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(report.status, Overall::Failure);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_does_not_flip_readiness_up_while_draining() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("a")]);
    health.begin_shutdown();
    for _ in 0..5 {
        let report = health.report_for(&Selection::readiness()).await.unwrap();
        assert_eq!(report.status, Overall::Failure);
        lever.pass();
        advance(10 * SECOND).await;
    }
}

#[tokio::test]
async fn one_unexpected_error_does_not_lose_the_report() {
    struct Unshowable;
    impl serde::Serialize for Unshowable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no words"))
        }
    }
    let health = built([
        Check::new("a", async || (true, Unshowable)),
        Check::new("b", async || -> bool { panic!("b") }),
        Check::new("c", async || true),
    ]);
    let report = health.report().await;
    assert_eq!(of(&report, "a").output, "the output can't be shown: no words");
    assert_eq!(of(&report, "c").status, Status::Pass);
}

#[tokio::test]
async fn a_report_is_not_shared_and_mutated_between_requests() {
    let lever = Lever::default();
    let health = built([lever.check("a").success_ttl(None)]);
    let before = health.report().await;
    lever.fail();
    health.report().await;
    assert_eq!(of(&before, "a").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_run_does_not_keep_what_it_opened() {
    struct Connection(Arc<AtomicU32>);
    impl Drop for Connection {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let open = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&open);
    let health = built([Check::new("a", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let connection = Connection(Arc::clone(&counted));
        async move {
            std::future::pending::<()>().await;
            drop(connection);
        }
    })]);
    for _ in 0..20 {
        health.report().await;
        sleep(10 * SECOND).await;
    }
    assert!(open.load(Ordering::SeqCst) <= 1, "{open:?}");
}
