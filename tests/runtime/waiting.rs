//! Tests two ways to wait for dependencies: `until` waits once, at the start of a program. A gate waits before each
//! message or other piece of work, while its checks fail.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use healthcheck::{Check, Gate, HealthCheck, Outcome, Selection, Status};
use healthcheck_tests::Log;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Lever, built};

const SOON: Duration = Duration::from_millis(5);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Expires the result of a check, and requests a report, which runs the check.
async fn probe(health: &HealthCheck, name: &str) {
    let one = Selection::checks([name]);
    health.expire(&one).unwrap();
    health.report_for(&one).await.unwrap();
}

/// Spawns `count` tasks that wait at a gate, as workers do. Each task returns the time at which the gate let it
/// through.
fn crowd(gate: &Gate, count: usize) -> Vec<JoinHandle<Instant>> {
    let one = || {
        let gate = gate.clone();
        tokio::spawn(async move {
            gate.open().await;
            Instant::now()
        })
    };
    (0..count).map(|_| one()).collect()
}

/// Returns how many milliseconds after `since` the gate let each worker through, in ascending order.
async fn passages(crowd: Vec<JoinHandle<Instant>>, since: Instant) -> Vec<u128> {
    let mut passages = Vec::new();
    for worker in crowd {
        passages.push((worker.await.unwrap() - since).as_millis());
    }
    passages.sort_unstable();
    passages
}

async fn is_open(gate: &Gate) -> bool {
    timeout(Duration::from_millis(1), gate.open()).await.is_ok()
}

/// Returns a health check with one check, which has passed once and fails now. Also returns the gate of this check,
/// which is closed.
async fn closed(lever: &Lever) -> (HealthCheck, Gate) {
    let health = built([lever.check("database").external()]);
    health.report().await;
    let gate = health.gate(["database"]).unwrap();
    lever.fail();
    probe(&health, "database").await;
    (health, gate)
}

// Tests of `until`

#[tokio::test(start_paused = true)]
async fn until_returns_at_once_where_everything_passes_or_warns() {
    let (passes, warns) = (Lever::default(), Lever::default());
    warns.warn();
    let health = built([passes.check("passes"), warns.check("warns")]);
    let before = Instant::now();
    assert_eq!(health.until(&Selection::all(), seconds(5)).await, Ok(()));
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn until_runs_what_fails_again_and_returns_once_it_passes() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("database").external()]);
    let began = Instant::now();
    let other = lever.clone();
    tokio::spawn(async move {
        sleep(seconds(1)).await;
        other.pass();
    });
    health.until(&Selection::readiness(), seconds(30)).await.unwrap();
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(1_260), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn until_asks_no_more_often_than_every_250_ms_whatever_the_ttl() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("database").failed_ttl(None)]);
    health.until(&Selection::all(), seconds(10)).await.unwrap_err();
    let runs = lever.runs();
    assert!((35..=41).contains(&runs), "{runs}");
}

#[tokio::test(start_paused = true)]
async fn until_is_woken_within_5_ms_of_the_result_that_it_waits_for() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("database").failed_ttl(seconds(600))]);
    health.report().await;
    let waits = {
        let health = health.clone();
        tokio::spawn(async move {
            health.until(&Selection::all(), None).await.unwrap();
            Instant::now()
        })
    };
    sleep(seconds(7)).await;
    lever.pass();
    let recovered = Instant::now();
    probe(&health, "database").await;
    assert!(waits.await.unwrap() - recovered <= SOON);
}

#[tokio::test(start_paused = true)]
async fn what_isnt_ready_in_time_is_named_with_what_it_said() {
    let hangs = Check::new("hangs", std::future::pending::<()>).timeout(None);
    let refused = Check::new("database", async || Outcome::fail("connection refused"));
    let health = built([refused, hangs, Check::new("fine", async || true)]);
    let before = Instant::now();
    let error = health.until(&Selection::all(), seconds(2)).await.unwrap_err();
    assert_eq!(before.elapsed().as_millis(), 2_000);
    assert_eq!(error.checks(), ["database", "hangs"]);
    assert_eq!(
        error.to_string(),
        "not ready after 2 s: `database`: connection refused; `hangs`: not run yet, running for 2 s"
    );
}

