//! `serve`: an HTTP server for the health endpoints, with its own address and its own thread.

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

/// Serves all annotated checks and sections of the program until SIGTERM or Ctrl-C. `serve(addr)` is short for
/// `Endpoints::new(HealthCheck::discover()?).serve(addr)`: see [`Endpoints::serve`].
///
/// # Errors
/// Returns the errors of [`HealthCheck::discover`] and of [`Endpoints::serve`].
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
    /// Sets how long the server still answers requests after SIGTERM. During this delay readiness fails, so that load
    /// balancers stop sending requests. Default: the delay of [`HealthCheck::set_shutdown_delay`], which is 5 s by
    /// default. After Ctrl-C there is no delay.
    ///
    /// When the delay is over, the requests in flight have 20 s to end. Choose a delay that, together with these 20 s,
    /// is shorter than Kubernetes' `terminationGracePeriodSeconds` (30 s by default).
    pub const fn shutdown_delay(mut self, delay: Duration) -> Self {
        self.serving.shutdown_delay = Some(delay);
        self
    }

    /// Sets whether [`serve`](Self::serve) adds the liveness check `runtime`. Default: true.
    ///
    /// The check `runtime` fails when all threads of the application's runtime have been blocked for 10 s. These 10 s
    /// don't include time in which the whole process is paused or throttled. Only `/livez` and the metrics show the
    /// check.
    ///
    /// If you add your own check with the name `runtime`, it replaces this check. The environment variable
    /// `HEALTHCHECK_DISABLE=runtime` disables this check.
    pub const fn runtime_check(mut self, yes: bool) -> Self {
        self.serving.watch_runtime = yes;
        self
    }

    /// Sets the path of a file that puts the service into maintenance. While the file exists, readiness fails, and the
    /// first line of the file is the reason. [`serve`](Self::serve) checks every second whether the file exists.
    /// Default: no file.
    pub fn maintenance_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.maintenance_file = Some(path.into());
        self
    }

    /// Sets the file to which [`serve`](Self::serve) writes the failing checks when it shuts down. Kubernetes shows the
    /// content of this file if its path is the container's `terminationMessagePath`. Default: `/dev/termination-log`.
    /// If the file doesn't exist, `serve` doesn't create it and writes nothing.
    ///
    /// `serve` writes the file when the drain begins, and again when the server ends. It doesn't write if no check
    /// fails. The text is redacted and has at most 4,096 bytes.
    pub fn termination_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.termination_log = path.into();
        self
    }

    /// Sets an address, such as "127.0.0.1:8081", at which [`serve`](Self::serve) answers HAProxy's `agent-check` from
    /// its own thread. Default: no address, so `serve` doesn't answer agent checks.
    ///
    /// The answer is one of these lines:
    ///
    /// | line | state of the service |
    /// |---|---|
    /// | `ready up 100%` | readiness passes |
    /// | `ready up 75%` | readiness is degraded |
    /// | `ready down` | readiness fails |
    /// | `drain` | the service shuts down |
    /// | `maint` | the service is in maintenance |
    ///
    /// HAProxy keeps the state `drain` or `maint` until a later answer contains `ready`. So `ready` also ends a state
    /// that an earlier process at this address has reported, or that you have set by hand in HAProxy. To keep a state
    /// that you set by hand, write `disable agent` in HAProxy first.
    ///
    /// If the last result of a check is too old, the answer waits for a new result, but at most as long as a readiness
    /// probe waits. The server answers every client, because the lines in the table contain no secrets.
    /// `examples/haproxy/agent.cfg` configures HAProxy for the agent check.
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

    /// Serves the endpoints at this address until SIGTERM or Ctrl-C.
    ///
    /// The server has its own thread and its own runtime, so it answers even while the application's runtime is
    /// blocked. The checks run on the application's runtime. That is the runtime of [`HealthCheck::on_runtime`] if you
    /// set one, otherwise the runtime that awaits this future.
    ///
    /// **Address.** If the address contains a host name, the server listens on every address of this name:
    /// `localhost:8080` is 127.0.0.1 and, if the machine has it, ::1. The address `[::]:8080` is every IPv6 address
    /// of this machine, and also every IPv4 address unless the system excludes IPv4, as Linux does with
    /// `net.ipv6.bindv6only`. To serve on a Unix socket, use [`serve_on`](Self::serve_on).
    ///
    /// **The end.** On SIGTERM, or when the application calls [`HealthCheck::begin_shutdown`], `/readyz` fails at once,
    /// so that load balancers stop sending requests. The server still answers every request during the
    /// [`shutdown_delay`](Self::shutdown_delay). After the delay the server closes the listener, and the requests in
    /// flight have 20 s to end.
    ///
    /// After Ctrl-C there is no shutdown delay: the server closes the listener at once. A second signal stops the
    /// server without waiting for the requests in flight. So does dropping the future. If the application has a second
    /// server, let it stop accepting connections when [`HealthCheck::drained`] completes, so that both servers close at
    /// the same time.
    ///
    /// **Signals.** `serve` installs handlers for SIGTERM and Ctrl-C (on systems other than Unix, only for Ctrl-C). The
    /// handlers stay installed for the rest of the process. So when `serve` has returned, these signals can't interrupt
    /// the rest of `main`. To handle signals yourself, use [`serve_until`](Self::serve_until), which installs no
    /// handlers.
    ///
    /// If the application's runtime is blocked, `serve` can't return after the server has ended. In that case a further
    /// signal ends the process at once. If a signal ended the server, the process ends at most 5 s later even without a
    /// further signal. The exit code is 143 (SIGTERM) or 130 (Ctrl-C).
    ///
    /// **Limits.**
    ///
    /// - The server has at most 4,096 connections. On Linux it has at most half as many connections as the process may
    ///   open files (`ulimit -n`).
    /// - To accept further connections, the server closes others. It first closes connections that have been idle for
    ///   longest, then those whose request has been incomplete for longest, then those whose client doesn't read its
    ///   answer. If every connection is waiting for an answer, further connections wait too.
    /// - If the process can't open another file, the server closes its idle connections. It keeps one file descriptor
    ///   in reserve, so that it can still serve one client at a time.
    /// - A client has 10 s to send the head of a request, and 75 s from an answer to the next request. The server
    ///   closes the connection if the client reads no part of an answer for 10 s.
    /// - The server refuses a head longer than 16 KiB with 431. If a request has a body, the server ignores the body,
    ///   answers the request, and then closes the connection.
    /// - The server speaks HTTP/1.1. It requires the header `Host`, and refuses HTTP/2 with 505.
    ///
    /// **Other paths.** If a request's path has no endpoint, the server answers 404 with a list of the paths that
    /// exist. So a load balancer that requests `GET /` by default doesn't take the service for healthy by accident. The
    /// server answers `OPTIONS *` like `OPTIONS` on the readiness path.
    ///
    /// **In the background.** `serve` starts the checks that run in the background, and what you configured with
    /// [`runtime_check`](Self::runtime_check), [`maintenance_file`](Self::maintenance_file),
    /// [`termination_log`](Self::termination_log) and [`haproxy_agent`](Self::haproxy_agent). The environment variable
    /// `HEALTHCHECK_DISABLE=a,b` disables the checks `a` and `b`. If the application has set no panic hook, `serve`
    /// installs [`healthcheck::panic_hook`].
    ///
    /// **systemd.** With the feature `systemd`, the server sends these messages to the service manager at the socket in
    /// `NOTIFY_SOCKET`:
    ///
    /// | message | when the server sends it |
    /// |---|---|
    /// | `READY=1` | once all startup checks pass |
    /// | `STATUS` | within 6 s after its text has changed: the failing and the degraded checks, maintenance, or the drain |
    /// | `WATCHDOG=1` | twice in every `WATCHDOG_USEC`, while liveness passes |
    /// | `WATCHDOG=trigger` | once liveness has failed for `WATCHDOG_USEC` |
    /// | `STOPPING=1` | when the drain begins |
    /// | `EXTEND_TIMEOUT_USEC` (20 s) | every 5 s while a startup check runs for the first time, and during the drain |
    ///
    /// For these messages the server runs the checks as for a probe: a check runs again if its last result is older
    /// than [`probe_max_age`](Self::probe_max_age). If the server can't reach the socket, it logs one warning.
    /// `examples/systemd/orders.service` is an example of a systemd unit.
    ///
    /// The server's runtime has its own clock. So in a test, tokio's paused time has no effect on the server.
    ///
    /// # Errors
    /// Returns the errors of [`router`](Self::router), and an error if the server can't listen on `addr` or on the
    /// address of [`haproxy_agent`](Self::haproxy_agent). If `addr` can't be resolved, the message doesn't contain
    /// `addr`.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> Result<(), ServeError> {
        self.serve_on(Listener::bind(addr).await?).await
    }

    /// Serves like [`serve`](Self::serve), but on a listener that you have created: a `TcpListener`, or on Unix a
    /// `UnixListener`.
    ///
    /// The server treats a Unix socket as a loopback address, and its clients as clients on this machine. The listener
    /// decides how many connections may wait until the server accepts them: 128 with `TcpListener::bind`, compared with
    /// 4,096 with [`serve`](Self::serve).
    ///
    /// # Errors
    /// Returns the same errors as [`serve`](Self::serve).
    pub async fn serve_on(self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        self.run(listener.into(), SignalHandling::Installed, std::future::pending())
            .await
    }

    /// Serves like [`serve`](Self::serve), but until the future `until` completes. Installs no signal handlers.
    ///
    /// When `until` completes, the server drains as [`serve`](Self::serve) does on SIGTERM. If the application has
    /// already called [`HealthCheck::begin_shutdown`], the [`shutdown_delay`](Self::shutdown_delay) began at the time
    /// of that call. The task that awaits `serve_until` polls `until`.
    ///
    /// # Errors
    /// Returns the same errors as [`serve`](Self::serve).
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

    /// Serves like [`serve_until`](Self::serve_until), but on a listener that you have created.
    ///
    /// # Errors
    /// Returns the same errors as [`serve`](Self::serve).
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
        // The library redacts the panic messages in the results of checks. This panic hook also redacts the messages
        // that panics print to stderr.
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

/// Returns the function with which the server answers each request. The server has only the endpoints of `handler`.
fn service(handler: Arc<Handler>) -> Service {
    Arc::new(move |mut head, peer| {
        let target = handler.at(&head);
        if handler.needs_peer(target) {
            head.extensions.insert(ConnectInfo(peer));
        }
        respond(&handler, target, head)
    })
}

/// Whether the server handles SIGTERM and Ctrl-C, or leaves these signals to the application.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignalHandling {
    Installed,
    LeftToCaller,
}
