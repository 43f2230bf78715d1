//! Uses a `HealthCheck` from many threads at the same time, and asserts all the time that its invariants hold.
//!
//! `cargo bench -p healthcheck-benches --bench stress` runs this bench for two minutes. With the environment variable
//! `HEALTHCHECK_STRESS_SECONDS=10` it runs for 10 s.
//!
//! There are 1,500 checks in five layers. Each check depends on checks of the layer below its own. The checks pass,
//! fail, panic, are slow or hang. Some checks are blocking, and some run at an interval.
//!
//! Four threads request reports, and cancel half of their requests early.
//!
//! A fifth thread creates runtimes and requests a report on each runtime. It drops some of the runtimes immediately
//! after the request. It keeps the others for a while without driving them.
//!
//! A sixth thread overrides, expires, removes and adds checks.
//!
//! The bench asserts these invariants:
//! - A check never has two runs at the same time.
//! - Every answer comes at most three seconds after the time limit of its request. The bench also prints the median
//!   delay.
//! - The sequence numbers of transitions increase. Each transition of a check begins with the status with which the
//!   previous transition of this check ended.
//! - A removed check disappears from reports and from the history.
//! - At the end the bench makes every check pass. After that, the report is a success, and no run is stuck.
#![allow(clippy::expect_used, reason = "a bench that cannot go on stops")]

use std::collections::HashMap;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Outcome, Selection, Status, Transition};
use healthcheck_benches::{Result, figure};
use tokio::runtime::{Builder, Runtime};

const LAYERS: usize = 5;
const IN_A_LAYER: usize = 300;
const LIMIT: Duration = Duration::from_millis(300);
/// An answer may come at most this long after the end of its budget, even on an overloaded machine.
const PATIENCE: Duration = Duration::from_secs(3);

fn main() -> Result {
    let seconds = env::var("HEALTHCHECK_STRESS_SECONDS").ok();
    let seconds = seconds.map_or(Ok(120), |seconds| seconds.parse())?;
    figure::heading("Everything at once");
    // Suppresses the messages of panics that checks raise on purpose. Every other panic ends the bench.
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        if text.or(payload.downcast_ref::<&str>().copied()) != Some(BOOM) {
            figure::note(format_args!("{info}"));
            std::process::exit(1);
        }
    }));
    let stress = Arc::new(Stress::new()?);
    let end = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|scope| {
        for number in 0..4 {
            let stress = &stress;
            scope.spawn(move || stress.ask_until(end, number));
        }
        scope.spawn(|| stress.come_and_go_until(end));
        scope.spawn(|| stress.steer_until(end));
        scope.spawn(|| stress.watch_until(end));
    });
    stress.come_to_rest()?;
    stress.tell();
    Ok(())
}

const BOOM: &str = "boom";

/// Sets the outcome of the next run of a check. Also detects when two runs of the check overlap.
#[derive(Default)]
struct Lever {
    verdict: AtomicU8,
    running: AtomicU32,
}

/// Represents a run of a check. Each run creates this value when it begins, and drops the value when it ends.
struct Inside(Arc<Lever>);

