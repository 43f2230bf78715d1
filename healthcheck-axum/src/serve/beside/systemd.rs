//! Sends the state of the service to systemd, or to another manager that speaks systemd's protocol: READY, STATUS,
//! WATCHDOG, STOPPING and EXTEND_TIMEOUT_USEC.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use healthcheck::{CheckResult, HealthCheck, Overall, Report, Selection, Status};
use sd_notify::NotifyState;
use tokio::net::UnixDatagram;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::log::log;

const SOCKET: &str = "NOTIFY_SOCKET";

/// How long a notification waits for checks whose results are too old. If a check takes longer, the next notification
/// includes its new result.
const BUDGET: Duration = Duration::from_millis(800);
/// How often to look whether the startup checks pass. The checks themselves run no more often than a probe would run
/// them.
const START_PERIOD: Duration = Duration::from_millis(50);
/// How often to look whether the text of STATUS has changed. A result may be up to 5 s old, so STATUS follows a change
/// within 6 s.
const STATUS_PERIOD: Duration = Duration::from_millis(250);
/// How often to ask the manager to extend its time limit. After each such message, the limit is at least
/// `EXTENSION_USEC` away.
const EXTEND_PERIOD: Duration = Duration::from_secs(5);
const EXTENSION_USEC: u32 = 20_000_000;
/// How long sending a message to the manager may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reports the state of this service to its service manager.
pub(crate) struct Service {
    health: HealthCheck,
    manager: Manager,
    /// The maximum age of a passing result, and that of a failing result. The probes use the same two values.
    max_age: (Duration, Duration),
}

impl Service {
    /// Returns `None` if the environment variable `NOTIFY_SOCKET` is missing or empty, or if it contains an invalid
    /// address.
    pub(crate) fn of_environment(health: &HealthCheck, max_age: (Duration, Duration)) -> Option<Self> {
        let name = std::env::var_os(SOCKET).filter(|name| !name.is_empty())?;
        let addr = match address(&name) {
            Ok(addr) => addr,
            Err(error) => {
                log!(WARN, ?name, %error, "{SOCKET} can't be reached: the service manager hears nothing");
                return None;
            }
        };
        Some(Self {
            health: health.clone(),
            manager: Manager {
                addr,
                warned: AtomicBool::new(false),
            },
            max_age,
        })
    }

    /// Sends notifications to the service manager until the caller drops this future.
    pub(crate) async fn notify(self) {
        let serving = async {
            tokio::select! {
                () = async { tokio::join!(self.start(), self.status()); } => {}
                () = self.health.draining() => {}
            }
            self.stop().await;
        };
        tokio::join!(serving, self.watchdog());
    }

    fn selection(&self, of: Selection) -> Selection {
        let (pass, fail) = self.max_age;
        of.max_age(pass, fail)
    }

    /// Sends READY=1 once the startup checks pass.
    ///
    /// A startup check may take long, for example a database migration. While a startup check runs for the first time,
    /// this method extends the manager's time limit. Later runs of the check don't extend the limit.
    async fn start(&self) {
        let startup = self.selection(Selection::startup());
        let mut extended: Option<Instant> = None;
        loop {
            // `report_within` returns an error only if the selection contains unknown names, and `startup` contains no
            // names.
            if let Ok(report) = self.health.report_within(&startup, BUDGET).await {
                if report.status != Overall::Failure {
                    break;
                }
                let mut results = report.results.iter();
                let is_running =
                    results.any(|result| result.timestamp.is_none() && result.blocked_by.is_none());
                if is_running && extended.is_none_or(|at| at.elapsed() >= EXTEND_PERIOD) {
                    extended = Some(Instant::now());
                    self.manager
                        .send(&[NotifyState::ExtendTimeoutUsec(EXTENSION_USEC)])
                        .await;
                }
            }
            sleep(START_PERIOD).await;
        }
        self.manager.send(&[NotifyState::Ready]).await;
    }

