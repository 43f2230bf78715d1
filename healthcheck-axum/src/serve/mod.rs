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
    /// balancers stop sending requests.
    ///
    /// Default: the delay of [`HealthCheck::set_shutdown_delay`], which is 5 s unless you set it. After Ctrl-C there is
    /// no delay.
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

    /// Sets the path of a file that puts the service into maintenance. While the file exists, readiness fails. The
    /// first line of the file is the reason that reports show.
    ///
    /// [`serve`](Self::serve) checks every second whether the file exists. Default: no file.
    pub fn maintenance_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.maintenance_file = Some(path.into());
        self
    }

    /// Sets the file to which [`serve`](Self::serve) writes the failing checks when it shuts down. Default:
    /// `/dev/termination-log`. If the file doesn't exist, `serve` doesn't create it and writes nothing.
    ///
    /// Kubernetes shows the content of this file if the file's path is the container's `terminationMessagePath`.
    ///
    /// `serve` writes the file when the drain begins, and again when the server ends. It doesn't write if no check
    /// fails. The text is redacted and has at most 4,096 bytes.
    pub fn termination_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.termination_log = path.into();
        self
    }

    /// Sets an address, such as "127.0.0.1:8081", at which [`serve`](Self::serve) answers the agent checks of HAProxy
    /// (`agent-check`). The server's own thread sends these answers. Default: no address, so `serve` answers no agent
    /// checks.
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
    /// HAProxy keeps the state `drain` or `maint` until a later answer contains `ready`. The word `ready` also ends a
    /// state that an earlier process at this address has reported, or that you have set by hand in HAProxy.
    ///
    /// To keep a state that you set by hand, write `disable agent` in HAProxy first.
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
    /// blocked.
    ///
    /// The checks run on the application's runtime. If you set a runtime with [`HealthCheck::on_runtime`], the checks
    /// run on that one. Otherwise they run on the runtime that awaits this future.
    ///
    /// **Address.** If the address contains a host name, the server listens on every address of this name. For example,
    /// `localhost:8080` is 127.0.0.1 and, if the machine has it, ::1.
    ///
    /// The address `[::]:8080` is every IPv6 address of this machine. Unless the system excludes IPv4, it is also every
    /// IPv4 address of this machine. On Linux, `net.ipv6.bindv6only` excludes IPv4.
    ///
    /// To serve on a Unix socket, use [`serve_on`](Self::serve_on).
    ///
    /// **The end.** The shutdown begins on SIGTERM, or when the application calls [`HealthCheck::begin_shutdown`].
    /// `/readyz` fails immediately, so that load balancers stop sending requests. The server still answers every
    /// request during the [`shutdown_delay`](Self::shutdown_delay).
    ///
    /// When the delay is over, the server closes the listener. The requests in flight have 20 s to end.
    ///
    /// On Ctrl-C the server closes the listener immediately, without the shutdown delay.
    ///
    /// A second signal stops the server without waiting for the requests in flight. Dropping the future also stops the
    /// server without waiting.
    ///
    /// If the application has a second server, let that server stop accepting connections when [`HealthCheck::drained`]
    /// completes. This way both servers close at the same time.
    ///
    /// **Signals.** `serve` installs handlers for SIGTERM and Ctrl-C. On systems other than Unix, it installs only the
    /// handler for Ctrl-C. To handle signals yourself, use [`serve_until`](Self::serve_until), which installs no
    /// handlers.
    ///
    /// The handlers stay installed for the rest of the process. When `serve` has returned, SIGTERM and Ctrl-C can't
    /// interrupt the rest of `main`.
    ///
    /// If the application's runtime is blocked, `serve` can't return after the server has ended. A further signal ends
    /// such a blocked process immediately. If a signal ended the server, the blocked process ends at most 5 s later,
    /// even without a further signal.
    ///
    /// The exit code of a process that ends in this way is 143 (SIGTERM) or 130 (Ctrl-C).
    ///
    /// **Limits.**
    ///
    /// - The server has at most 4,096 connections. On Linux it has at most half as many connections as the process may
    ///   open files (`ulimit -n`).
    /// - To accept further connections, the server closes other connections in this order: the connections that have
    ///   been idle for longest, the connections whose request has been incomplete for longest, the connections whose
    ///   client doesn't read its answer.
    /// - If every connection waits for an answer, further connections wait in the kernel's queue.
    /// - If the process can't open another file, the server closes its idle connections. The server has one file
    ///   descriptor in reserve, with which it can serve one client at a time.
    /// - A client has 10 s to send the head of a request, and 75 s between an answer and the next request. If a client
    ///   reads no part of an answer for 10 s, the server closes the connection.
    /// - If the head of a request is longer than 16 KiB, the server refuses the request with 431.
    /// - If a request has a body, the server ignores the body, answers the request, and then closes the connection.
    /// - The server speaks HTTP/1.1. It requires the header `Host`, and refuses HTTP/2 with 505.
    ///
    /// **Other paths.** If a request's path has no endpoint, the server answers 404 with a list of the paths that
    /// exist. Some load balancers request `GET /` by default. The answer 404 prevents such a load balancer from taking
    /// the service for healthy by accident.
    ///
    /// The server answers `OPTIONS *` like `OPTIONS` on the readiness path.
    ///
    /// **In the background.** `serve` starts the checks that run in the background. It also starts what you configured
    /// with [`runtime_check`](Self::runtime_check), [`maintenance_file`](Self::maintenance_file),
    /// [`termination_log`](Self::termination_log) and [`haproxy_agent`](Self::haproxy_agent).
    ///
    /// The environment variable `HEALTHCHECK_DISABLE=a,b` disables the checks `a` and `b`.
    ///
    /// If the application has set no panic hook, `serve` installs [`healthcheck::panic_hook`].
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
    /// than [`probe_max_age`](Self::probe_max_age).
    ///
    /// If the server can't reach the socket, it logs one warning. `examples/systemd/orders.service` is an example of a
    /// systemd unit.
    ///
    /// The server's runtime has its own clock. If a test pauses tokio's time, the server's time isn't paused.
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
    /// The server treats a Unix socket as a loopback address, and the clients of the socket as clients on this machine.
    ///
    /// The listener decides how many connections may wait until the server accepts them. With a listener from
    /// `TcpListener::bind`, 128 connections may wait. With [`serve`](Self::serve), 4,096 connections may wait.
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
