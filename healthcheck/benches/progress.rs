//! Measures the time that `Progress` adds to the work that it watches: `cargo bench -p healthcheck --bench progress`.
//!
//! Prints nanoseconds. Most of the figures are the minimum of several rounds, because other load on the machine can
//! only add time.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::checks::{Progress, Work};

const ROUNDS: usize = 15;
const TIMES: u32 = 200_000;

fn main() {
    let progress = Progress::new(Duration::from_secs(60));
    show(
        "a look at the clock",
        least(|| {
            black_box(tokio::time::Instant::now());
        }),
    );
    show(
        "a String of a &str, and its end",
        least(|| drop(black_box(String::from(black_box("export 17"))))),
    );
    show("begin, and drop later", begin_alone(&progress));
    show(
        "begin and drop",
        least(|| drop(black_box(progress.begin(black_box("export 17"))))),
    );
    let work = progress.begin("export");
    show("advance", least(|| work.advance()));

    let held: Vec<Work> = (0..10_000).map(|_| progress.begin("held")).collect();
    show(
        "begin and drop beside 10,000",
        least(|| drop(black_box(progress.begin(black_box("export 17"))))),
    );
    let began = Instant::now();
    for _ in 0..100 {
        let _ = black_box(progress.check());
    }
    show(
        "a check of 10,000, for each",
        began.elapsed().as_nanos() as f64 / 100.0 / 10_000.0,
    );
    drop(held);

    let threads: Vec<_> = (0..2)
        .map(|_| {
            let progress = progress.clone();
            thread::spawn(move || least(|| drop(black_box(progress.begin(black_box("export 17"))))))
        })
        .collect();
    for ended in threads.into_iter().map(thread::JoinHandle::join) {
        show("begin and drop, two threads at it", ended.unwrap_or(f64::NAN));
    }
}

/// Measures `begin` without the drop of its return value. Returns the time of one call in ns, from the fastest of 200
/// rounds.
///
/// `begin` allocates memory only in the first round. The fastest round is a later one, so it doesn't include the
/// allocation.
fn begin_alone(progress: &Progress) -> f64 {
    let mut all = Vec::with_capacity(1_000);
    let mut least = f64::INFINITY;
    for _ in 0..200 {
        let began = Instant::now();
        for _ in 0..1_000 {
            all.push(progress.begin(black_box("export 17")));
        }
        least = least.min(began.elapsed().as_nanos() as f64 / 1_000.0);
        all.clear();
    }
    least
}

fn least(mut run: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..TIMES {
                run();
            }
            began.elapsed().as_nanos() as f64 / f64::from(TIMES)
        })
        .fold(f64::INFINITY, f64::min)
}

#[allow(clippy::print_stdout)] // A bench prints its figures.
fn show(what: &str, nanos: f64) {
    println!("{nanos:8.1} ns  {what}");
}