    /// Sends STATUS= with a summary of the results or with the reason for maintenance, each time this text changes.
    async fn status(&self) {
        let all = self.selection(Selection::all());
        let mut sent = String::new();
        loop {
            let line = match self.health.maintenance_reason() {
                Some(reason) if reason.is_empty() => Some("maintenance".to_owned()),
                Some(reason) => Some(format!("maintenance: {reason}")),
                None => {
                    let report = self.health.report_within(&all, BUDGET).await.ok();
                    report.map(|report| summary(&report, &self.health.observations()))
                }
            };
            if let Some(line) = line.filter(|line| *line != sent) {
                self.manager.send(&[NotifyState::Status(&one_line(&line))]).await;
                sent = line;
            }
            sleep(STATUS_PERIOD).await;
        }
    }

    /// Sends STOPPING=1, and then extends the manager's time limit every 5 s until the drain has ended.
    async fn stop(&self) {
        let mut first = true;
        loop {
            let extend = NotifyState::ExtendTimeoutUsec(EXTENSION_USEC);
            if std::mem::take(&mut first) {
                let status = NotifyState::Status("draining");
                self.manager.send(&[NotifyState::Stopping, status, extend]).await;
            } else {
                self.manager.send(&[extend]).await;
            }
            sleep(EXTEND_PERIOD).await;
        }
    }

    /// Sends WATCHDOG=1 twice in each watchdog interval while liveness passes. Sends WATCHDOG=trigger when liveness has
    /// failed for a whole interval.
    async fn watchdog(&self) {
        // If WATCHDOG_PID names another process, `watchdog_enabled` returns `None`, and this process sends no watchdog
        // messages.
        let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
            return;
        };
        let half = (limit / 2).max(Duration::from_millis(1));
        let mut beats = interval(half);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let liveness = self.selection(Selection::liveness());
        let mut hunger = Hunger::new(half * 2);
        loop {
            let at = beats.tick().await;
            let report = self.health.report_within(&liveness, BUDGET.min(half / 2)).await;
            let passes = report.is_ok_and(|report| report.status != Overall::Failure);
            if let Some(state) = hunger.tick(at, passes) {
                self.manager.send(&[state]).await;
            }
        }
    }
}

/// Measures for the watchdog how long liveness has failed.
struct Hunger {
    limit: Duration,
    since: Option<Instant>,
    triggered: bool,
}

impl Hunger {
    const fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            triggered: false,
        }
    }

    /// Returns the notification to send at this tick of the watchdog, if any. `passes` says whether liveness passes
    /// now.
    fn tick(&mut self, at: Instant, passes: bool) -> Option<NotifyState<'static>> {
        if passes {
            *self = Self::new(self.limit);
            return Some(NotifyState::Watchdog);
        }
        let since = *self.since.get_or_insert(at);
        let is_over = at.saturating_duration_since(since) >= self.limit;
        let triggers = is_over && !std::mem::replace(&mut self.triggered, is_over);
        triggers.then_some(NotifyState::WatchdogTrigger)
    }
}

/// Summarizes the results in one line: the names of the failing and of the degraded checks. If no check is failing or
/// degraded, the line says how many checks pass.
///
/// The line ignores each observation (such as `runtime`) that passes.
fn summary(report: &Report, observed: &[CheckResult]) -> String {
    let observed = observed.iter().filter(|result| result.status != Status::Pass);
    let results = || report.results.iter().chain(observed.clone());
    let names = |contribution: Overall| {
        let named = results().filter(|result| result.contribution() == contribution);
        named.map(|result| result.checker.as_str()).collect::<Vec<_>>()
    };
    let (failing, degraded) = (names(Overall::Failure), names(Overall::Degraded));
    let mut line = String::new();
    for (what, names) in [("failing", failing), ("degraded", degraded)] {
        if !names.is_empty() {
            let separator = if line.is_empty() { "" } else { "; " };
            // Writing to a string can't fail.
            let _ = write!(line, "{separator}{what}: {}", names.join(", "));
        }
    }
    match (line.is_empty(), report.results.len()) {
        (false, _) => line,
        (true, 1) => "1 check passes".to_owned(),
        (true, count) => format!("{count} checks pass"),
    }
}

/// Replaces line breaks with spaces, because systemd reads each line of a message as an assignment. The reason for
/// maintenance may contain line breaks.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// Sends messages to the service manager.
struct Manager {
    addr: SocketAddr,
    warned: AtomicBool,
}