impl Inside {
    fn enter(lever: &Arc<Lever>, name: &str) -> Self {
        let others = lever.running.fetch_add(1, Ordering::SeqCst);
        assert_eq!(others, 0, "`{name}` runs twice at once");
        Self(Arc::clone(lever))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Stress {
    health: HealthCheck,
    levers: Vec<Arc<Lever>>,
    /// The number of transitions that a listener has received, and the sequence number of the latest transition.
    heard: Arc<Mutex<Heard>>,
    /// Once this is true, no new run of a check hangs.
    calm: Arc<AtomicBool>,
    answers: AtomicU64,
    cancelled: AtomicU64,
    runtimes: AtomicU64,
    exchanged: AtomicU64,
    /// For each answer, the milliseconds by which the answer exceeded its budget.
    late: Mutex<Vec<u64>>,
}

#[derive(Default)]
struct Heard {
    sequence: u64,
    count: u64,
}

/// The random number generator xorshift64*. Each thread creates one with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

fn name(number: usize) -> String {
    format!("layer {} check {:03}", number / IN_A_LAYER, number % IN_A_LAYER)
}

fn check(number: usize, lever: &Arc<Lever>, calm: &Arc<AtomicBool>) -> Check {
    let (lever, calm) = (Arc::clone(lever), Arc::clone(calm));
    let name = name(number);
    let said = name.clone();
    // A blocking check that hangs occupies a thread. To limit the number of occupied threads, only a tenth of the
    // checks are blocking.
    let check = if number.is_multiple_of(10) {
        Check::blocking(name, move || {
            let _inside = Inside::enter(&lever, &said);
            match lever.verdict.load(Ordering::Relaxed) {
                4 if !calm.load(Ordering::Relaxed) => thread::sleep(4 * LIMIT),
                3 => thread::sleep(LIMIT / 10),
                2 => panic!("{BOOM}"),
                1 => return Outcome::fail("broken"),
                _ => {}
            }
            Outcome::pass("fine")
        })
    } else {
        Check::new(name, move || {
            let (lever, calm, said) = (Arc::clone(&lever), Arc::clone(&calm), said.clone());
            async move {
                let _inside = Inside::enter(&lever, &said);
                match lever.verdict.load(Ordering::Relaxed) {
                    4 if !calm.load(Ordering::Relaxed) => std::future::pending().await,
                    3 => tokio::time::sleep(LIMIT / 10).await,
                    2 => panic!("{BOOM}"),
                    1 => return Outcome::fail("broken"),
                    _ => {}
                }
                Outcome::pass("fine")
            }
        })
    };
    let check = check.timeout(LIMIT);
    let check = if number.is_multiple_of(7) {
        check.interval(Duration::from_millis(500))
    } else {
        check
            .success_ttl(Duration::from_millis(200))
            .failed_ttl(Duration::from_millis(100))
    };
    let check = if number.is_multiple_of(11) {
        check.fail_after(Duration::from_secs(2)).failure_threshold(2)
    } else {
        check
    };
    let below = number.checked_sub(IN_A_LAYER).into_iter();
    check.depends_on(
        below
            .flat_map(|below| [below, below / IN_A_LAYER * IN_A_LAYER + below * 7 % IN_A_LAYER])
            .map(self::name),
    )
}

impl Stress {
    fn new() -> Result<Self> {
        let levers: Vec<Arc<Lever>> = (0..LAYERS * IN_A_LAYER).map(|_| Arc::default()).collect();
        let calm = Arc::default();
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let listener = Arc::clone(&heard);
        let mut builder = HealthCheck::builder().discover(false).on_change(move |change| {
            listener
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .hear(change);
        });
        for (number, lever) in levers.iter().enumerate() {
            builder = builder.check(check(number, lever, &calm));
        }
        Ok(Self {
            health: builder.build()?,
            levers,
            heard,
            calm,
            answers: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            runtimes: AtomicU64::new(0),
            exchanged: AtomicU64::new(0),
            late: Mutex::default(),
        })
    }

    /// Requests reports in a loop until `end`. Half of the requests have a budget. For the other half, the loop drops
    /// the future after a short timeout.
    fn ask_until(&self, end: Instant, number: u64) {
        let mut random = Random(number + 1);
        let runtime = runtime(number.is_multiple_of(2));
        while Instant::now() < end {
            let selection = match random.below(4) {
                0 => Selection::all(),
                1 => Selection::readiness(),
                2 => Selection::readiness().max_age(Duration::from_secs(5), Duration::from_secs(2)),
                _ => Selection::readiness().exclude(name(random.below(self.levers.len()))),
            };
            runtime.block_on(async {
                if random.below(2) == 0 {
                    let patience = Duration::from_millis(random.below(30) as u64);
                    let asked = tokio::time::timeout(patience, self.health.report_for(&selection)).await;
                    self.cancelled
                        .fetch_add(u64::from(asked.is_err()), Ordering::Relaxed);
                    return;
                }
                let budget = Duration::from_millis(random.below(800) as u64);
                let begins = Instant::now();
                let report = self.health.report_within(&selection, budget).await;
                let lasted = begins.elapsed();
                assert!(report.is_ok(), "{report:?}");
                assert!(
                    lasted < budget + PATIENCE,
                    "an answer took {lasted:?} of {budget:?}"
                );
                let late = u64::try_from(lasted.saturating_sub(budget).as_millis()).unwrap_or(u64::MAX);
                self.late
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(late);
                self.answers.fetch_add(1, Ordering::Relaxed);
            });
        }
    }

    /// Creates runtimes in a loop, and requests a report on each runtime. Then drops the runtime, or keeps it for a
    /// while without driving it.
    fn come_and_go_until(&self, end: Instant) {
        let mut random = Random(99);
        let mut kept: Vec<Runtime> = Vec::new();
        while Instant::now() < end {
            let runtime = runtime(random.below(2) == 0);
            runtime.block_on(async {
                let patience = Duration::from_millis(random.below(20) as u64);
                let _ = tokio::time::timeout(patience, self.health.report()).await;
            });
            self.runtimes.fetch_add(1, Ordering::Relaxed);
            kept.push(runtime);
            if random.below(2) == 0 || kept.len() > 5 {
                kept.swap_remove(random.below(kept.len())).shutdown_background();
            }
            thread::sleep(Duration::from_millis(20));
        }
        kept.into_iter().for_each(Runtime::shutdown_background);
    }

    /// Changes the outcomes of checks at random. Also overrides, expires, removes and adds checks.
    fn steer_until(&self, end: Instant) {
        let mut random = Random(7);
        while Instant::now() < end {
            let number = random.below(self.levers.len());
            let name = name(number);
            match random.below(20) {
                0 => {
                    let status = [Status::Pass, Status::Warn, Status::Fail][random.below(3)];
                    let lasts = Duration::from_millis(1 + random.below(500) as u64);
                    self.health
                        .set_override(&name, status, lasts, "stress")
                        .expect("it is there");
                }
                1 => self.health.clear_override(&name).expect("it is there"),
                2 => self
                    .health
                    .expire(&Selection::checks([&name]))
                    .expect("it is there"),
                3 => {
                    assert!(self.health.remove(&name), "`{name}` is there");
                    let shown = self
                        .health
                        .last_known(&Selection::all())
                        .expect("no names, no error");
                    assert!(shown.get(&name).is_none(), "`{name}` was removed, and is shown");
                    let stays = |change: &Transition| change.checker.as_deref() == Some(&name);
                    assert!(!self.health.history().iter().any(stays), "`{name}` was removed");
                    self.health
                        .add(check(number, &self.levers[number], &self.calm))
                        .expect("its name is free");
                    self.exchanged.fetch_add(1, Ordering::Relaxed);
                }
                _ => {
                    let verdict = [0, 0, 0, 0, 0, 1, 2, 3, 4][random.below(9)];
                    self.levers[number].verdict.store(verdict, Ordering::Relaxed);
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asserts until `end` that the sequence numbers in the history increase, and that each transition begins with the
    /// status at which the previous transition of the same check ended.
    fn watch_until(&self, end: Instant) {
        while Instant::now() < end {
            let mut last: HashMap<Option<String>, Status> = HashMap::new();
            let mut sequence = 0;
            for change in self.health.history() {
                assert!(change.sequence > sequence, "{change:?} after {sequence}");
                sequence = change.sequence;
                if let Some(before) = last.insert(change.checker.clone(), change.to) {
                    assert_eq!(change.from, Some(before), "{change:?}");
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes every check pass. Then waits for at most 30 s until the report is a success and no run is stuck.
    fn come_to_rest(&self) -> Result {
        self.calm.store(true, Ordering::Relaxed);
        for (number, lever) in self.levers.iter().enumerate() {
            lever.verdict.store(0, Ordering::Relaxed);
            self.health.clear_override(&name(number))?;
        }
        let runtime = runtime(true);
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let report = runtime.block_on(self.health.report());
            if report.is_success() && self.health.statistics().stuck_runs == 0 {
                return Ok(());
            }
            if Instant::now() > end {
                let failing = report
                    .results
                    .iter()
                    .filter(|result| result.status != Status::Pass);
                let failing: Vec<_> = failing.take(5).collect();
                return Err(format!("it doesn't come to rest: {failing:#?}").into());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        let runs: u64 = self
            .health
            .statistics()
            .checks
            .iter()
            .map(|check| check.passes + check.warnings + check.failures)
            .sum();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        figure::note(format_args!(
            "{} answers, {} requests given up, {} runtimes, {} checks exchanged, {runs} runs, {} transitions heard",
            count(&self.answers),
            count(&self.cancelled),
            count(&self.runtimes),
            count(&self.exchanged),
            self.heard().count,
        ));
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.sort_unstable();
        let behind = |share: usize| late.get(late.len() * share / 100).copied().unwrap_or_default() as f64;
        figure::at_most("half of the answers, behind their budget", behind(50), 20.0, "ms");
        figure::at_most("99 of 100 answers, behind their budget", behind(99), 500.0, "ms");
        let latest = late.last().copied().unwrap_or_default() as f64;
        figure::at_most("the latest answer, behind its budget", latest, 2_000.0, "ms");
    }
}

impl Heard {
    fn hear(&mut self, change: &Transition) {
        assert!(
            change.sequence > self.sequence,
            "{change:?} after {}",
            self.sequence
        );
        self.sequence = change.sequence;
        self.count += 1;
    }
}

fn runtime(multi: bool) -> Runtime {
    let mut builder = if multi {
        Builder::new_multi_thread()
    } else {
        Builder::new_current_thread()
    };
    let built = builder.worker_threads(2).enable_all().build();
    built.expect("a runtime can be started")
}
