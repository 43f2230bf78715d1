//! `serve`: an HTTP server for the endpoints, with an address and a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use healthcheck::{HealthCheck, Selection};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::runtime::Handle;

use crate::disabled;
use crate::endpoints::{Endpoints, Readers};
use crate::http::handler::Handler;
use crate::http::router::respond;
use crate::log::log;
use crate::serving::Serving;
use beside::haproxy_agent::Agent;
use connection::Service;
use error::ServeError;
use limits::Limits;
use listener::Listener;
use thread::Server;

mod accept;
mod beside;
mod capacity;
mod connection;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod listener;
mod log;
mod places;
pub(crate) mod signals;
#[cfg(test)]
mod test_service;
mod thread;

/// Serves every annotated check and section of the binary until SIGTERM or Ctrl-C. This is the same as
/// `Endpoints::new(HealthCheck::discover()?).serve(addr)`: see [`Endpoints::serve`].
///
/// # Errors
/// The errors of [`HealthCheck::discover`] and of [`Endpoints::serve`].
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck_axum::ServeError> {
/// healthcheck_axum::serve("127.0.0.1:8080").await
/// # }
/// ```
pub async fn serve(addr: impl ToSocketAddrs) -> Result<(), ServeError> {
    Endpoints::new(HealthCheck::discover()?).serve(addr).await
}

/// The options of `serve`, and `serve` itself.
impl Endpoints {
    /// Sets how long the server still answers after SIGTERM. Meanwhile readiness fails, so that load balancers stop
    /// sending requests. Default: the delay of [`HealthCheck::set_shutdown_delay`], which is 5 s. On Ctrl-C there is
    /// never a delay.
    ///
    /// After the delay, requests in flight have 20 s to end. Keep the sum of both below the
    /// `terminationGracePeriodSeconds` of Kubernetes (30 s).
    pub const fn shutdown_delay(mut self, delay: Duration) -> Self {
        self.serving.shutdown_delay = Some(delay);
        self
    }

    /// Sets whether [`serve`](Self::serve) adds the liveness check `runtime`. Default: true.
    ///
    /// The check fails once all threads of the application's runtime have been blocked for 10 s. Time in which the
    /// whole process was paused or throttled doesn't count. Only `/livez` and the metrics show the check. If you add a
    /// check of your own with this name, yours replaces it. `HEALTHCHECK_DISABLE=runtime` disables it.
    pub const fn runtime_check(mut self, yes: bool) -> Self {
        self.serving.watch_runtime = yes;
        self
    }

    /// Sets a file that puts the service into maintenance: while the file exists, readiness fails, and the first line
    /// of the file is the reason. [`serve`](Self::serve) looks for the file every second. Default: none.
    pub fn maintenance_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.maintenance_file = Some(path.into());
        self
    }

    /// Sets the file to which [`serve`](Self::serve) writes the failing checks when it ends: the
    /// `terminationMessagePath` of the container. Default: `/dev/termination-log`. The file must exist, because `serve`
    /// doesn't create it.
    ///
    /// `serve` writes the file at the beginning of the drain and again when the server ends, each time only if a check
    /// fails. The text is redacted and has at most 4,096 bytes.
    pub fn termination_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.termination_log = path.into();
        self
    }

    /// Answers HAProxy's `agent-check` at this address ("127.0.0.1:8081"), from the thread of [`serve`](Self::serve).
    /// Default: no address, so the agent check isn't answered.
    ///
    /// The answer reports readiness in one line:
    ///
    /// | line | readiness |
    /// |---|---|
    /// | `ready up 100%` | passes |
    /// | `ready up 75%` | is degraded |
    /// | `ready down` | fails |
    /// | `drain` | the service shuts down |
    /// | `maint` | the service is in maintenance |
    ///
    /// HAProxy keeps the state `drain` or `maint` until a later answer contains `ready`. So `ready` also ends a state
    /// that an earlier process at this address reported, and one that you set by hand in HAProxy. To keep a state that
    /// you set by hand, first write `disable agent` in HAProxy.
    ///
    /// An answer waits for due checks as long as a probe does. There is no access control, because the line contains
    /// only these words. `examples/haproxy/agent.cfg` configures HAProxy.
    ///
    /// ```
    /// # use healthcheck::HealthCheck;
    /// # use healthcheck_axum::Endpoints;
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// let endpoints = Endpoints::new(health).haproxy_agent("127.0.0.1:8081");
    /// # let _ = endpoints;
    /// # Ok(())
    /// # }
    /// ```
    pub fn haproxy_agent(mut self, addr: impl Into<String>) -> Self {
        self.serving.haproxy_agent = Some(addr.into());
        self
    }

    /// Serves the endpoints at an address of their own until SIGTERM or Ctrl-C.
    ///
    /// The server has a thread and a runtime of its own, so it answers even while the application's runtime is blocked.
    /// The checks run on the application's runtime: the runtime that awaits this future, or that of
    /// [`HealthCheck::on_runtime`].
    ///
    /// **Address.** The server listens on every address of the host name: `localhost:8080` is 127.0.0.1 and, if the
    /// machine has it, ::1. `[::]:8080` is every address of this machine, IPv6 and IPv4 (unless the system excludes
    /// IPv4, as Linux does with `net.ipv6.bindv6only`). For a Unix socket use [`serve_on`](Self::serve_on).
    ///
    /// **The end.** On SIGTERM, and on [`HealthCheck::begin_shutdown`], `/readyz` fails at once, so that load balancers
    /// stop sending requests. The server still answers every request for the [`shutdown_delay`](Self::shutdown_delay).
    /// Then it closes the listener, and requests in flight have 20 s to end. On Ctrl-C there is no delay. A second
    /// signal stops the server at once. Dropping the future stops the server immediately. If you have a second server
    /// of your own, wait for [`HealthCheck::drained`] to drain it at the same time.
    ///
    /// **Signals.** `serve` installs handlers for SIGTERM and Ctrl-C (on systems other than Unix: only for Ctrl-C). The
    /// handlers stay installed for the rest of the process. So once `serve` has returned, these signals do nothing and
    /// can't interrupt the rest of `main`. If the application's runtime is blocked, `serve` can't return. Then the next
    /// signal ends the process with exit code 143 (SIGTERM) or 130 (Ctrl-C). [`serve_until`](Self::serve_until)
    /// installs no handlers: use it to handle signals yourself.
    ///
    /// **Limits.**
    ///
    /// - The server has at most 4,096 connections, and on Linux at most half as many as the process may open files
    ///   (`ulimit -n`). To accept one more, it closes another connection: the one that has been idle for longest,
    ///   otherwise the one whose request has been incomplete for longest, otherwise one whose client doesn't read its
    ///   answer. If all other connections are waiting for their answer, the new one waits too.
    /// - If the process can't open another file, the server closes the idle connections. It keeps one file in reserve,
    ///   so that it can still serve one client at a time.
    /// - A client has 10 s to send the head of a request, 10 s to read each part of an answer, and 75 s between two
    ///   requests.
    /// - A head longer than 16 KiB is refused (431). A request with a body is answered, and then its connection is
    ///   closed.
    /// - The server speaks HTTP/1.1: it requires `Host`, and refuses HTTP/2 (505).
    ///
    /// **Other paths** are answered with 404 and a list of the paths that exist. So a load balancer that requests
    /// `GET /` by default doesn't report a healthy service by accident. `OPTIONS *` is answered like `OPTIONS` on the
    /// readiness path.
    ///
    /// **In the background.** `serve` starts the background checks, and the features of
    /// [`runtime_check`](Self::runtime_check), [`maintenance_file`](Self::maintenance_file),
    /// [`termination_log`](Self::termination_log) and [`haproxy_agent`](Self::haproxy_agent). `HEALTHCHECK_DISABLE=a,b`
    /// in the environment disables the checks `a` and `b`. If the application has set no panic hook, `serve` installs
    /// [`healthcheck::panic_hook`].
    ///
    /// **systemd.** With the feature `systemd`, the server sends these messages to the service manager at the socket in
    /// `NOTIFY_SOCKET`:
    ///
    /// | message | when |
    /// |---|---|
    /// | `READY=1` | the last startup check has passed |
    /// | `STATUS` | within 6 s of a change. The text is: the failing and the degraded checks, or how many checks pass, or maintenance, or the drain |
    /// | `WATCHDOG=1` | at half of `WATCHDOG_USEC`, while liveness passes |
    /// | `WATCHDOG=trigger` | liveness has failed for `WATCHDOG_USEC` |
    /// | `STOPPING=1` | the drain begins |
    /// | `EXTEND_TIMEOUT_USEC` (20 s) | every 5 s, during the first run of a startup check and during the drain. Once a startup check has failed, its further runs don't extend `TimeoutStartSec` |
    ///
    /// For these messages the checks run as they do for a probe, as often as [`probe_max_age`](Self::probe_max_age)
    /// says. If the socket can't be reached, the log shows one warning. `examples/systemd/orders.service` is an example
    /// of a unit.
    ///
    /// The server's runtime has a clock of its own, so tokio's paused time doesn't work with it.
    ///
    /// # Errors
    /// The errors of [`router`](Self::router), and a failure to listen on this address or on that of
    /// [`haproxy_agent`](Self::haproxy_agent). The message contains the address if it could be resolved.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> Result<(), ServeError> {
        self.serve_on(Listener::bind(addr).await?).await
    }

    /// Serves like [`serve`](Self::serve), on a listener of your own: a `TcpListener`, or on Unix a `UnixListener`.
    ///
    /// A Unix socket counts as a loopback address, and so do its clients. The listener decides how many connections may wait
    /// to be accepted: 128 with `TcpListener::bind`, 4,096 with [`serve`](Self::serve).
    ///
    /// # Errors
    /// The errors of [`serve`](Self::serve).
    pub async fn serve_on(self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        self.run(listener.into(), SignalHandling::Installed, std::future::pending())
            .await
    }

    /// Serves like [`serve`](Self::serve), until the future `until` completes. Installs no signal handlers.
    ///
    /// When `until` completes, the server drains as it does on SIGTERM. If [`HealthCheck::begin_shutdown`] was called
    /// before, the delay counts from that call. The task that awaits `serve_until` polls `until`.
    ///
    /// # Errors
    /// The errors of [`serve`](Self::serve).
    ///
    /// ```
    /// use std::time::Duration;
    /// use healthcheck::HealthCheck;
    /// use healthcheck_axum::Endpoints;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), healthcheck_axum::ServeError> {
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// # drop(stop);
    /// Endpoints::new(HealthCheck::discover()?)
    ///     .shutdown_delay(Duration::ZERO)
    ///     .serve_until("127.0.0.1:0", async { drop(stopped.await) })
    ///     .await
    /// # }
    /// ```
    pub async fn serve_until(
        self,
        addr: impl ToSocketAddrs,
        until: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.serve_on_until(Listener::bind(addr).await?, until).await
    }

    /// Serves like [`serve_until`](Self::serve_until), on a listener of your own.
    ///
    /// # Errors
    /// The errors of [`serve`](Self::serve).
    pub async fn serve_on_until(
        self,
        listener: impl Into<Listener>,
        until: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.run(listener.into(), SignalHandling::LeftToCaller, until)
            .await
    }

    async fn run(
        self,
        listener: Listener,
        signals: SignalHandling,
        until: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let addresses = listener
            .names()
            .map_err(|why| ServeError::start("get the address of the listener", why))?
            .join(", ");
        let readers = if listener.is_local() {
            Readers::Local
        } else {
            Readers::Unknown
        };
        // The library redacts the panic messages that results contain. This hook also redacts the messages that panics
        // print.
        healthcheck::install_panic_hook();
        let own_is_disabled = disabled::apply(&self.health);
        let endpoints = self.at_home_on(Handle::current());
        let Serving {
            shutdown_delay,
            watch_runtime,
            maintenance_file,
            termination_log,
            haproxy_agent,
        } = endpoints.serving.clone();
        let agent = match haproxy_agent {
            Some(addr) => Some(endpoints.agent(&addr).await?),
            None => None,
        };
        let limits = Limits {
            half_closed: endpoints.health_budget.is_some() && endpoints.probe_budget.is_some(),
            ..Limits::of_this_process()
        };
        let health = endpoints.health.clone();
        #[cfg(all(feature = "systemd", unix))]
        let max_age = endpoints.max_age;
        let handler = endpoints.assemble(readers, &addresses)?;
        let server = Server {
            service: service(handler),
            health,
            shutdown_delay,
            signals: signals == SignalHandling::Installed,
            watch_runtime: watch_runtime && !own_is_disabled,
            maintenance_file,
            termination_log,
            agent,
            #[cfg(all(feature = "systemd", unix))]
            max_age,
            limits,
            addresses,
        };
        let addresses = server.addresses.clone();
        log!(INFO, "listening on {addresses}");
        server.run(listener, until).await
    }

    async fn agent(&self, addr: &str) -> Result<Agent, ServeError> {
        let (pass, fail) = self.max_age;
        let addrs = listener::resolve(addr, Some(addr)).await?;
        let listener = match TcpListener::bind(&*addrs).await {
            Ok(listener) => listener,
            Err(why) => return Err(ServeError::listen(addrs, why)),
        };
        let bound = listener
            .local_addr()
            .and_then(|addr| Ok((addr, listener.into_std()?)));
        let (addr, listener) = bound.map_err(|why| ServeError::start("start the agent of HAProxy", why))?;
        log!(INFO, "the agent of HAProxy answers on {addr}");
        Ok(Agent {
            listener,
            selection: Selection::readiness().max_age(pass, fail),
            budget: self.probe_budget,
        })
    }
}

/// Returns the function that answers the requests of a server with only these endpoints.
fn service(handler: Arc<Handler>) -> Service {
    Arc::new(move |mut head, peer| {
        let target = handler.at(&head);
        if handler.needs_peer(target) {
            head.extensions.insert(ConnectInfo(peer));
        }
        respond(&handler, target, head)
    })
}

/// Whether `serve` handles the signals that end a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignalHandling {
    Installed,
    LeftToCaller,
}
