//! Asserts that repeated runs of the ready-made checks leak no connection, thread or file. The test has its own binary,
//! because it counts all files and threads of the process.
#![cfg(all(target_os = "linux", feature = "checks-net", feature = "checks-system"))]

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use healthcheck::checks::{self, ErrorRate, Heartbeat, Progress, Task};
use healthcheck::{Outcome, Status};
use tokio::net::TcpListener;

const RUNS: usize = 10_000;

/// Returns the number of this process's open files and the number of its threads.
fn held() -> std::io::Result<(usize, usize)> {
    Ok((
        fs::read_dir("/proc/self/fd")?.count(),
        fs::read_dir("/proc/self/task")?.count(),
    ))
}

#[tokio::test]
async fn ten_thousand_runs_leave_no_connection_no_thread_and_no_file() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let (beat, evidence) = (
        Heartbeat::new(Duration::MAX),
        ErrorRate::new(Duration::from_secs(60)),
    );

    let progress = Progress::new(Duration::from_secs(60));
    let forever = Task::from(tokio::spawn(std::future::pending::<()>()));
    let mut runs = 0_u64;

    let mut one_run = async || -> [Outcome; 15] {
        runs += 1;
        let work = progress.begin("a run");
        work.advance();
        beat.beat();
        evidence.record(&Ok::<_, ()>(()));
        [
            checks::tcp(address).await,
            checks::dns("localhost").await,
            evidence.check_or(|| checks::dns("localhost")).await,
            beat.check(),
            checks::file_exists("/proc/self"),
            checks::disk_space("/").warn_below("0%").fail_below("0%").check(),
            checks::memory().warn_below("0%").fail_below("0%").check(),
            checks::load().warn_above(1e9).check(),
            checks::open_files().check(),
            checks::below(runs % 2, 3),
            checks::below_until(runs % 2, 3, 2),
            checks::lag(async || runs % 2).fail_above(1).await,
            checks::task(&forever),
            checks::once(&true),
            progress.check(),
        ]
    };

    let _ = one_run().await;
    let before = held()?;
    for _ in 0..RUNS {
        for outcome in one_run().await {
            assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
        }
    }
    // Two things remain for a moment after the last run: the thread of a DNS look-up, and the server's end of a
    // connection. This loop waits until both are gone.
    let patience = Instant::now() + Duration::from_secs(30);
    let mut after = held()?;
    while (after.0 > before.0 || after.1 > before.1) && Instant::now() < patience {
        tokio::task::yield_now().await;
        after = held()?;
    }
    assert!(
        after.0 <= before.0 && after.1 <= before.1,
        "files and threads before {before:?}, after {after:?}"
    );
    server.abort();
    Ok(())
}
