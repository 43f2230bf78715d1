//! The program that the tests in this directory run as a child process. The first argument selects a scenario. The exit
//! code is 0 if the scenario succeeded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::io::Write;
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Outcome};
use healthcheck_axum::Endpoints;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let is_right = match arguments[..] {
        ["report"] => reports(),
        ["serve", addr] => serves(addr, Log::Free),
        ["clogged", addr] => serves(addr, Log::Clogged),
        ["blocked", addr] => serves(addr, Log::BlocksApplication),
        ["counting", addr, log] => counts(addr, log),
        ["threads"] => leaves_no_threads(),
        _ => false,
    };
    std::process::exit(i32::from(!is_right));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn broken() -> HealthCheck {
    HealthCheck::builder()
        .discover(false)
        .check(Check::new("broken", async || Outcome::fail("broken")).failed_ttl(None))
        .check(
            Check::new("unlimited", async || Outcome::fail("broken"))
                .failed_ttl(None)
                .timeout(None),
        )
        .build()
        .unwrap()
}

/// Requests reports of failing checks, while every attempt to write a log line panics. Returns whether all reports came
/// in time.
fn reports() -> bool {
    tracing_subscriber::fmt().init();
    let runtime = runtime();
    let health = broken();
    (0..3).all(|_| {
        let begins = Instant::now();
        let report = runtime.block_on(health.report());
        report.is_failure()
            && report.results.iter().all(|result| result.output == "broken")
            && begins.elapsed() < Duration::from_secs(2)
    })
}

/// What happens when the service writes a line to its log.
#[derive(PartialEq)]
enum Log {
    Free,
    /// The thread that writes a log line blocks forever.
    Clogged,
    /// The application logs a line on each worker thread of its runtime. Each of these threads blocks forever, because
    /// the write of the line never ends.
    BlocksApplication,
}

fn serves(addr: &str, lines: Log) -> bool {
    tracing_subscriber::fmt().init();
    let runtime = runtime();
    let endpoints = Endpoints::new(broken()).shutdown_delay(Duration::from_secs(1));
    let serving = runtime.spawn({
        let addr = addr.to_owned();
        async move { endpoints.serve(addr).await.is_ok() }
    });
    if lines != Log::Free {
        std::thread::spawn(|| {
            let mut out = std::io::stdout().lock();
            // The test doesn't read the pipe. Once the pipe is full, this thread blocks, and keeps the lock of the
            // standard output.
            while out.write_all(&[b'x'; 4_096]).is_ok() {}
        });
        std::thread::sleep(Duration::from_millis(300));
    }
    if lines == Log::BlocksApplication {
        for _ in 0..2 {
            runtime.spawn(async { tracing::info!("a line of the application") });
        }
    }
    runtime.block_on(serving).unwrap()
}

/// Runs a service with a check that prints a line in each run. The test counts these lines.
fn counts(addr: &str, log: &str) -> bool {
    let health = HealthCheck::builder()
        .discover(false)
        .check(Check::new("counted", async || println!("the check ran")))
        .build()
        .unwrap();
    let endpoints = Endpoints::new(health)
        .shutdown_delay(Duration::from_millis(200))
        .termination_log(log);
    runtime().block_on(endpoints.serve(addr)).is_ok()
}

/// Creates and drops 900 health checks, each with a blocking check, a listener and a log line. Returns whether the
/// threads of these health checks have ended.
fn leaves_no_threads() -> bool {
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    let runtime = runtime();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let warm_up = || {
        let health = HealthCheck::builder()
            .discover(false)
            .check(Check::blocking("sync", || false))
            .on_change(|_| {})
            .build()
            .unwrap();
        assert!(runtime.block_on(health.report()).is_failure());
    };
    let before = threads();
    for _ in 0..900 {
        warm_up();
    }
    std::thread::sleep(Duration::from_secs(1));
    // A few threads may remain that belong to no health check, such as a thread of tokio's blocking pool.
    threads() <= before + 2
}