#[tokio::test(start_paused = true)]
async fn whether_a_check_is_critical_makes_no_difference_to_until() {
    let optional = Check::new("cache", async || Outcome::fail("gone")).critical(false);
    let error = built([optional]).until(&Selection::all(), seconds(1)).await;
    assert_eq!(error.unwrap_err().checks(), ["cache"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_isnt_waited_for() {
    let health = built([Check::new("database", async || true)]);
    let before = Instant::now();
    let error = health
        .until(&Selection::checks(["databse"]), None)
        .await
        .unwrap_err();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(error.checks(), ["databse"]);
    assert_eq!(
        error.to_string(),
        "not ready: unknown check `databse`; the checks are: database"
    );
    assert!(error.source().is_some());
}

#[tokio::test(start_paused = true)]
async fn readiness_that_shuts_down_isnt_waited_for_not_even_when_that_begins_later() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("database")]);
    let waits = {
        let health = health.clone();
        tokio::spawn(async move { health.until(&Selection::readiness(), None).await })
    };
    sleep(seconds(3)).await;
    let before = Instant::now();
    health.begin_shutdown();
    let error = waits.await.unwrap().unwrap_err();
    assert!(before.elapsed() <= SOON);
    assert_eq!(error.to_string(), "not ready: shutting down");
    assert_eq!(error.checks(), [""; 0]);
    let at_once = health.until(&Selection::readiness(), seconds(60)).await;
    assert_eq!(at_once.unwrap_err().to_string(), "not ready: shutting down");
}

