//! Tests of the runner with unusual user code: threads that end, destructors that call this library, `tracing`
//! subscribers that are set late.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::{Check, HealthCheck, Overall, Redactor, Selection};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns a check whose first run hangs. Later runs pass.
fn hangs_once() -> Check {
    let calls = AtomicUsize::new(0);
    Check::new("hangs once", move || {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if is_first {
                std::future::pending::<()>().await;
            }
        }
    })
}

#[test]
fn a_runtime_in_a_thread_local_takes_its_runs_along_and_wedges_no_check() {
    thread_local! {
        static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    let health = HealthCheck::builder()
        .discover(false)
        .check(hangs_once())
        .build()
        .unwrap();
    let there = health.clone();
    let ends = thread::spawn(move || {
        RUNTIME.set(Some(runtime()));
        RUNTIME.with_borrow(|runtime| {
            let asked = async { tokio::time::timeout(Duration::from_millis(20), there.report()).await };
            runtime.as_ref().map(|runtime| runtime.block_on(asked))
        });
    });
    ends.join().unwrap();
    let report = runtime().block_on(health.report());
    assert_eq!(report.status, Overall::Success, "{report:?}");
}

/// A redactor that calls a method of a registry when it redacts a text and when it is dropped. The method takes the
/// runner's lock. If the runner held its lock during these calls, the test would hang.
struct CallsRegistry(Arc<OnceLock<HealthCheck>>);

impl CallsRegistry {
    fn call_registry(&self) {
        let _ = self.0.get().map(|health| health.checks().count());
    }
}

impl Redactor for CallsRegistry {
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.call_registry();
        text.into()
    }
}

impl Drop for CallsRegistry {
    fn drop(&mut self) {
        self.call_registry();
    }
}

#[test]
fn add_runs_nothing_of_a_users_under_the_lock() {
    let cell = Arc::new(OnceLock::new());
    let health = HealthCheck::builder()
        .discover(false)
        .redactor(CallsRegistry(Arc::clone(&cell)))
        .build()
        .unwrap();
    cell.set(health.clone()).unwrap();
    let (done, is_done) = channel();
    thread::spawn(move || {
        let check = || {
            let held = CallsRegistry(Arc::clone(&cell));
            let check = Check::new("a", move || {
                let _ = &held;
                async { true }
            });
            check.description("goes through the rules")
        };
        health.add(check()).unwrap();
        health.add(check()).unwrap_err();
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(5)).expect("it returns");
}

/// A `tracing` subscriber that counts the debug lines of this crate, and records the values that this crate sets in its
/// spans.
#[derive(Clone, Default)]
struct CountingSubscriber {
    lines: Arc<AtomicUsize>,
    outcomes: Arc<Mutex<Vec<String>>>,
}

impl tracing::Subscriber for CountingSubscriber {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "healthcheck"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, noted: &tracing::span::Record<'_>) {
        let mut outcomes = self.outcomes.lock().unwrap();
        noted.record(&mut |_: &tracing::field::Field, noted: &dyn std::fmt::Debug| {
            outcomes.push(format!("{noted:?}"));
        });
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let is_debug = *event.metadata().level() == tracing::Level::DEBUG;
        self.lines.fetch_add(usize::from(is_debug), Ordering::SeqCst);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(5), "it never does");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_subscriber_that_comes_later_than_the_checks_gets_their_debug_lines() {
    let check = Check::new("a", async || true);
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
        .build()
        .unwrap();
    let heard = CountingSubscriber::default();
    tracing::subscriber::with_default(heard.clone(), || runtime().block_on(health.report()));
    wait_until(|| heard.lines.load(Ordering::SeqCst) == 1);
}

#[test]
fn the_span_of_a_run_that_returns_behind_its_limit_says_timeout_and_nothing_else() {
    let (end, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    let check = Check::blocking("late", move || drop(ended.lock().map(|ended| ended.recv())));
    let health = HealthCheck::builder()
        .discover(false)
        .check(check.timeout(Duration::from_millis(20)))
        .build()
        .unwrap();
    let heard = CountingSubscriber::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let report = runtime().block_on(health.report());
        assert_eq!(report.results[0].output, "timed out after 20 ms");
    });
    end.send(()).unwrap();
    wait_until(|| health.statistics().stuck_runs == 0);
    assert_eq!(*heard.outcomes.lock().unwrap(), ["\"timeout\""]);
}

#[test]
fn the_span_of_a_run_that_is_lost_or_whose_check_is_removed_has_no_outcome() {
    let hangs = || Check::new("hangs", std::future::pending::<()>);
    let health = HealthCheck::builder().discover(false);
    let health = health.check(hangs()).build().unwrap();
    let heard = CountingSubscriber::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let ask = async { tokio::time::timeout(Duration::from_millis(20), health.report()).await };
        // `runtime()` creates a temporary runtime. At the end of this statement, this runtime shuts down and drops the
        // run.
        assert!(runtime().block_on(ask).is_err());
        let runtime = runtime();
        let ask = async { tokio::time::timeout(Duration::from_millis(20), health.report()).await };
        assert!(runtime.block_on(ask).is_err());
        assert!(health.remove("hangs"));
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
    });
    wait_until(|| health.statistics().stuck_runs == 0);
    assert_eq!(*heard.outcomes.lock().unwrap(), Vec::<String>::new());
}

