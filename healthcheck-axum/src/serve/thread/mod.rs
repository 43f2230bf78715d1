//! The server of `serve`. It has a thread and a runtime of its own, so it answers even if the application's runtime is
//! blocked.

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
    /// How long requests are still answered after the shutdown begins. `None` takes the delay from `health`.
    pub(super) shutdown_delay: Option<Duration>,
    /// Whether the server handles SIGTERM and Ctrl-C.
    pub(super) signals: bool,
    /// Whether liveness has the check `runtime`.
    pub(super) watch_runtime: bool,
    pub(super) maintenance_file: Option<PathBuf>,
    pub(super) termination_log: PathBuf,
    pub(super) agent: Option<Agent>,
    /// The maximum age of a passing and of a failing result in the messages to the service manager.
    #[cfg(all(feature = "systemd", unix))]
    pub(super) max_age: (Duration, Duration),
    pub(super) limits: Limits,
    /// The addresses of this server, for the log.
    pub(super) addresses: String,
}

/// An order to the server's thread from the future that the application polls. If the sender is dropped, the
/// application no longer waits for the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Serve,
    Stop,
}

/// Why the server begins to shut down.
#[derive(Clone, Copy)]
enum EndedBy {
    Signal(Caught),
    /// The application called `begin_shutdown()`, or the future that it passed completed.
    Ordered,
    /// The application dropped the future of `serve`.
    Abandoned,
}

impl Server {
    /// Serves until a signal arrives, `until` completes, or the future is dropped. The check `runtime` watches the
    /// runtime that polls this future.
    pub(super) async fn run(
        self,
        listener: Listener,
        until: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let no_thread = |why| ServeError::start("start the thread of the health server", why);
        // Otherwise the listener would stay registered with the application's runtime, and accept nothing while that
        // runtime is blocked.
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
                // Sending fails if the thread has already ended. Then `ended` already has the result.
                let _ = orders.send(Order::Stop);
                ended.await
            }
        };
        // Dropping the sender tells the thread that the application has the result, or no longer wants it.
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

    /// Spawns the tasks that run beside the HTTP server. Dropping the set stops them.
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

    /// Serves until a signal or an order arrives, then drains. Returns the signals that ended the server.
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
                    // If the application handles signals itself, only the completion of its future `until` ends the
                    // server.
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

/// The signals that ended the server.
#[derive(Clone, Copy, Default)]
struct Ended {
    begun_by: Option<Caught>,
    /// The second signal, which arrived during the drain.
    hurried: Option<Caught>,
}

/// How long the application may take to fetch the result. If it takes longer, its runtime is considered blocked.
const STANDS_STILL: Duration = Duration::from_secs(5);

/// Waits until the application fetches the result. If the application's runtime is blocked, that never happens. In that
/// case this ends the process, as the signal would have done without our handlers: a few seconds after the server has
/// ended, or at once on the next signal.
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