#[tokio::test(start_paused = true)]
async fn readiness_in_maintenance_isnt_waited_for_and_the_rest_is() {
    let health = built([Check::new("database", async || true)]);
    health.begin_maintenance("new disks");
    let error = health
        .until(&Selection::readiness(), seconds(60))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "not ready: maintenance: new disks");
    assert_eq!(health.until(&Selection::all(), seconds(60)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn readiness_waits_for_the_startup_checks_too() {
    let lever = Lever::default();
    lever.fail();
    let health = built([
        lever.check("migrations").startup(),
        Check::new("a", async || true),
    ]);
    let error = health
        .until(&Selection::readiness(), seconds(1))
        .await
        .unwrap_err();
    assert_eq!(error.checks(), ["migrations"]);
    lever.pass();
    health.until(&Selection::readiness(), seconds(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_too_old_is_waited_for_anew() {
    let lever = Lever::default();
    let health = built([lever.check("database")]);
    health.report().await;
    lever.fail();
    sleep(seconds(6)).await;
    health.until(&Selection::all(), seconds(1)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn inside_a_check_until_waits_for_nothing() {
    let slot = std::sync::Arc::new(std::sync::OnceLock::<HealthCheck>::new());
    let own = std::sync::Arc::clone(&slot);
    let health = built([Check::new("asks", move || {
        let own = std::sync::Arc::clone(&own);
        async move {
            let error = own.get().unwrap().until(&Selection::all(), None).await;
            error.map_err(|error| error.to_string())
        }
    })]);
    let _ = slot.set(health.clone());
    let report = health.report().await;
    let output = report.results[0].output.as_str().unwrap();
    assert!(output.starts_with("not ready: `asks`: not run yet"), "{output}");
}

#[test]
fn outside_of_a_runtime_until_waits_for_nothing() {
    let health = built([Check::new("database", async || true)]);
    let all = Selection::all();
    let mut until = std::pin::pin!(health.until(&all, None));
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = until.as_mut().poll(&mut nobody) else {
        panic!("it waits");
    };
    assert_eq!(error.to_string(), "not ready: `database`: not run yet");
}

// Tests of the gate

#[tokio::test(start_paused = true)]
async fn a_gate_is_open_while_its_checks_pass_or_warn() {
    let (passes, warns, fails) = (Lever::default(), Lever::default(), Lever::default());
    warns.warn();
    fails.fail();
    let health = built([passes.check("passes"), warns.check("warns"), fails.check("fails")]);
    let gate = health.gate(["passes", "warns"]).unwrap();
    assert!(is_open(&gate).await);
    assert!(!is_open(&health.gate(["passes", "fails"]).unwrap()).await);
}

#[tokio::test(start_paused = true)]
async fn a_gate_before_a_check_that_doesnt_exist_is_refused() {
    let health = built([Check::new("database", async || true)]);
    let error = health.gate(["databse"]).unwrap_err();
    assert_eq!(error.unknown_checks(), ["databse"]);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_result_a_gate_waits_for_it() {
    let slow = Check::new("database", async || sleep(seconds(2)).await);
    let health = built([slow]);
    let gate = health.gate(["database"]).unwrap();
    let before = Instant::now();
    gate.open().await;
    assert_eq!(before.elapsed().as_millis(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_gate_runs_its_checks_itself_where_nobody_else_does() {
    let lever = Lever::default();
    let (_health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 1);
    sleep(seconds(10)).await;
    let runs = lever.runs();
    assert!((5..=8).contains(&runs), "{runs}");
    lever.pass();
    let recovered = Instant::now();
    let passages = passages(workers, recovered).await;
    assert!(passages[0] <= 2_010, "{passages:?}");
}

#[tokio::test(start_paused = true)]
async fn within_its_ttl_a_passing_result_lets_through_while_the_next_run_goes_on() {
    let lever = Lever::default();
    let health = built([Check::new("slow", {
        let lever = lever.clone();
        move || {
            let lever = lever.clone();
            async move {
                sleep(seconds(1)).await;
                lever.pull()
            }
        }
    })]);
    let gate = health.gate(["slow"]).unwrap();
    gate.open().await;
    sleep(seconds(6)).await;
    let before = Instant::now();
    gate.open().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    sleep(seconds(2)).await;
    assert_eq!(lever.runs(), 2);
    // During this sleep, the last result of the check expires. So the gate below waits for the result of a new run.
    sleep(seconds(30)).await;
    let before = Instant::now();
    gate.open().await;
    assert_eq!(before.elapsed().as_millis(), 1_000);
    // After a recovery, a gate lets workers through one by one. This check has never failed, so the gate lets all
    // workers through at once.
    let crowd = crowd(&gate, 20);
    assert_eq!(passages(crowd, Instant::now()).await[19], 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_recovery_one_waiter_in_100_ms_is_let_through_for_a_second_and_then_all() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 1_000);
    sleep(Duration::from_millis(1_500)).await;
    lever.pass();
    let recovered = Instant::now();
    probe(&health, "database").await;
    let passages = passages(workers, recovered).await;
    assert!(passages[0] <= 5, "woken within 5 ms: {passages:?}");
    for pair in passages[..10].windows(2) {
        assert!(pair[1] - pair[0] >= 100, "{passages:?}");
    }
    let in_the_first_second = passages.iter().filter(|&&at| at < 1_000).count();
    assert!((9..=10).contains(&in_the_first_second), "{in_the_first_second}");
    assert!(passages[999] <= 1_005, "{}", passages[999]);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A real machine delays the wake of every task. To find out how long this delay is, each round also measures a task
/// that waits for a bare notification.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_real_time_the_median_of_many_wakes_is_within_5_ms_of_a_bare_one() {
    const ROUNDS: usize = 51;
    let lever = Lever::default();
    let passed = Arc::new(Mutex::new(Instant::now()));
    let check = Check::with("database", Arc::clone(&passed), {
        let lever = lever.clone();
        move |passed| {
            let outcome = lever.pull();
            *passed.lock().unwrap() = Instant::now();
            std::future::ready(outcome)
        }
    });
    let health = built([check.external().failed_ttl(seconds(600))]);
    health.report().await;
    let gate = health.gate(["database"]).unwrap();
    let (mut of_gate, mut of_until, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        lever.fail();
        probe(&health, "database").await;
        let waits = {
            let health = health.clone();
            tokio::spawn(async move {
                health
                    .until(&Selection::checks(["database"]), None)
                    .await
                    .unwrap();
                Instant::now()
            })
        };
        let notify = Arc::new(Notify::new());
        let woken = {
            let notify = Arc::clone(&notify);
            tokio::spawn(async move {
                notify.notified().await;
                Instant::now()
            })
        };
        let worker = crowd(&gate, 1).remove(0);
        // After this sleep, the three tasks of this round wait: one at the gate, one in `until`, and one for the bare
        // notification.
        sleep(Duration::from_millis(10)).await;
        assert!(!worker.is_finished() && !waits.is_finished());
        lever.pass();
        probe(&health, "database").await;
        let since = *passed.lock().unwrap();
        of_gate.push(worker.await.unwrap() - since);
        of_until.push(waits.await.unwrap() - since);
        let since = Instant::now();
        notify.notify_one();
        bare.push(woken.await.unwrap() - since);
    }
    let (of_gate, of_until, bare) = (median(of_gate), median(of_until), median(bare));
    println!("woken after {of_gate:?} at a gate, {of_until:?} in `until`, {bare:?} by a bare notification");
    assert!(of_gate <= bare + SOON, "{of_gate:?}");
    assert!(of_until <= bare + SOON, "{of_until:?}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_within_the_second_is_paced_likewise() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    lever.pass();
    probe(&health, "database").await;
    let recovered = Instant::now();
    // When the check recovers, no worker waits at the gate. The workers arrive half a second later.
    sleep(Duration::from_millis(500)).await;
    let passages = passages(crowd(&gate, 20), recovered).await;
    assert_eq!(passages[..3], [500, 600, 700]);
    assert!(passages[19] <= 1_005, "{passages:?}");
}

#[tokio::test(start_paused = true)]
async fn another_failure_closes_the_gate_again() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 10);
    sleep(Duration::from_millis(100)).await;
    lever.pass();
    probe(&health, "database").await;
    sleep(Duration::from_millis(250)).await;
    lever.fail();
    probe(&health, "database").await;
    sleep(seconds(5)).await;
    let through = workers.iter().filter(|worker| worker.is_finished()).count();
    assert_eq!(through, 3);
}

#[tokio::test(start_paused = true)]
async fn the_first_pass_ever_is_no_recovery() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("database")]);
    let gate = health.gate(["database"]).unwrap();
    let workers = crowd(&gate, 50);
    sleep(seconds(1)).await;
    lever.pass();
    let before = Instant::now();
    probe(&health, "database").await;
    assert!(passages(workers, before).await[49] <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_is_closed_for_60_s_lets_everybody_through_logs_that_and_counts_it() {
    let log = Log::catch();
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let shut = Instant::now();
    sleep(seconds(20)).await;
    let passages = passages(crowd(&gate, 5), shut).await;
    // The gate opens 60 s after it has closed. It is irrelevant that the workers arrived 20 s later.
    assert!(passages[0] >= 60_000 && passages[4] <= 60_005, "{passages:?}");
    assert!(is_open(&gate).await);
    let lines = log.of("WARN");
    let about = |line: &&String| line.contains("a gate was closed for so long");
    assert_eq!(lines.iter().filter(about).count(), 1, "{lines:?}");
    assert!(
        log.text().contains("checks=\"database\" seconds=60"),
        "{}",
        log.text()
    );
    assert_eq!(health.statistics().gates_failed_open, 1);
    // When the check passes, the gate opens. When the check fails again, the gate closes again, and another 60 s begin.
    lever.pass();
    probe(&health, "database").await;
    lever.fail();
    probe(&health, "database").await;
    assert!(!is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_never_fails_open_stays_closed() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let gate = gate.fail_open_after(None);
    assert!(timeout(seconds(3_600), gate.open()).await.is_err());
    assert_eq!(health.statistics().gates_failed_open, 0);
    let early = gate.clone().fail_open_after(seconds(1));
    assert!(is_open(&early).await);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_removed_passes_its_gate_at_once() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 1);
    sleep(seconds(1)).await;
    let before = Instant::now();
    assert!(health.remove("database"));
    assert!(passages(workers, before).await[0] <= 5);
    // The removed check no longer keeps the gate closed. A new check with the same name closes the gate again when it
    // fails.
    let again = Check::new("database", async || Outcome::fail("broken"));
    health.add(again).unwrap();
    assert!(!is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_set_by_hand_opens_and_closes_a_gate() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 1);
    sleep(seconds(1)).await;
    let before = Instant::now();
    health
        .set_override("database", Status::Pass, seconds(5), "known")
        .unwrap();
    assert!(passages(workers, before).await[0] <= 5);
    sleep(seconds(6)).await;
    assert!(!is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_fail_after_holds_back_keeps_the_gate_open_until_it_is_one() {
    let lever = Lever::default();
    let health = built([lever.check("database").external().fail_after(seconds(60))]);
    health.report().await;
    let gate = health.gate(["database"]).unwrap();
    lever.fail();
    probe(&health, "database").await;
    sleep(seconds(59)).await;
    assert!(is_open(&gate).await);
    sleep(seconds(2)).await;
    assert!(!is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_takes_no_place_of_the_others() {
    let lever = Lever::default();
    let (health, gate) = closed(&lever).await;
    let workers = crowd(&gate, 10);
    sleep(Duration::from_millis(100)).await;
    workers[..9].iter().for_each(JoinHandle::abort);
    sleep(Duration::from_millis(100)).await;
    lever.pass();
    let before = Instant::now();
    probe(&health, "database").await;
    let last = workers.into_iter().last().unwrap();
    assert!((last.await.unwrap() - before) <= SOON);
}
