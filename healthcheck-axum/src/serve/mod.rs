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

/// Serves every annotated check and section of the binary until SIGTERM or Ctrl-C. The same as
/// `Endpoints::new(HealthCheck::discover()?).serve(addr)`: see [`Endpoints::serve`].
///
/// # Errors
/// Those of [`HealthCheck::discover`] and [`Endpoints::serve`].
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
    /// How long the server goes on answering after SIGTERM, with readiness failing, so that load balancers notice.
    /// Default: the delay of [`HealthCheck::set_shutdown_delay`], which is 5 s. On Ctrl-C there is never a delay.
    ///
    /// After the delay, requests in flight have 20 s. Keep the sum below the `terminationGracePeriodSeconds` of Kubernetes
    /// (30 s).
    pub const fn shutdown_delay(mut self, delay: Duration) -> Self {
        self.serving.shutdown_delay = Some(delay);
        self
    }

    /// Whether [`serve`](Self::serve) adds the liveness check `runtime`. Default: true.
    ///
    /// It fails once all threads of the application's runtime have been blocked for 10 s. Time in which the whole process
    /// was paused or throttled doesn't count. Only `/livez` and the metrics show it. A check of the same name replaces it,
    /// and `HEALTHCHECK_DISABLE=runtime` disables it.
    pub const fn runtime_check(mut self, yes: bool) -> Self {
        self.serving.watch_runtime = yes;
        self
    }

    /// A file that puts the service into maintenance: while it exists, readiness fails, and the first line of the file is
    /// the reason. [`serve`](Self::serve) looks for it every second. Default: none.
    pub fn maintenance_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.maintenance_file = Some(path.into());
        self
    }

    /// The file to which [`serve`](Self::serve) writes the failing checks when it ends: the `terminationMessagePath` of the
    /// container. Default: `/dev/termination-log`. The file has to exist: it isn't created.
    ///
    /// `serve` writes it at the beginning of the drain and again when the server ends, each time only if a check fails.
    /// The text is redacted, and has at most 4,096 bytes.
    pub fn termination_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.termination_log = path.into();
        self
    }

    /// Answers HAProxy's `agent-check` at this address ("127.0.0.1:8081"), from the thread of [`serve`](Self::serve).
    /// Default: nowhere.
    ///
    /// The answer is readiness in one line:
    ///
    /// | line | readiness |
    /// |---|---|
    /// | `ready up 100%` | passes |
    /// | `ready up 75%` | is degraded |
    /// | `ready down` | fails |
    /// | `drain` | the service shuts down |
    /// | `maint` | the service is in maintenance |
    ///
    /// `ready` ends the state `drain` or `maint` in HAProxy, whether this process reported it or an earlier one at the
    /// same address. It also ends one that you set by hand in HAProxy, unless you write `disable agent` first. An
    /// answer waits for due checks as a probe does. There is no access control, since the line has only these words.
    /// `examples/haproxy/agent.cfg` configures HAProxy.
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
    /// The server has a thread and a runtime of its own, so it answers even while the application's runtime is blocked. The
    /// checks run on the application's runtime: the one that awaits this, or that of [`HealthCheck::on_runtime`].
    ///
    /// **Address.** It listens on every address of the name: `localhost:8080` is 127.0.0.1 and, if the machine has it, ::1.
    /// `[::]:8080` is every address of this machine, IPv6 and IPv4 (unless the system excludes IPv4, as Linux does with
    /// `net.ipv6.bindv6only`). For a Unix socket use [`serve_on`](Self::serve_on).
    ///
    /// **The end.** On SIGTERM, and on [`HealthCheck::begin_shutdown`], `/readyz` fails at once while every request is
    /// answered for the [`shutdown_delay`](Self::shutdown_delay), so that load balancers notice; then the listener
    /// closes, and requests in flight have 20 s to end. On Ctrl-C there is no delay. A second signal ends at once.
    /// Dropping the future stops the server immediately. To drain a server of your own in step, wait for
    /// [`HealthCheck::drained`].
    ///
    /// **Signals.** It installs handlers for SIGTERM and Ctrl-C (on other systems than Unix: for Ctrl-C), for the rest
    /// of the process. Once this has returned, these signals do nothing, so they can't interrupt the rest of `main`. If
    /// the application's runtime is blocked, this can't return. Then the next signal ends the process with exit code
    /// 143 (SIGTERM) or 130 (Ctrl-C). [`serve_until`](Self::serve_until) installs no handlers: use it to handle signals
    /// yourself.
    ///
    /// **Limits.**
    ///
    /// - There are at most 4,096 connections, on Linux at most half of the files that the process may open (`ulimit -n`).
    ///   To accept one more, the server closes another: one that has been idle for longest, else one whose request has
    ///   been incomplete for longest, else one whose client doesn't read its answer. If all others are being answered, the
    ///   new one waits.
    /// - If the process can't open another file, the server closes the idle connections. It keeps one file in reserve, to
    ///   serve one client at a time.
    /// - A client has 10 s to send the head of a request, 10 s to read each part of an answer, and 75 s between two
    ///   requests.
    /// - A head longer than 16 KiB is refused (431). A request with a body is answered, and its connection closed.
    /// - It is HTTP/1.1: `Host` is required, and HTTP/2 is refused (505).
    ///
    /// **Other paths** are answered with 404 and the list of the paths. So a load balancer that checks `GET /` by default
    /// isn't green by accident. `OPTIONS *` is `OPTIONS` on readiness.
    ///
    /// **Beside it.** It starts the background checks, and the features of [`runtime_check`](Self::runtime_check),
    /// [`maintenance_file`](Self::maintenance_file), [`termination_log`](Self::termination_log) and
    /// [`haproxy_agent`](Self::haproxy_agent). `HEALTHCHECK_DISABLE=a,b` in the environment disables the checks `a` and
    /// `b`. If the application has set no panic hook, it installs [`healthcheck::panic_hook`].
    ///
    /// **systemd.** With the feature `systemd` it notifies the service manager at the socket in `NOTIFY_SOCKET`:
    ///
    /// | message | when |
    /// |---|---|
    /// | `READY=1` | the last startup check has passed |
    /// | `STATUS` | within 6 s of a change: the failing checks, or the degraded ones, or how many pass; maintenance; the drain |
    /// | `WATCHDOG=1` | at half of `WATCHDOG_USEC`, while liveness passes |
    /// | `WATCHDOG=trigger` | liveness has failed for `WATCHDOG_USEC` |
    /// | `STOPPING=1` | the drain begins |
    /// | `EXTEND_TIMEOUT_USEC` (20 s) | every 5 s, during the first run of a startup check and during the drain; once a startup check has failed, `TimeoutStartSec` counts |
    ///
    /// For this the checks run as for a probe, as often as [`probe_max_age`](Self::probe_max_age) says. If the socket can't
    /// be reached, that is one warning in the log. `examples/systemd/orders.service` is a unit for it.
    ///
    /// The server has a clock of its own, so tokio's paused time doesn't work with it.
    ///
    /// # Errors
    /// The errors of [`router`](Self::router), and a failure to listen on this address or on that of
    /// [`haproxy_agent`](Self::haproxy_agent). The error names the address if the text could be parsed as one.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> Result<(), ServeError> {
        self.serve_on(Listener::bind(addr).await?).await
    }

    /// As [`serve`](Self::serve), on a listener of your own: a `TcpListener`, or on Unix a `UnixListener`.
    ///
    /// A Unix socket counts as a loopback address, and so do its clients. The listener decides how many connections may wait
    /// to be accepted: 128 with `TcpListener::bind`, 4,096 with [`serve`](Self::serve).
    ///
    /// # Errors
    /// Those of [`serve`](Self::serve).
    pub async fn serve_on(self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        self.run(listener.into(), SignalHandling::Installed, std::future::pending())
            .await
    }

    /// As [`serve`](Self::serve), until the future `until` completes. It installs no signal handlers.
    ///
    /// When the future completes, the server drains as on SIGTERM. If [`HealthCheck::begin_shutdown`] was called before,
    /// the delay counts from that call. The task that awaits this polls the future.
    ///
    /// # Errors
    /// Those of [`serve`](Self::serve).
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

    /// As [`serve_until`](Self::serve_until), on a listener of your own.
    ///
    /// # Errors
    /// Those of [`serve`](Self::serve).
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
        // The library redacts panic messages in results. This hook redacts what the panic prints as well.
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

/// The service of a server that serves only the endpoints.
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
