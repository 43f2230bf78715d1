//! What systemd, or whoever speaks its protocol, is told: READY, STATUS, WATCHDOG and STOPPING.

use std::time::Duration;

use healthcheck::{HealthCheck, Overall, Report, Selection, Status};
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::log::log;

/// How often it is looked whether the service has started and what fails. A check is run as often as its TTL says.
const PERIOD: Duration = Duration::from_secs(1);
/// How long to wait for what is due; what takes longer is told with the next look.
const BUDGET: Duration = Duration::from_millis(800);
/// How old a result may be that keeps the watchdog quiet, as on the probes.
const MAX_AGE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(2));

/// Tells the service manager, where the environment names one, until it is dropped.
pub(crate) async fn tell(health: HealthCheck) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let stopping = async {
        health.draining().await;
        notify(vec![NotifyState::Stopping, NotifyState::Status("shutting down")]).await;
    };
    let serving = async {
        tokio::select! {
            () = async { tokio::join!(ready(&health), status(&health)); } => {}
            () = health.draining() => {}
        }
    };
    tokio::join!(serving, stopping, watchdog(&health));
}

/// READY=1, once the startup checks have passed.
async fn ready(health: &HealthCheck) {
    while !passes(health, &Selection::startup(), BUDGET).await {
        sleep(PERIOD).await;
    }
    notify(vec![NotifyState::Ready]).await;
}

/// STATUS=, whenever it changes.
async fn status(health: &HealthCheck) {
    let mut told = String::new();
    loop {
        if let Ok(report) = health.report_within(&Selection::all(), BUDGET).await {
            let line = summary(&report);
            if line != told {
                told.clone_from(&line);
                notify_status(line).await;
            }
        }
        sleep(PERIOD).await;
    }
}

/// WATCHDOG=1 at half of its time, while liveness passes.
async fn watchdog(health: &HealthCheck) {
    // It looks at WATCHDOG_PID: one that is meant for another process isn't ours.
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    let half = limit / 2;
    let mut beats = interval(half.max(Duration::from_millis(1)));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (pass, fail) = MAX_AGE;
    let liveness = Selection::liveness().max_age(pass, fail);
    loop {
        beats.tick().await;
        if passes(health, &liveness, BUDGET.min(half / 2)).await {
            notify(vec![NotifyState::Watchdog]).await;
        }
    }
}

async fn passes(health: &HealthCheck, selection: &Selection, budget: Duration) -> bool {
    let report = health.report_within(selection, budget).await;
    report.is_ok_and(|report| report.status != Overall::Failure)
}

/// The checks that fail, or how many pass. Names hold no control characters, so it is one line.
fn summary(report: &Report) -> String {
    let failing: Vec<&str> = report
        .results
        .iter()
        .filter(|result| result.status == Status::Fail)
        .map(|result| result.checker.as_str())
        .collect();
    match (failing.as_slice(), report.results.len()) {
        ([], 1) => "1 check passes".to_owned(),
        ([], count) => format!("{count} checks pass"),
        (failing, _) => format!("failing: {}", failing.join(", ")),
    }
}

async fn notify(states: Vec<NotifyState<'static>>) {
    send(move || sd_notify::notify(&states)).await;
}

async fn notify_status(line: String) {
    send(move || sd_notify::notify(&[NotifyState::Status(&line)])).await;
}

/// A service manager that doesn't read would block whoever sends: not the thread that answers probes.
async fn send(sending: impl FnOnce() -> std::io::Result<()> + Send + 'static) {
    if let Ok(Err(error)) = tokio::task::spawn_blocking(sending).await {
        log!(DEBUG, %error, "can't tell the service manager");
    }
}

#[cfg(test)]
mod tests {
    use healthcheck::{Check, Outcome};

    use super::*;

    #[tokio::test]
    async fn the_status_names_what_fails_or_counts_what_passes() {
        let of = async |outcomes: &'static [(&'static str, bool)]| {
            let checks = outcomes
                .iter()
                .map(|&(name, passes)| Check::new(name, move || std::future::ready(passes)));
            let builder = HealthCheck::builder().discover(false);
            let health = checks
                .fold(builder, healthcheck::HealthCheckBuilder::check)
                .build()
                .unwrap();
            let report = health.report().await;
            summary(&report)
        };
        assert_eq!(of(&[]).await, "0 checks pass");
        assert_eq!(of(&[("a", true)]).await, "1 check passes");
        assert_eq!(of(&[("a", true), ("b", true)]).await, "2 checks pass");
        assert_eq!(
            of(&[("a", false), ("b", true), ("c", false)]).await,
            "failing: a, c"
        );
    }

    #[tokio::test]
    async fn the_watchdog_is_fed_while_liveness_passes() {
        let health = HealthCheck::builder().discover(false).build().unwrap();
        assert!(passes(&health, &Selection::liveness(), BUDGET).await);
        health.observe_liveness("runtime", Some(Outcome::fail("blocked")));
        assert!(!passes(&health, &Selection::liveness(), BUDGET).await);
    }
}
