//! Tests on which runtime the library runs a check. The tests use several runtimes one after another, no runtime, and a
//! blocked runtime.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use healthcheck::{Check, Overall, Selection, Status};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Lever, built, of};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_run_that_died_with_its_runtime_frees_its_slot() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let health = built([Check::new("first hangs", move || {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if nth == 0 {
                std::future::pending::<()>().await;
            }
        }
    })]);
    let first = current_thread();
    let begun = first.block_on(async {
        tokio::time::timeout(Duration::from_millis(20), health.report())
            .await
            .is_err()
    });
    assert!(begun);
    drop(first);
    let second = current_thread();
    assert_eq!(second.block_on(health.report()).status, Overall::Success);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn a_thousand_runs_whose_runtime_ends_before_it_begins_them_free_their_slots() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = || {
        let runs = Arc::clone(&runs);
        move || {
            runs.fetch_add(1, Ordering::SeqCst);
            async {}
        }
    };
    let health = built((0..1_000).map(|nth| Check::new(format!("check {nth}"), counted())));
    let first = current_thread();
    first.block_on(async {
        let mut report = std::pin::pin!(health.report());
        // This polls only the future of the report. The runtime gets no time to run the tasks that this future has
        // spawned.
        let poll = |cx: &mut std::task::Context<'_>| std::task::Poll::Ready(report.as_mut().poll(cx));
        assert!(std::future::poll_fn(poll).await.is_pending());
    });
    drop(first);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    let report = current_thread().block_on(health.report());
    assert_eq!(report.status, Overall::Success);
    assert_eq!(runs.load(Ordering::SeqCst), 1_000);
}

#[test]
fn a_waiter_starts_a_lost_run_once_more_on_its_own_runtime() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let (began, begun) = mpsc::channel();
    let health = built([Check::new("first hangs", move || {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        let began = began.clone();
        async move {
            let _ = began.send(());
            if nth == 0 {
                std::future::pending::<()>().await;
            }
        }
    })]);
    let leader = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let asked = health.clone();
    leader.spawn(async move { asked.report().await });
    begun.recv().unwrap();
    let waiter = std::thread::spawn(move || current_thread().block_on(health.report()));
    leader.shutdown_background();
    assert_eq!(waiter.join().unwrap().status, Overall::Success);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn a_runtime_that_is_gone_for_good_is_a_failure_that_says_so() {
    let gone = current_thread();
    let handle = gone.handle().clone();
    drop(gone);
    let lever = Lever::default();
    let health = built([lever.check("a")]).on_runtime(handle);
    let report = current_thread().block_on(health.report());
    assert_eq!(of(&report, "a").output, "its runtime was shut down");
    assert_eq!(lever.runs(), 0);
}

#[test]
fn outside_of_a_runtime_fresh_results_are_told_and_due_ones_fail() {
    let health = built([Check::new("a", async || "fine")]);
    let outside = |health: &healthcheck::HealthCheck| {
        // Outside of a runtime, the future of a report never waits. So this future is complete after its first poll.
        let mut report = std::pin::pin!(health.report());
        match report
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
        {
            std::task::Poll::Ready(report) => report,
            std::task::Poll::Pending => panic!("it waits for something"),
        }
    };
    assert_eq!(of(&outside(&health), "a").output, "no tokio runtime");
    current_thread().block_on(health.report());
    assert_eq!(of(&outside(&health), "a").output, "fine");
}

#[test]
fn checks_run_where_on_runtime_says_whoever_asks() {
    let home = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("home")
        .enable_all()
        .build()
        .unwrap();
    let thread = || std::thread::current().name().unwrap_or_default().to_owned();
    let health = built([Check::new("where", move || async move { thread() })]);
    let report = current_thread().block_on(health.on_runtime(home.handle().clone()).report());
    assert_eq!(of(&report, "where").output, "home");
}

#[test]
fn a_home_that_is_blocked_does_not_keep_the_answer() {
    let home = Builder::new_current_thread().enable_all().build().unwrap();
    let health = built([Check::new("a", async || true)]).on_runtime(home.handle().clone());
    // No thread drives the runtime `home`. So tasks on `home` never run, as if `home` were blocked.
    let began = Instant::now();
    let report = current_thread()
        .block_on(health.report_within(&Selection::all(), Duration::from_millis(50)))
        .unwrap();
    let output = of(&report, "a").output.as_str().unwrap();
    assert!(output.starts_with("not run yet, running for "), "{output}");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_hung_sync_check_does_not_hold_the_end_of_its_runtime() {
    for flavor in ["current thread", "multi thread"] {
        let runtime = match flavor {
            "current thread" => current_thread(),
            _ => Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        };
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(std::sync::Mutex::new(blocked));
        let health = built([Check::blocking("hangs", move || {
            let _ = blocked.lock().unwrap().recv();
        })]);
        runtime
            .block_on(health.report_within(&Selection::all(), Duration::from_millis(20)))
            .unwrap();
        let began = Instant::now();
        drop(runtime);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{flavor}: {:?}",
            began.elapsed()
        );
        drop(release);
    }
}

