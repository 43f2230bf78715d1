//! Tests that workers wait at a gate during an outage of a dependency. A gate lets workers through while its check
//! passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Selection};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::alone;
use crate::fleet::Dependency;

const MESSAGES: usize = 1_000;
const WORKERS: usize = 16;

#[derive(Default)]
struct Tally {
    taken: AtomicUsize,
    failed: AtomicUsize,
    /// The times at which the gate let a worker through.
    passages: Mutex<Vec<Instant>>,
    /// The time at which the check passed for the first time after its failure.
    passed: Mutex<Option<Instant>>,
    outage: Mutex<Option<Instant>>,
}

#[test]
fn in_an_outage_only_messages_in_flight_fail_and_a_recovery_is_tried_one_by_one() {
    let _alone = alone();
    Runtime::new().unwrap().block_on(outage());
}

async fn outage() {
    let dependency = Dependency::start();
    let tally = Arc::new(Tally::default());
    let addr = dependency.addr;
    let greeted = move || async move { TcpStream::connect(addr).await?.read_u8().await };
    let check = Check::with("database", Arc::clone(&tally), move |tally| async move {
        greeted().await?;
        if tally.outage.lock().unwrap().is_some() {
            tally.passed.lock().unwrap().get_or_insert_with(Instant::now);
        }
        Ok::<_, std::io::Error>(())
    });
    let check = check.external().interval(Duration::from_secs(1));
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
        .build()
        .unwrap();
    let needed = Selection::checks(["database"]);
    health.until(&needed, Duration::from_secs(10)).await.unwrap();
    let gate = health.gate(["database"]).unwrap();

    let worker = || {
        let (gate, health, needed) = (gate.clone(), health.clone(), needed.clone());
        let tally = Arc::clone(&tally);
        tokio::spawn(async move {
            loop {
                gate.open().await;
                if tally.taken.fetch_add(1, Ordering::SeqCst) >= MESSAGES {
                    return;
                }
                tally.passages.lock().unwrap().push(Instant::now());
                // This sleep stands for the work on a message.
                sleep(Duration::from_millis(50)).await;
                if greeted().await.is_err() {
                    tally.failed.fetch_add(1, Ordering::SeqCst);
                    let _ = health.expire(&needed);
                }
            }
        })
    };
    let workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
    sleep(Duration::from_millis(1_300)).await;
    *tally.outage.lock().unwrap() = Some(Instant::now());
    dependency.set(false);
    sleep(Duration::from_secs(6)).await;
    *tally.passed.lock().unwrap() = None;
    dependency.set(true);
    for worker in workers {
        worker.await.unwrap();
    }

    let failed = tally.failed.load(Ordering::SeqCst);
    let passed = tally.passed.lock().unwrap().unwrap();
    let passages = tally.passages.lock().unwrap();
    let mut later: Vec<Duration> = passages
        .iter()
        .filter_map(|at| at.checked_duration_since(passed))
        .collect();
    later.sort_unstable();
    let paced = later
        .iter()
        .filter(|at| **at < Duration::from_millis(990))
        .count();
    println!(
        "of {MESSAGES} messages {failed} failed, {WORKERS} were in flight at most; the first was let through {:?} after \
         the check had passed, {paced} within the first second",
        later[0]
    );
    assert!(failed <= WORKERS, "{failed}");
    assert!(paced <= 10, "{paced} were let through within the first second");
    // This test measures a single wake on a busy machine, so its limit is high. tests/runtime/waiting.rs has a stricter
    // test, which compares the medians of many wakes.
    assert!(later[0] < Duration::from_millis(50), "{:?}", later[0]);
}
