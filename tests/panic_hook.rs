//! Tests the text that the library's panic hook prints. For each case, the test starts its own binary again as a child
//! process, because a process has only one panic hook.
#![allow(clippy::unwrap_used)]

use std::process::Command;

const CASE: &str = "HEALTHCHECK_TEST_PANIC_CASE";

/// Runs one case in a child process, which is this binary again. Returns what the child process prints to stderr.
fn printed_by(case: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let ended = Command::new(own)
        .args(["the_case_itself", "--exact", "--nocapture"])
        .env(CASE, case)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn the_case_itself() {
    let Ok(case) = std::env::var(CASE) else { return };
    if case == "own hook" {
        std::panic::set_hook(Box::new(|_| eprintln!("an own hook")));
    }
    if case == "served" {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let health = healthcheck::HealthCheck::builder()
            .discover(false)
            .build()
            .unwrap();
        let served = healthcheck_axum::Endpoints::new(health)
            .shutdown_delay(std::time::Duration::ZERO)
            .serve_until("127.0.0.1:0", async {});
        runtime.block_on(served).unwrap();
    } else {
        // `install_panic_hook` returns whether it has installed the hook. It returns false if the process already has
        // its own hook, as in the case `own hook`.
        eprintln!("installed: {}", healthcheck::install_panic_hook());
    }
    let _ = std::thread::Builder::new()
        .name("worker".into())
        .spawn(|| panic!("at {}", secret()))
        .unwrap()
        .join();
}

fn secret() -> String {
    format!("postgres://app:{}@db/prod", ["hun", "ter2"].concat())
}

#[test]
fn a_secret_in_a_panic_is_not_printed() {
    let printed = printed_by("no hook");
    assert!(printed.contains("installed: true"), "{printed}");
    assert!(
        printed.contains("thread 'worker' panicked at tests/panic_hook.rs:"),
        "{printed}"
    );
    assert!(printed.contains("postgres://app:********@db/prod"), "{printed}");
    assert!(!printed.contains(&["hun", "ter2"].concat()), "{printed}");
}

#[test]
fn serve_installs_the_hook() {
    let printed = printed_by("served");
    assert!(printed.contains("postgres://app:********@db/prod"), "{printed}");
    assert!(!printed.contains(&["hun", "ter2"].concat()), "{printed}");
}

#[test]
fn a_hook_that_was_set_before_stays() {
    let printed = printed_by("own hook");
    assert!(
        printed.contains("installed: false") && printed.contains("an own hook"),
        "{printed}"
    );
    assert!(!printed.contains("panicked at"), "{printed}");
}