struct PanickingWake;

impl Wake for PanickingWake {
    fn wake(self: Arc<Self>) {
        panic!("an executor that is gone");
    }
}

#[test]
fn a_waker_that_panics_keeps_no_other_request_from_its_answer() {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let ended = Arc::new(Mutex::new(Some(ended)));
    let check = Check::new("waits", move || {
        let ended = ended.lock().ok().and_then(|mut ended| ended.take());
        async move {
            if let Some(ended) = ended {
                let _ = ended.await;
            }
        }
    });
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
        .build()
        .unwrap();
    let runtime = runtime();
    runtime.block_on(async {
        let mut first = Box::pin(health.report());
        let waker = Waker::from(Arc::new(PanickingWake));
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let other = health.clone();
        let second = tokio::spawn(async move { other.report().await });
        tokio::task::yield_now().await;
        end.send(()).unwrap();
        let report = tokio::time::timeout(Duration::from_secs(2), second).await;
        assert_eq!(report.unwrap().unwrap().status, Overall::Success);
        // A waker has panicked on this thread. The thread must still carry out the effects of later steps.
        health.expire(&Selection::all()).unwrap();
        let again = tokio::time::timeout(Duration::from_secs(2), health.report()).await;
        assert_eq!(again.unwrap().status, Overall::Success);
    });
}

#[test]
fn runtimes_that_are_driven_take_no_run_from_each_other() {
    let hangs = Check::new("hangs", std::future::pending::<()>).timeout(Duration::from_millis(100));
    let health = HealthCheck::builder()
        .discover(false)
        .check(hangs)
        .build()
        .unwrap();
    for _ in 0..4 {
        let ask = || {
            let health = health.clone();
            thread::spawn(move || {
                let runtime = runtime();
                let report = runtime.block_on(health.report());
                // We keep polling this runtime for 300 ms. If we stopped polling this runtime, another runtime would
                // take over its overdue run.
                runtime.block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
                report.results[0].output.clone()
            })
        };
        let asked: Vec<_> = (0..3).map(|_| ask()).collect();
        for report in asked {
            assert_eq!(report.join().unwrap(), "timed out after 100 ms");
        }
        health.expire(&Selection::all()).unwrap();
    }
}

/// A payload of a panic. Its destructor panics, and the payload of that panic is the next of these payloads.
struct Chain(u32);

impl Drop for Chain {
    fn drop(&mut self) {
        if self.0 > 0 && !thread::panicking() {
            std::panic::panic_any(Self(self.0 - 1));
        }
    }
}

/// Asserts that the check runs for each of three reports, and that none of the runs stays stuck.
fn runs_each_time(check: impl FnOnce(Arc<AtomicUsize>) -> Check) {
    let calls = Arc::new(AtomicUsize::new(0));
    let check = check(Arc::clone(&calls));
    let health = HealthCheck::builder()
        .discover(false)
        .check(check.timeout(Duration::from_millis(100)).failed_ttl(None))
        .build()
        .unwrap();
    let runtime = runtime();
    for _ in 0..3 {
        runtime.block_on(health.report());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(health.statistics().stuck_runs, 0);
}

#[test]
fn a_payload_whose_destructor_panics_again_and_again_wedges_no_check() {
    runs_each_time(|calls| {
        Check::new("async", move || {
            calls.fetch_add(1, Ordering::SeqCst);
            async { std::panic::panic_any(Chain(3)) as () }
        })
    });
    runs_each_time(|calls| {
        Check::blocking("sync", move || -> bool {
            calls.fetch_add(1, Ordering::SeqCst);
            std::panic::panic_any(Chain(3))
        })
    });
}

#[test]
fn a_runtime_in_a_thread_local_that_outlives_our_thread_locals_wakes_the_waiters() {
    thread_local! {
        static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    let health = HealthCheck::builder()
        .discover(false)
        .check(hangs_once().timeout(Duration::from_secs(20)))
        .build()
        .unwrap();
    let there = health.clone();
    let (begin, has_begun) = channel();
    let (end, ended) = channel::<()>();
    let ends = thread::spawn(move || {
        // A thread destroys its thread-locals in the reverse order of their first use: first those of this library,
        // then `RUNTIME`, and last those of tokio.
        let made = runtime();
        made.block_on(async {});
        RUNTIME.set(Some(made));
        RUNTIME.with_borrow(|runtime| {
            let asked = async { tokio::time::timeout(Duration::from_millis(20), there.report()).await };
            runtime.as_ref().map(|runtime| runtime.block_on(asked))
        });
        begin.send(()).unwrap();
        ended.recv().unwrap();
    });
    has_begun.recv().unwrap();
    let began = Instant::now();
    let report = runtime().block_on(async {
        let report = health.report();
        tokio::pin!(report);
        // The first poll makes the request wait for the run on the other thread.
        let waits = tokio::time::timeout(Duration::from_millis(10), &mut report).await;
        assert!(waits.is_err());
        end.send(()).unwrap();
        ends.join().unwrap();
        report.await
    });
    assert_eq!(report.status, Overall::Success, "{report:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
