//! Runs the server of `serve` on its own thread, with its own runtime. So the server answers even if the application's
//! runtime is blocked.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use healthcheck::HealthCheck;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::accept;
use super::beside::haproxy_agent::{self, Agent};
#[cfg(all(feature = "systemd", unix))]
use super::beside::systemd;
use super::beside::{maintenance_file, runtime_watch, termination_log};
use super::connection::{ConnectionContext, Service};
use super::error::ServeError;
use super::limits::Limits;
use super::listener::{Detached, Listener};
use super::places::Places;
use super::signals::{Caught, LAST_MOMENT, Signals};
use crate::log::{self, log};
use crate::task::Task;

#[cfg(test)]
mod crowded_tests;
#[cfg(test)]
mod tests;

/// The configuration of the server.
pub(super) struct Server {
    pub(super) service: Service,
    pub(super) health: HealthCheck,
    /// How long the server still answers requests after the shutdown has begun. If this is `None`, the server takes the
    /// delay from `health`.
    pub(super) shutdown_delay: Option<Duration>,
    /// Whether the server handles SIGTERM and Ctrl-C.
    pub(super) signals: bool,
    /// Whether the server adds the liveness check `runtime`.
    pub(super) watch_runtime: bool,
    pub(super) maintenance_file: Option<PathBuf>,
    pub(super) termination_log: PathBuf,
    pub(super) agent: Option<Agent>,
    /// The maximum age of a passing result, and the maximum age of a failing result. If the result of a check is older,
    /// the server runs the check again before it reports to the service manager.
    #[cfg(all(feature = "systemd", unix))]
    pub(super) max_age: (Duration, Duration),
    pub(super) limits: Limits,
    /// The addresses of this server, as text for the log.
    pub(super) addresses: String,
}

/// An order from the future of `serve`, which the application polls, to the server's thread. If that future drops the
/// sender of the orders, the application no longer waits for the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Serve,
    Stop,
}

/// Why the server begins to shut down.
#[derive(Clone, Copy)]
enum EndedBy {
    Signal(Caught),
    /// The application called `begin_shutdown()`, or the future that it passed to `serve_until` has completed.
    Ordered,
    /// The application dropped the future that `serve` returned.
    Abandoned,
}

