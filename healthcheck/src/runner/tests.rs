//! The runner under what its users do to it: threads that end, values that act when they are dropped, subscribers that
//! come late.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{Check, HealthCheck, Overall};

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
