//! Tests that reports, the history, listeners, the log and the metrics all show the same status.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Selection, Status};
use healthcheck_axum::Endpoints;
use healthcheck_tests::by_hand;
use tokio::time::advance;

use crate::shown::get;

const SECOND: Duration = Duration::from_secs(1);

/// Returns a check that passes in its first run, and hangs in every later run.
fn hangs_after_a_pass(name: &str) -> Check {
    let runs = Arc::new(AtomicU32::new(0));
    Check::new(name, move || {
        let hangs = runs.fetch_add(1, Ordering::SeqCst) > 0;
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
        }
    })
}

fn status_of(health: &HealthCheck, name: &str) -> Status {
    let report = health.last_known(&Selection::all()).unwrap();
    report.get(name).unwrap().status
}

/// Waits until `heard` returns true. The library calls listeners on another thread, so a call may come a little later.
fn wait_until(heard: impl Fn() -> bool, what: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while !heard() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One call of a listener: the name of the check, or `None` for the overall status, and the new status.
type Heard = (Option<String>, Status);

#[tokio::test(start_paused = true)]
async fn a_run_without_a_limit_that_hangs_after_a_pass_is_the_same_failure_everywhere() {
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let health = by_hand()
        .check(hangs_after_a_pass("db").timeout(None))
        .check(
            Check::new("api", async || ())
                .depends_on(["db"])
                .success_ttl(None),
        )
        .on_change(move |change| listener.lock().unwrap().push((change.checker.clone(), change.to)))
        .build()
        .unwrap();
    assert!(health.report().await.is_success());
    advance(28 * SECOND).await;
    let report = health.report_within(&Selection::all(), 6 * SECOND).await.unwrap();
    let db = report.get("db").unwrap();
    assert_eq!(db.status, Status::Fail);
    assert!(db.output.as_str().unwrap().contains("still running"), "{db:?}");
    let api = report.get("api").unwrap();
    assert_eq!(
        (api.status, api.blocked_by.as_deref()),
        (Status::Fail, Some("db")),
        "{api:?}"
    );
    let failed = |name: &str| {
        let history = health.history();
        let of_it = history
            .iter()
            .rev()
            .find(|change| change.checker.as_deref() == Some(name));
        of_it.map(|change| change.to)
    };
    assert_eq!(
        (failed("db"), failed("api")),
        (Some(Status::Fail), Some(Status::Fail))
    );
    assert_eq!(health.statistics().stuck_runs, 1);
    assert_eq!(status_of(&health, "db"), Status::Fail);
    let metrics = get(Endpoints::new(health.clone()), "/healthcheck?format=prometheus")
        .await
        .1;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("healthcheck_check_status{") && line.contains("\"db\""));
    let by_metrics = line.map(|line| line.rsplit(' ').next().unwrap().to_owned());
    assert!(metrics.contains("healthcheck_stuck_runs 1"), "{metrics}");
    assert!(by_metrics.is_none_or(|value| value == "0"), "{metrics}");
    let told = |name: &str| {
        let heard = heard.lock().unwrap();
        heard.contains(&(Some(name.to_owned()), Status::Fail))
    };
    wait_until(|| told("db") && told("api"), "the listener hears of both");
}

#[test]
fn maintenance_and_the_end_of_the_history_agree_after_a_hundred_thousand_races() {
    const RACES: usize = 50_000;
    let health = by_hand().build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let health = &health;
            scope.spawn(move || {
                for nth in 0..RACES {
                    if (nth + thread) % 2 == 0 {
                        health.begin_maintenance("disks");
                    } else {
                        health.end_maintenance();
                    }
                }
            });
        }
    });
    let history = health.history();
    let last = history.last().expect("there were races");
    let fails = health.maintenance_reason().is_some();
    assert_eq!(last.to == Status::Fail, fails, "{last:?}");
    for (before, after) in history.iter().zip(&history[1..]) {
        assert_eq!(after.from, Some(before.to));
        assert!(after.sequence > before.sequence);
    }
}

/// The check `api` fails because its last run is stuck. Its dependency `dns` has recovered. The failure of `api` hasn't
/// expired yet, so the library has to serve the report from its cache.
#[tokio::test(start_paused = true)]
async fn a_stuck_check_whose_dependency_has_recovered_is_fresh() {
    let fails = Arc::new(AtomicBool::new(false));
    let dns = Arc::clone(&fails);
    let health = by_hand()
        .check(Check::new("dns", move || {
            let fails = dns.load(Ordering::SeqCst);
            async move { !fails }
        }))
        .check(
            Check::blocking("api", {
                let runs = AtomicU32::new(0);
                move || {
                    if runs.fetch_add(1, Ordering::SeqCst) > 0 {
                        std::thread::sleep(Duration::from_secs(600));
                    }
                }
            })
            .depends_on(["dns"])
            .timeout(SECOND)
            .success_ttl(SECOND),
        )
        .build()
        .unwrap();
    // Tokio's paused clock doesn't advance while a blocking check runs. So the rest of this test runs in real time.
    tokio::time::resume();
    health.report().await;
    tokio::time::sleep(SECOND).await;
    let report = health.report().await;
    assert_eq!(report.get("api").unwrap().status, Status::Fail);
    fails.store(true, Ordering::SeqCst);
    health.expire(&Selection::checks(["dns"])).unwrap();
    let report = health.report().await;
    assert_eq!(report.get("api").unwrap().blocked_by.as_deref(), Some("dns"));
    fails.store(false, Ordering::SeqCst);
    health.expire(&Selection::checks(["dns"])).unwrap();
    let report = health.report().await;
    let api = report.get("api").unwrap();
    assert_eq!(
        (api.status, api.blocked_by.as_deref()),
        (Status::Fail, None),
        "{api:?}"
    );
    let first = health.fresh(&Selection::all()).expect("nothing is due");
    let second = health.fresh(&Selection::all()).expect("nothing is due");
    assert!(Arc::ptr_eq(&first, &second), "nothing is put together again");
}

/// If a check is added or removed while a request waits for results, the library begins the request again. The time
/// budget of the request must not begin again.
#[tokio::test]
async fn an_answer_keeps_its_budget_while_checks_come_and_go() {
    let health = by_hand()
        .check(Check::new("slow", std::future::pending::<()>))
        .build()
        .unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&ended);
    let changed = health.clone();
    let changes = std::thread::spawn(move || {
        while !stops.load(Ordering::SeqCst) {
            changed.add(Check::new("other", async || ())).unwrap();
            assert!(changed.remove("other"));
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let budget = Duration::from_millis(400);
    let begins = Instant::now();
    health.report_within(&Selection::all(), budget).await.unwrap();
    let lasted = begins.elapsed();
    ended.store(true, Ordering::SeqCst);
    changes.join().unwrap();
    assert!(lasted < 2 * budget, "{lasted:?}");
}