impl Manager {
    /// Sends a message to the service manager. If sending fails or takes longer than a second, logs the error and
    /// continues.
    async fn send(&self, states: &[NotifyState<'_>]) {
        let mut message = String::new();
        for state in states {
            // Writing to a string can't fail.
            let _ = writeln!(message, "{state}");
        }
        let sent = timeout(PATIENCE, self.write(message.as_bytes())).await;
        let Err(error) = sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) else {
            return;
        };
        if self.warned.swap(true, Ordering::Relaxed) {
            log!(DEBUG, %error, "can't notify the service manager");
        } else {
            log!(WARN, %error, "can't notify the service manager: {SOCKET} can't be reached");
        }
    }

    async fn write(&self, message: &[u8]) -> io::Result<()> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.connect_addr(&self.addr)?;
        socket.set_nonblocking(true)?;
        let sent = UnixDatagram::from_std(socket)?.send(message).await?;
        if sent == message.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }
}

/// Parses the value of `NOTIFY_SOCKET`, which is a path, or `@` and the name of an abstract socket.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        [b'@', name @ ..] => abstract_address(name),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "only a path and an abstract name, which begin with `/` and `@`, are supported",
        )),
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "abstract names are Linux's alone",
    ))
}

#[cfg(test)]
mod tests {
    use healthcheck::{Check, Outcome};

    use super::*;

    #[tokio::test]
    async fn the_status_names_what_fails_and_degrades_or_counts_what_passes() {
        let of = async |checks: Vec<Check>, observed: &[(&str, bool)]| {
            let builder = HealthCheck::builder().discover(false);
            let health = checks
                .into_iter()
                .fold(builder, healthcheck::HealthCheckBuilder::check)
                .build()
                .unwrap();
            for &(name, passes) in observed {
                let seen = if passes {
                    Outcome::pass("")
                } else {
                    Outcome::fail("")
                };
                health.observe_liveness(name, Some(seen));
            }
            summary(&*health.report().await, &health.observations())
        };
        let check = |name: &str, passes: bool| Check::new(name, move || std::future::ready(passes));
        assert_eq!(of(vec![], &[]).await, "0 checks pass");
        assert_eq!(
            of(vec![check("a", true)], &[("runtime", true)]).await,
            "1 check passes"
        );
        assert_eq!(
            of(vec![check("a", true), check("b", true)], &[]).await,
            "2 checks pass"
        );
        assert_eq!(
            of(vec![check("a", false), check("b", true), check("c", false)], &[]).await,
            "failing: a, c"
        );
        let minor = check("b", false).critical(false);
        assert_eq!(of(vec![minor.clone()], &[]).await, "degraded: b");
        let warns = Check::new("c", async || Outcome::warn("slow"));
        assert_eq!(
            of(vec![check("a", false), minor, warns], &[]).await,
            "failing: a; degraded: b, c"
        );
        assert_eq!(of(vec![], &[("runtime", false)]).await, "failing: runtime");
    }

    #[test]
    fn the_watchdog_is_triggered_once_when_liveness_has_failed_for_all_of_its_time() {
        let start = Instant::now();
        let mut hunger = Hunger::new(Duration::from_secs(10));
        let mut sent = |second: u64, passes| {
            let state = hunger.tick(start + Duration::from_secs(second), passes);
            state.map(|state| state.to_string())
        };
        let fed = || Some("WATCHDOG=1".to_owned());
        let triggered = || Some("WATCHDOG=trigger".to_owned());
        assert_eq!(sent(0, true), fed());
        assert_eq!(sent(5, false), None);
        assert_eq!(sent(10, false), None);
        assert_eq!(sent(15, false), triggered());
        assert_eq!(sent(20, false), None, "it was sent before");
        assert_eq!(sent(25, true), fed());
        assert_eq!(sent(30, false), None, "the count begins again");
        assert_eq!(sent(40, false), triggered());
    }

    #[test]
    fn the_socket_is_a_path_or_an_abstract_name() {
        let of = |name: &str| address(OsStr::new(name));
        assert!(of("/run/systemd/notify").unwrap().as_pathname().is_some());
        assert_eq!(of("@manager").is_ok(), cfg!(target_os = "linux"));
        for other in ["vsock:2:1234", "notify", "vsock-stream:2:1"] {
            assert_eq!(
                of(other).unwrap_err().kind(),
                io::ErrorKind::Unsupported,
                "{other}"
            );
        }
    }
}
