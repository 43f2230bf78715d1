//! Tests these rules about the runs of checks:
//!
//! - A check never has two runs at the same time.
//! - A run continues even if the request that started it ends.
//! - The runs of one check don't affect the runs of other checks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Outcome, Overall, Selection, Status};
use tokio::time::{advance, sleep};

use crate::support::{Lever, built, by_hand, of};

fn counted(name: &str, runs: &Arc<AtomicU32>, takes: Duration) -> Check {
    let runs = Arc::clone(runs);
    Check::new(name, move || {
        let runs = Arc::clone(&runs);
        async move {
            runs.fetch_add(1, Ordering::SeqCst);
            sleep(takes).await;
            "done"
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_requests_at_once_on_a_cold_cache_run_a_check_exactly_once() {
    let runs = Arc::default();
    let health = built([counted("slow", &runs, Duration::from_millis(100))]);
    let asked: Vec<_> = (0..200)
        .map(|_| {
            let health = health.clone();
            tokio::spawn(async move { health.report().await })
        })
        .collect();
    for report in asked {
        assert_eq!(report.await.unwrap().status, Overall::Success);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_checks_of_100_ms_run_at_the_same_time() {
    let runs = Arc::default();
    let health = built((0..50).map(|i| counted(&format!("check {i}"), &runs, Duration::from_millis(100))));
    let began = tokio::time::Instant::now();
    assert_eq!(health.report().await.results.len(), 50);
    assert!(
        began.elapsed() < Duration::from_millis(200),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_does_not_stop_the_run() {
    let runs = Arc::default();
    let health = built([counted("slow", &runs, Duration::from_millis(100))]);
    for _ in 0..20 {
        let gave_up = tokio::time::timeout(Duration::from_millis(4), health.report()).await;
        assert!(gave_up.is_err());
    }
    sleep(Duration::from_millis(50)).await;
    assert_eq!(health.fresh(&Selection::all()).unwrap().status, Overall::Success);
    assert_eq!(
        runs.load(Ordering::SeqCst),
        1,
        "the leader's cancellation is nobody's loss"
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_fails_at_its_limit_and_the_others_are_untouched() {
    let health = built([
        Check::new("fine", async || "fine"),
        Check::new("hangs", std::future::pending::<()>).timeout(Duration::from_secs(2)),
    ]);
    let report = health.report().await;
    assert_eq!(of(&report, "hangs").output, "timed out after 2 s");
    assert_eq!(of(&report, "fine").status, Status::Pass);
    assert_eq!(report.status, Overall::Failure);
}

#[tokio::test]
async fn a_check_that_panics_fails_with_its_message() {
    let health = built([
        Check::new("async", async || -> () { panic!("at the disco") }),
        Check::blocking("blocking", || -> bool { panic!("{} lights", 4) }),
        Check::new("before its future", || -> std::future::Ready<bool> {
            panic!("early")
        }),
        Check::new("fine", async || true),
    ]);
    let report = health.report().await;
    assert_eq!(of(&report, "async").output, "panicked: at the disco");
    assert_eq!(of(&report, "blocking").output, "panicked: 4 lights");
    assert_eq!(of(&report, "before its future").output, "panicked: early");
    assert_eq!(of(&report, "fine").status, Status::Pass);
}

/// Runs 200 checks that don't block, and `blocked` checks that do. A blocking check blocks the thread of its first
/// poll, inside the function `wait`, until the 200 checks have run.
///
/// Returns the number of checks that passed.
async fn passed_beside_blocked_polls(blocked: usize, wait: fn(&mut dyn FnMut())) -> usize {
    let done = Arc::new(AtomicU32::new(0));
    let blocking = (0..blocked).map(|i| {
        let done = Arc::clone(&done);
        Check::new(format!("a {i}"), move || {
            let done = Arc::clone(&done);
            async move {
                wait(&mut || {
                    while done.load(Ordering::SeqCst) < 200 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
            }
        })
    });
    let others = (0..200).map(|i| {
        let done = Arc::clone(&done);
        Check::new(format!("b {i:03}"), move || {
            done.fetch_add(1, Ordering::SeqCst);
            std::future::ready(true)
        })
    });
    let report = built(blocking.chain(others)).report().await;
    // This ends the blocked polls, even if some of the other checks never ran.
    done.store(200, Ordering::SeqCst);
    report.results.iter().filter(|it| it.passed).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_poll_that_blocks_its_thread_does_not_delay_the_other_checks() {
    assert_eq!(passed_beside_blocked_polls(1, |wait| wait()).await, 201);
}

/// Returns a check whose poll blocks its thread until `done` has reached `all`, for at most 5 s.
fn blocks_until(done: &Arc<AtomicU32>, all: u32) -> Check {
    let done = Arc::clone(done);
    Check::new("m", move || {
        let done = Arc::clone(&done);
        async move {
            let began = Instant::now();
            while done.load(Ordering::SeqCst) < all && began.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(1));
            }
            done.load(Ordering::SeqCst) >= all
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pending_run_does_not_wait_for_a_first_poll_that_blocks_its_thread() {
    for _ in 0..4 {
        let done = Arc::new(AtomicU32::new(0));
        // The library starts checks in the order of their names. So it starts the blocking check `m` after the checks
        // `a …` and before the checks `z …`.
        let names = (0..20).flat_map(|i| [format!("a {i:02}"), format!("z {i:02}")]);
        let pending = names.map(|name| {
            let done = Arc::clone(&done);
            Check::new(name, move || {
                let done = Arc::clone(&done);
                async move {
                    sleep(Duration::from_millis(1)).await;
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let health = built(pending.chain([blocks_until(&done, 40)]).collect::<Vec<_>>());
        let report = tokio::spawn(async move { health.report().await }).await.unwrap();
        assert_eq!(report.status, Overall::Success, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dependant_does_not_wait_for_a_first_poll_that_blocks_its_thread() {
    for _ in 0..4 {
        let done = Arc::new(AtomicU32::new(0));
        let pairs = (0..20).flat_map(|i| {
            let on = format!("a {i:02}");
            let dependant = counted(&format!("c {i:02}"), &done, Duration::ZERO);
            [Check::new(on.clone(), async || true), dependant.depends_on([on])]
        });
        let checks = pairs.chain([blocks_until(&done, 20)]).collect::<Vec<_>>();
        let health = built(checks);
        let report = tokio::spawn(async move { health.report().await }).await.unwrap();
        assert_eq!(report.status, Overall::Success, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_first_polls_in_block_in_place_than_workers_do_not_delay_the_other_checks() {
    let passed = passed_beside_blocked_polls(8, |wait| tokio::task::block_in_place(wait)).await;
    assert_eq!(passed, 208);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_blocks_its_thread_is_answered_at_its_limit_and_not_started_again() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let runs = Arc::new(AtomicU32::new(0));
    let check = {
        let runs = Arc::clone(&runs);
        Check::blocking("stuck", move || {
            runs.fetch_add(1, Ordering::SeqCst);
            let _ = blocked.lock().unwrap().recv();
        })
    };
    let health = by_hand()
        .check(check.timeout(Duration::from_millis(50)).failed_ttl(None))
        .check(Check::blocking("fine", || true))
        .build()
        .unwrap();
    let began = Instant::now();
    let report = health.report().await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(of(&report, "stuck").output, "timed out after 50 ms");
    assert_eq!(of(&report, "fine").status, Status::Pass);
    assert_eq!(health.statistics().stuck_runs, 1);

    let again = health.report().await;
    let output = of(&again, "stuck").output.as_str().unwrap().to_owned();
    assert!(output.starts_with("still running since 20"), "{output}");
    assert_eq!(
        of(&again, "stuck").consecutive_failures,
        1,
        "being told again is no run"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    drop(release);
}

#[tokio::test]
async fn a_check_that_asks_for_a_report_itself_gets_what_is_known_and_waits_for_nothing() {
    let health: Arc<std::sync::OnceLock<HealthCheck>> = Arc::default();
    let own = Arc::clone(&health);
    let asks = Check::new("asks", move || {
        let own = Arc::clone(&own);
        async move {
            let report = own.get().unwrap().report().await;
            Outcome::pass(of(&report, "asks").output.clone())
        }
    });
    let blocking_own = Arc::clone(&health);
    let asks_blocking = Check::blocking("asks blocking", move || {
        let health = blocking_own.get().unwrap();
        let report = tokio::runtime::Handle::current().block_on(health.report());
        Outcome::pass(report.results.len())
    });
    health.set(built([asks, asks_blocking])).unwrap();
    let report = health.get().unwrap().report().await;
    assert_eq!(of(&report, "asks").output, "not run yet, running for 0.0 s");
    assert_eq!(of(&report, "asks blocking").output, 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_result_is_discarded() {
    // This run occupies the only thread of the runtime until after its timeout. So no other task can end the run in
    // time. The library has to discard the late result, and to report a timeout.
    let check = Check::new("late", async || {
        tokio::time::advance(Duration::from_secs(6)).await;
        "too late"
    });
    let health = built([check]);
    assert_eq!(of(&*health.report().await, "late").output, "timed out after 5 s");
}

#[tokio::test(start_paused = true)]
async fn a_report_within_a_budget_tells_what_is_known_and_the_run_serves_the_next() {
    let runs = Arc::default();
    let health = built([
        counted("slow", &runs, Duration::from_secs(2)),
        Check::new("quick", async || true),
    ]);
    let report = health
        .report_within(&Selection::all(), Duration::from_millis(800))
        .await
        .unwrap();
    assert_eq!(of(&report, "slow").output, "not run yet, running for 0.8 s");
    assert_eq!(of(&report, "slow").status, Status::Fail);
    assert_eq!(of(&report, "quick").status, Status::Pass);
    sleep(Duration::from_secs(2)).await;
    let report = health
        .report_within(&Selection::all(), Duration::from_millis(800))
        .await
        .unwrap();
    assert_eq!(of(&report, "slow").output, "done");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_same_report_is_given_while_nothing_changes() {
    let lever = Lever::default();
    let health = built([lever.check("a")]);
    let first = health.report().await;
    assert!(Arc::ptr_eq(&first, &health.report().await));
    assert!(Arc::ptr_eq(&first, &health.fresh(&Selection::all()).unwrap()));
    assert_eq!(lever.runs(), 1);
}

#[tokio::test]
async fn an_output_that_is_too_long_is_cut_with_a_note() {
    let health = built([Check::blocking("long", || "ä".repeat(20_000))]);
    let report = health.report().await;
    let output = of(&report, "long").output.as_str().unwrap();
    assert!(
        output.ends_with("… (cut after 16384 of 40000 bytes)"),
        "{}",
        &output[output.len() - 50..]
    );
}

#[tokio::test]
async fn a_megabyte_of_output_and_one_without_end_leave_the_others_untouched() {
    struct Endless;
    impl serde::Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(std::iter::once(self))
        }
    }
    let health = built([
        Check::blocking("endless", || Outcome::pass(Endless)),
        Check::blocking("huge", || {
            vec![0_u64; 10_000_000]
                .into_iter()
                .map(|_| 'x')
                .collect::<String>()
        }),
        Check::new("fine", async || true),
    ]);
    let report = health.report().await;
    assert!(
        of(&report, "endless")
            .output
            .as_str()
            .unwrap()
            .contains("nested deeper than 100 levels")
    );
    assert!(serde_json::to_string(&*report).unwrap().len() < 20_000);
    assert_eq!(of(&report, "fine").status, Status::Pass);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_sync_checks_than_places_all_run_and_stuck_ones_give_their_place_back() {
    // The library sorts checks by name. The result has to be the same whether the stuck checks come first or last.
    for (stuck, waiting) in [("a", "b"), ("b", "a")] {
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(std::sync::Mutex::new(blocked));
        let begun = Arc::new(AtomicU32::new(0));
        let holding = (0..64).map(|i| {
            let (blocked, begun) = (Arc::clone(&blocked), Arc::clone(&begun));
            Check::blocking(format!("{stuck} {i:02}"), move || {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = blocked.lock().unwrap().recv();
            })
            .timeout(Duration::from_millis(100))
        });
        let free = (0..100).map(|i| Check::blocking(format!("{waiting} {i:03}"), || true));
        let health = built(holding.chain(free));
        let report = health.report().await;
        let passed = report.results.iter().filter(|it| it.passed).count();
        assert_eq!(passed, 100);
        // On a busy machine, a check can reach its timeout before its run has started. The library doesn't start such a
        // run. So `begun` may be less than 64.
        let begun = begun.load(Ordering::SeqCst) as usize;
        let stuck = health.statistics().stuck_runs;
        assert!(
            begun > 0 && (begun..=64).contains(&stuck),
            "{begun} begun, {stuck} stuck"
        );
        drop(release);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_waits_for_any_more_ends_at_its_limit_and_its_failure_is_told() {
    for cancelled in [false, true] {
        let held = Arc::new(());
        let connection = Arc::clone(&held);
        let health = built([Check::new("hangs", move || {
            let connection = Arc::clone(&connection);
            async move {
                std::future::pending::<()>().await;
                drop(connection);
            }
        })]);
        let budget = Duration::from_millis(800);
        if cancelled {
            let gave_up = tokio::time::timeout(budget, health.report()).await;
            assert!(gave_up.is_err());
        } else {
            health.report_within(&Selection::all(), budget).await.unwrap();
        }
        assert_eq!(Arc::strong_count(&held), 3, "the run goes on");
        sleep(Duration::from_secs(5)).await;
        assert_eq!(Arc::strong_count(&held), 2, "what the run held is free again");
        let told: Vec<_> = health.history().into_iter().map(|it| it.output).collect();
        assert_eq!(told, ["timed out after 5 s", "hangs"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stuck_runs_that_nobody_waits_for_any_more_give_their_place_back() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let stuck = (0..64).map(|i| {
        let blocked = Arc::clone(&blocked);
        Check::blocking(format!("stuck {i:02}"), move || {
            let _ = blocked.lock().unwrap().recv();
        })
        .tags(["stuck"])
        .timeout(Duration::from_millis(200))
    });
    let health = built(stuck.chain([Check::blocking("fine", || "fine")]));
    health
        .report_within(&Selection::tag("stuck"), Duration::from_millis(10))
        .await
        .unwrap();
    let report = health.report_for(&Selection::checks(["fine"])).await.unwrap();
    assert_eq!(of(&report, "fine").output, "fine");
    drop(release);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_stays_stuck_is_a_failure_whatever_the_threshold() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let runs = AtomicU32::new(0);
    let check = Check::blocking("stuck", move || {
        if runs.fetch_add(1, Ordering::SeqCst) > 0 {
            let _ = blocked.lock().unwrap().recv();
        }
    });
    let health = built([check
        .timeout(Duration::from_millis(50))
        .success_ttl(None)
        .failed_ttl(Duration::from_millis(50))
        .failure_threshold(3)]);
    assert_eq!(health.report().await.status, Overall::Success);
    let held = health.report().await;
    assert_eq!(of(&held, "stuck").output, "timed out after 50 ms");
    assert_eq!(of(&held, "stuck").status, Status::Pass, "one failure of three");
    // Waits until the failed result has expired.
    while health.fresh(&Selection::all()).is_some() {
        std::thread::yield_now();
    }
    let report = health.report().await;
    let result = of(&report, "stuck");
    assert!(
        result.output.as_str().unwrap().starts_with("still running since"),
        "{result:?}"
    );
    assert_eq!((result.status, result.pending), (Status::Fail, None));
    let told = health
        .history()
        .into_iter()
        .rfind(|it| it.checker.is_some())
        .unwrap();
    assert_eq!((told.from, told.to), (Some(Status::Pass), Status::Fail));
    drop(release);
    while health.statistics().stuck_runs > 0 {
        std::thread::yield_now();
    }
    assert_eq!(
        health.report().await.status,
        Overall::Success,
        "it is run again at once"
    );
}

#[tokio::test]
async fn a_value_nested_without_end_and_a_text_of_many_megabytes_are_failures_that_say_so() {
    let nested = || (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::json!([inner]));
    let health = built([
        Check::blocking("nested", nested),
        Check::blocking("text", || "x".repeat(5 * 1024 * 1024)),
        Check::new("fine", async || serde_json::json!({ "depth": 1 })),
    ]);
    let report = health.report().await;
    assert_eq!(
        of(&report, "nested").output,
        "the output can't be shown: it is nested deeper than 100 levels"
    );
    assert_eq!(
        of(&report, "text").output,
        "the output can't be shown: it is larger than 4 MiB"
    );
    assert_eq!(of(&report, "fine").output, serde_json::json!({ "depth": 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_place_counts_toward_the_time_limit() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let busy = (0..64).map(|i| {
        let blocked = Arc::clone(&blocked);
        Check::blocking(format!("busy {i:02}"), move || {
            let _ = blocked.lock().unwrap().recv();
        })
        .tags(["busy"])
        .timeout(None)
    });
    let waits = Check::blocking("waits", || true).timeout(Duration::from_millis(50));
    let health = built(busy.chain([waits]));
    health
        .report_within(&Selection::tag("busy"), Duration::ZERO)
        .await
        .unwrap();
    let report = health.report_for(&Selection::checks(["waits"])).await.unwrap();
    assert_eq!(
        of(&report, "waits").output,
        "timed out after 50 ms, before it could start"
    );
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_asks_for_a_report_through_a_task_is_ended_by_its_limit() {
    let health: Arc<std::sync::OnceLock<HealthCheck>> = Arc::default();
    let own = Arc::clone(&health);
    let asks = Check::new("asks", move || {
        let asked = own.get().unwrap().clone();
        async move { tokio::spawn(async move { asked.report().await }).await.is_ok() }
    });
    health
        .set(built([asks, Check::new("fine", async || true)]))
        .unwrap();
    let report = health.get().unwrap().report().await;
    assert_eq!(of(&report, "asks").output, "timed out after 5 s");
    assert_eq!(of(&report, "fine").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn what_panics_when_it_is_dropped_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("dropped")
            }
        }
    }
    let health = built([
        Check::new("ends", || {
            let bomb = Bomb;
            std::future::poll_fn(move |_| {
                let _held = &bomb;
                std::task::Poll::Ready(true)
            })
        }),
        Check::new("hangs", async || {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        })
        .timeout(Duration::from_secs(1)),
        Check::new("payload", async || -> () { std::panic::panic_any(Bomb) }),
        Check::blocking("on a thread", || -> () { std::panic::panic_any(Bomb) }),
        Check::new("fine", async || true),
    ]);
    for _ in 0..2 {
        let report = health.report().await;
        assert_eq!(of(&report, "ends").output, "panicked: dropped");
        assert_eq!(of(&report, "hangs").output, "timed out after 1 s");
        assert_eq!(of(&report, "payload").output, "panicked");
        assert_eq!(of(&report, "on a thread").output, "panicked");
        assert_eq!(of(&report, "fine").status, Status::Pass);
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    assert_eq!(
        health.statistics().checks[2].failures,
        2,
        "what hung is run again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_may_ask_another_health_check_which_runs_what_is_due() {
    let database = Lever::default();
    let inner = built([database.check("db").success_ttl(Duration::from_millis(100))]);
    let asked = inner.clone();
    let outer = built([Check::new("inner", move || {
        let inner = asked.clone();
        async move { inner.report().await.status == Overall::Success }
    })
    .success_ttl(None)
    .failed_ttl(None)]);
    assert_eq!(
        outer.report().await.status,
        Overall::Success,
        "never asked before"
    );
    database.fail();
    advance(Duration::from_secs(1)).await;
    assert_eq!(
        outer.report().await.status,
        Overall::Failure,
        "not by what was known"
    );
    assert_eq!(database.runs(), 2);
}
