//! The runner under what its users do to it: threads that end, values that act when they are dropped, subscribers that
//! come late.

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

#[test]
fn a_runtime_in_a_thread_local_takes_its_runs_along_and_wedges_no_check() {
    thread_local! {
        static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    let calls = AtomicUsize::new(0);
    let check = Check::new("hangs once", move || {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if is_first {
                std::future::pending::<()>().await;
            }
        }
    });
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
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

/// Asks about a registry when it is called, or dropped.
struct Asks(Arc<OnceLock<HealthCheck>>);

impl Asks {
    fn ask(&self) {
        let _ = self.0.get().map(|health| health.checks().count());
    }
}

impl Redactor for Asks {
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.ask();
        text.into()
    }
}

impl Drop for Asks {
    fn drop(&mut self) {
        self.ask();
    }
}

#[test]
fn add_runs_nothing_of_a_users_under_the_lock() {
    let cell = Arc::new(OnceLock::new());
    let health = HealthCheck::builder()
        .discover(false)
        .redactor(Asks(Arc::clone(&cell)))
        .build()
        .unwrap();
    cell.set(health.clone()).unwrap();
    let (done, is_done) = channel();
    thread::spawn(move || {
        let check = || {
            let held = Asks(Arc::clone(&cell));
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

/// Counts our events at debug, and what is noted in spans.
struct Counts(Arc<AtomicUsize>);
impl tracing::Subscriber for Counts {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let here =
            event.metadata().target() == "healthcheck" && *event.metadata().level() == tracing::Level::DEBUG;
        self.0.fetch_add(usize::from(here), Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_subscriber_that_comes_later_than_the_checks_gets_their_debug_lines() {
    let health = HealthCheck::builder()
        .discover(false)
        .check(Check::new("a", async || true))
        .build()
        .unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    tracing::subscriber::with_default(Counts(Arc::clone(&count)), || {
        runtime().block_on(health.report());
    });
    let began = Instant::now();
    while count.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "no line");
        thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn the_last_health_check_takes_its_runs_along() {
    let (dropped, is_dropped) = tokio::sync::mpsc::unbounded_channel::<()>();
    let hangs = move || {
        let dropped = dropped.clone();
        async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        }
    };
    let health = HealthCheck::builder()
        .discover(false)
        .check(Check::new("hangs", hangs.clone()))
        .check(Check::new("hangs without a limit", hangs).timeout(None))
        .build()
        .unwrap();
    let all = Selection::all();
    let _ = health.report_within(&all, Duration::from_millis(20)).await;
    drop(health);
    let mut is_dropped = is_dropped;
    let ended = tokio::time::timeout(Duration::from_secs(2), is_dropped.recv()).await;
    assert_eq!(ended, Ok(None));
}

struct Panics;

impl Wake for Panics {
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
        let waker = Waker::from(Arc::new(Panics));
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let other = health.clone();
        let second = tokio::spawn(async move { other.report().await });
        tokio::task::yield_now().await;
        end.send(()).unwrap();
        let report = tokio::time::timeout(Duration::from_secs(2), second).await;
        assert_eq!(report.unwrap().unwrap().status, Overall::Success);
        // What this thread does afterwards is carried out as well.
        health.expire(&Selection::all()).unwrap();
        let again = tokio::time::timeout(Duration::from_secs(2), health.report()).await;
        assert_eq!(again.unwrap().status, Overall::Success);
    });
}