#[tokio::test(start_paused = true)]
async fn paused_time_waits_for_a_sync_check() {
    let health = built([Check::blocking("real work", || {
        // This loop takes 30 ms of real time. Meanwhile tokio must not advance the paused time to the check's timeout
        // of 5 s.
        let until = Instant::now() + Duration::from_millis(30);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        "done"
    })]);
    assert_eq!(of(&*health.report().await, "real work").output, "done");
}

#[test]
fn a_sync_check_leaves_the_only_blocking_thread_of_its_runtime_to_the_application() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(1).build().unwrap();
    let health = built([Check::blocking("sync", || {
        let (done, told) = mpsc::channel();
        tokio::runtime::Handle::current().spawn_blocking(move || done.send("the application's work"));
        told.recv_timeout(Duration::from_secs(2))
    })]);
    let report = runtime.block_on(health.report());
    assert_eq!(of(&report, "sync").output, "the application's work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sync_check_may_block_on_its_runtime() {
    let health = built([Check::blocking("sync", || {
        tokio::runtime::Handle::current().block_on(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            "awaited"
        })
    })]);
    assert_eq!(of(&*health.report().await, "sync").status, Status::Pass);
}

/// Counts a run of a check as active until this value is dropped. The first counter contains the number of active runs,
/// and the second the highest value that the first has had.
struct Running(Arc<[AtomicU32; 2]>);

impl Running {
    fn begin(counts: &Arc<[AtomicU32; 2]>) -> Self {
        let now = counts[0].fetch_add(1, Ordering::SeqCst) + 1;
        counts[1].fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn whatever_runtimes_come_and_go_no_check_runs_twice_at_once_and_every_report_comes() {
    let counts: [Arc<[AtomicU32; 2]>; 4] = Default::default();
    let pace = Arc::new(AtomicU32::new(0));
    // A run takes up to 6 ms, but the timeout is 4 ms. So some runs time out.
    let next = move || Duration::from_micros(u64::from(pace.fetch_add(1, Ordering::SeqCst) * 7_919 % 6_000));
    let in_time = |name: &str, counts: &Arc<[AtomicU32; 2]>| {
        let (counts, next) = (Arc::clone(counts), next.clone());
        Check::new(name, move || {
            let (running, takes) = (Running::begin(&counts), next());
            async move {
                tokio::time::sleep(takes).await;
                drop(running);
                takes.as_micros() % 3 != 0
            }
        })
    };
    let on_thread = |name: &str, counts: &Arc<[AtomicU32; 2]>| {
        let (counts, next) = (Arc::clone(counts), next.clone());
        Check::blocking(name, move || {
            let running = Running::begin(&counts);
            std::thread::sleep(next());
            drop(running);
        })
    };
    let health = [
        in_time("a", &counts[0]).depends_on(["b"]),
        on_thread("b", &counts[1]),
        in_time("c", &counts[2]).interval(Duration::from_millis(2)),
        on_thread("d", &counts[3]).depends_on(["c"]),
    ]
    .into_iter()
    .fold(crate::support::by_hand(), |builder, check| {
        builder.check(check.timeout(Duration::from_millis(4)))
    })
    .success_ttl(Duration::from_millis(1))
    .failed_ttl(None)
    .build()
    .unwrap();
    let (done, ended) = mpsc::channel();
    for asker in 0..4_u64 {
        let (health, done) = (health.clone(), done.clone());
        std::thread::spawn(move || {
            for round in 0..60 {
                let runtime = match (asker + round) % 3 {
                    0 => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
                    _ => Builder::new_current_thread().enable_all().build(),
                };
                let runtime = runtime.unwrap();
                for _ in 0..4 {
                    let budget = (round % 4 > 0).then(|| Duration::from_millis(round % 4 * 2));
                    let report = runtime.block_on(health.report_within(&Selection::all(), budget));
                    assert_eq!(report.unwrap().results.len(), 4);
                }
                runtime.shutdown_background();
            }
            done.send(()).unwrap();
        });
    }
    for _ in 0..4 {
        ended
            .recv_timeout(Duration::from_secs(60))
            .expect("every report comes");
    }
    let most = counts.map(|counts| counts[1].load(Ordering::SeqCst));
    assert_eq!(most, [1; 4], "never twice at once");
}