impl Server {
    /// Serves until a signal arrives, the application begins the shutdown, `until` completes, or the application drops
    /// this future. The check `runtime` watches the runtime that polls this future.
    pub(super) async fn run(
        self,
        listener: Listener,
        until: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let no_thread = |why| ServeError::start("start the thread of the health server", why);
        // Detaches the listener from the application's runtime. Otherwise the listener would accept no connection while
        // that runtime is blocked.
        let listener = listener.detach().map_err(no_thread)?;
        let application = Handle::current();
        if let Some(delay) = self.shutdown_delay {
            self.health.set_shutdown_delay(delay);
        }
        self.health.start();

        let (orders, given) = watch::channel(Order::Serve);
        let (done, mut ended) = oneshot::channel();
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        thread::Builder::new()
            .name("healthcheck".to_owned())
            .spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    self.live(listener, application, given, done);
                });
            })
            .map_err(no_thread)?;

        let ended = tokio::select! {
            ended = &mut ended => ended,
            () = until => {
                // Sending fails if the server's thread has already ended. In that case the channel `ended` already
                // contains the result.
                let _ = orders.send(Order::Stop);
                ended.await
            }
        };
        // Dropping the sender of the orders tells the server's thread that the application has the result.
        drop(orders);
        ended.unwrap_or_else(|_| Err(ServeError::panicked()))
    }

    /// Runs the server. This is the main function of the server's thread.
    fn live(
        mut self,
        listener: Detached,
        application: Handle,
        mut given: watch::Receiver<Order>,
        done: oneshot::Sender<Result<(), ServeError>>,
    ) {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(why) => {
                let _ = done.send(Err(ServeError::start(
                    "start the runtime of the health server",
                    why,
                )));
                return;
            }
        };
        runtime.block_on(async {
            let mut signals = Signals::default();
            if self.signals {
                match Signals::install() {
                    Ok(installed) => signals = installed,
                    Err(why) => {
                        let _ = done.send(Err(ServeError::start("wait for signals", why)));
                        return;
                    }
                }
            }
            let listener = match listener.attach() {
                Ok(listener) => listener,
                Err(why) => {
                    let _ = done.send(Err(ServeError::start("wait for connections", why)));
                    return;
                }
            };
            let companions = self.companions(application).await;
            let ended = self.serve(listener, &mut given, &mut signals).await;
            self.write_termination_log().await;
            drop(companions);
            log::finish();
            let _ = done.send(Ok(()));
            if signals.are_installed() {
                exit_unless_taken(&mut given, &mut signals, ended).await;
            }
        });
        runtime.shutdown_background();
    }

    /// Spawns the tasks that run beside the HTTP server, for example the one that answers HAProxy's agent check.
    /// Dropping the returned set stops these tasks.
    async fn companions(&mut self, application: Handle) -> JoinSet<()> {
        let mut companions = JoinSet::<()>::new();
        let mut spawn = |companion: Task| companions.spawn(companion);
        spawn(Box::pin(maintenance_file::remind(self.health.clone())));
        if let Some(path) = &self.maintenance_file {
            let switch = maintenance_file::Switch::new(path, self.health.clone()).await;
            spawn(Box::pin(switch.follow()));
        }
        if let Some(agent) = self.agent.take() {
            spawn(Box::pin(haproxy_agent::answer(agent, self.health.clone())));
        }
        if self.watch_runtime {
            spawn(Box::pin(runtime_watch::watch(application, self.health.clone())));
        }
        #[cfg(all(feature = "systemd", unix))]
        if let Some(service) = systemd::Service::of_environment(&self.health, self.max_age) {
            spawn(Box::pin(service.notify()));
        }
        companions
    }

    async fn write_termination_log(&self) {
        termination_log::write(self.termination_log.clone(), &self.health).await;
    }

    /// Serves until a signal or an order arrives, then drains the connections. Returns the signals that ended the
    /// server, if any.
    async fn serve(
        &self,
        listener: Listener,
        given: &mut watch::Receiver<Order>,
        signals: &mut Signals,
    ) -> Ended {
        let context = ConnectionContext {
            service: Arc::clone(&self.service),
            limits: self.limits,
            capacity: Arc::default(),
        };
        let mut places = Places::new();

        let mut began = None;
        let cause = loop {
            tokio::select! {
                never = accept::accept(&listener, &context, &mut places) => match never {},
                caught = signals.next() => break EndedBy::Signal(caught),
                cause = ordered(given) => break cause,
                () = self.health.draining(), if began.is_none() => {
                    began = Some(Instant::now());
                    // If the server handles signals, `begin_shutdown` ends it. Otherwise the server continues until the
                    // application's future `until` completes.
                    if self.signals {
                        break EndedBy::Ordered;
                    }
                }
            }
        };
        let delay = match cause {
            EndedBy::Abandoned => return Ended::default(),
            EndedBy::Signal(Caught::Interrupt) => Duration::ZERO,
            EndedBy::Signal(Caught::Terminate) | EndedBy::Ordered => self.health.shutdown_delay(),
        };
        let addresses = self.addresses.clone();
        if let EndedBy::Signal(caught) = cause {
            let signal = caught.name();
            if delay.is_zero() {
                log!(INFO, "{signal} received: {addresses} closes now, without a delay");
            } else {
                log!(INFO, "{signal} received: {addresses} is drained for {delay:?}");
            }
        }
        self.health.set_shutdown_delay(delay);
        self.health.begin_shutdown();

        let drain = async {
            let passed = began.map_or(Duration::ZERO, |began| began.elapsed());
            let delayed = async {
                self.write_termination_log().await;
                sleep(delay.saturating_sub(passed)).await;
            };
            tokio::select! {
                never = accept::accept(&listener, &context, &mut places) => match never {},
                () = delayed => {}
            }
            drop(listener);
            self.health.end_drain();
            if timeout(self.limits.drain, places.close(&context.capacity))
                .await
                .is_err()
            {
                let addresses = self.addresses.clone();
                log!(
                    WARN,
                    "requests to {addresses} were still in flight at the end of the drain: they are cut"
                );
            }
        };
        let hurried = tokio::select! {
            () = drain => None,
            caught = signals.next() => {
                let addresses = self.addresses.clone();
                log!(WARN, "{} received while draining: {addresses} is closed at once", caught.name());
                Some(caught)
            }
            () = abandoned(given) => None,
        };
        let begun_by = match cause {
            EndedBy::Signal(caught) => Some(caught),
            EndedBy::Ordered | EndedBy::Abandoned => None,
        };
        Ended { begun_by, hurried }
    }
}

/// The signals that ended the server. A field is `None` if that signal hasn't arrived.
#[derive(Clone, Copy, Default)]
struct Ended {
    begun_by: Option<Caught>,
    /// The second signal. It arrived during the drain, and ended the drain.
    hurried: Option<Caught>,
}

/// How long the application may take to fetch the result of `serve` after a signal has ended the server. If this time
/// is over, the application's runtime is considered blocked.
const STANDS_STILL: Duration = Duration::from_secs(5);

/// Waits until the application fetches the result of `serve`. If the application's runtime is blocked, the application
/// never fetches the result, and this function ends the process.
///
/// The process ends when a further signal arrives. If a signal has ended the server, the process ends after a few
/// seconds even without a further signal.
async fn exit_unless_taken(given: &mut watch::Receiver<Order>, signals: &mut Signals, ended: Ended) {
    let patience = match ended {
        Ended {
            hurried: Some(caught),
            ..
        } => Some((LAST_MOMENT, caught)),
        Ended {
            begun_by: Some(caught),
            ..
        } => Some((STANDS_STILL, caught)),
        Ended { .. } => None,
    };
    let caught = tokio::select! {
        () = abandoned(given) => return,
        caught = signals.next() => caught,
        caught = async {
            match patience {
                Some((patience, caught)) => {
                    sleep(patience).await;
                    caught
                }
                None => std::future::pending().await,
            }
        } => caught,
    };
    log!(
        ERROR,
        "the application doesn't return from serving: ending the process"
    );
    crate::log::finish();
    std::process::exit(caught.exit_code());
}

async fn ordered(given: &mut watch::Receiver<Order>) -> EndedBy {
    match given.wait_for(|order| *order == Order::Stop).await {
        Ok(_) => EndedBy::Ordered,
        Err(_) => EndedBy::Abandoned,
    }
}

async fn abandoned(given: &mut watch::Receiver<Order>) {
    while given.changed().await.is_ok() {}
}
