//! The signals that end a service: those of `serve`, and the same for an application's own server.

use std::io;
use std::pin::pin;
use std::time::Duration;

use healthcheck::HealthCheck;
use tokio::time::sleep;

use crate::log::log;

/// After a second signal the process ends; the application has this long to end it in its own way.
pub(super) const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Drains your own server, into which you merged [`router`](crate::router), as [`serve`](crate::serve()) drains itself. Pass
/// the future to `axum::serve(…).with_graceful_shutdown(…)`.
///
/// - On SIGTERM readiness fails at once. The future completes when the delay of [`HealthCheck::set_shutdown_delay`] (5 s)
///   is over. Until then requests are answered, so that load balancers notice.
/// - On Ctrl-C readiness fails, and the future completes at once.
/// - After [`HealthCheck::begin_shutdown`] it completes when that delay is over.
/// - A second signal completes it at once. If the process hasn't ended a second later, it is ended with the exit code 143
///   or 130.
///
/// The first poll of the future installs the signal handlers, for the rest of the process. On other systems than Unix
/// there is only Ctrl-C. It needs a tokio runtime.
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
        // For those who wait for `drained` beside this.
        health.end_drain();
    }
    if let Some(caught) = second {
        log!(
            WARN,
            "{} received while the application is drained: its drain ends at once",
            caught.name()
        );
    }
    // Requests in flight may take for ever, and nothing else listens to a signal any more.
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

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    /// SIGTERM: of Kubernetes, systemd and `docker stop`.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl Caught {
    /// What a shell gives for a process that this signal ended.
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

/// The installed handlers, or none: then nothing ever comes.
#[derive(Debug, Default)]
pub(super) struct Signals {
    handlers: Option<Handlers>,
}

impl Signals {
    /// Takes SIGTERM and Ctrl-C over, for the rest of the process. Needs the runtime that will wait for them.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            handlers: Some(Handlers::install()?),
        })
    }

    /// Whether they are taken over, and by this one.
    pub(super) const fn are_installed(&self) -> bool {
        self.handlers.is_some()
    }

    /// The next signal. Loses none when it is dropped unfinished.
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
            // The stream has ended; tokio says that it never does.
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
