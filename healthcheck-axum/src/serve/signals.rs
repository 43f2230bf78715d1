//! Waits for the signals that end a service. Both `serve` and an application's own server use this module.

use std::io;
use std::pin::pin;
use std::time::Duration;

use healthcheck::HealthCheck;
use tokio::time::sleep;

use crate::log::log;

/// How long the application may take to end after a second signal. When this time is over, this crate ends the process.
pub(super) const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Drains your own server on SIGTERM and Ctrl-C. Pass the future to `axum::serve(…).with_graceful_shutdown(…)`, which
/// stops the server when the future completes.
///
/// Use this function if you merged [`router`](crate::router) into the app of your server. You don't need this function
/// with [`serve`](crate::serve()), which handles these signals itself.
///
/// - On SIGTERM readiness fails immediately, so that load balancers stop sending requests. Your server still answers
///   requests. The future completes when the delay of [`HealthCheck::set_shutdown_delay`] (5 s by default) is over.
/// - On Ctrl-C readiness fails, and the future completes immediately.
/// - If the application calls [`HealthCheck::begin_shutdown`], the future completes when the same delay as on SIGTERM
///   is over.
/// - If a second signal arrives during the delay, the future completes immediately. If the process still runs a second
///   later, this crate ends the process with exit code 143 (SIGTERM) or 130 (Ctrl-C).
/// - If a signal arrives after the future has completed, this crate ends the process immediately, with the same exit
///   codes.
///
/// The first poll of the future installs the signal handlers, which stay for the rest of the process. On systems other
/// than Unix, the future handles only Ctrl-C. Poll the future on a tokio runtime.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use healthcheck::HealthCheck;
/// use healthcheck_axum::{Endpoints, drain_on_signals};
///
/// let health = HealthCheck::discover()?;
/// let app = axum::Router::new().merge(Endpoints::new(health.clone()).router()?);
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, app)
///     .with_graceful_shutdown(drain_on_signals(health))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub async fn drain_on_signals(health: HealthCheck) {
    let mut signals = Signals::install().unwrap_or_else(|error| {
        log!(ERROR, %error, "can't wait for signals: only `begin_shutdown` drains");
        Signals::default()
    });
    let mut drained = pin!(health.drained());
    let first = tokio::select! {
        () = &mut drained => None,
        caught = signals.next() => Some(caught),
    };
    let mut second = None;
    if let Some(caught) = first {
        log!(INFO, "{} received: the application is drained", caught.name());
        health.begin_shutdown();
        if caught == Caught::Terminate {
            second = tokio::select! {
                () = drained => None,
                caught = signals.next() => Some(caught),
            };
        }
        // Completes the future of `HealthCheck::drained`, because other tasks may wait for it.
        health.end_drain();
        // Waits until the log is written, because the process may end as soon as this future completes.
        crate::log::written().await;
    }
    if let Some(caught) = second {
        log!(
            WARN,
            "{} received while the application is drained: its drain ends at once",
            caught.name()
        );
    }
    // Requests in flight may never end, and no other code handles signals from now on. So this task ends the process on
    // the next signal. If a second signal has already arrived, the task ends the process after `LAST_MOMENT`.
    tokio::spawn(async move {
        let caught = match second {
            Some(caught) => {
                sleep(LAST_MOMENT).await;
                caught
            }
            None => signals.next().await,
        };
        log!(ERROR, "the application doesn't end: ending the process");
        crate::log::finish();
        std::process::exit(caught.exit_code());
    });
}

/// A signal that this process has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    /// SIGTERM, sent by Kubernetes, systemd and `docker stop`.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl Caught {
    /// Returns the exit code that a shell reports for a process that this signal ended.
    pub(super) const fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "Ctrl-C",
        }
    }
}

/// The signal handlers of this crate. If they aren't installed, [`next`](Self::next) waits forever.
#[derive(Debug, Default)]
pub(super) struct Signals {
    handlers: Option<Handlers>,
}

impl Signals {
    /// Installs handlers for SIGTERM and Ctrl-C for the rest of the process. Call this on the runtime that waits for
    /// the signals.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            handlers: Some(Handlers::install()?),
        })
    }

    /// Returns whether this value has installed handlers.
    pub(super) const fn are_installed(&self) -> bool {
        self.handlers.is_some()
    }

    /// Waits for the next signal. Dropping the future before it completes loses no signal.
    pub(super) async fn next(&mut self) -> Caught {
        match &mut self.handlers {
            Some(handlers) => handlers.next().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
#[derive(Debug)]
struct Handlers {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Handlers {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Caught {
        let come = tokio::select! {
            come = self.terminate.recv() => come.map(|()| Caught::Terminate),
            come = self.interrupt.recv() => come.map(|()| Caught::Interrupt),
        };
        match come {
            Some(caught) => caught,
            // The stream of signals has ended. According to tokio's documentation this never happens.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Handlers;

#[cfg(not(unix))]
impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Caught {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Caught::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
