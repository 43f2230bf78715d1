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

/// Serves every annotated check and section of the binary until SIGTERM or Ctrl-C: the same as
/// `Endpoints::new(HealthCheck::discover()?).serve(addr)`, which see.
///
/// # Errors
/// As [`HealthCheck::discover`] and [`Endpoints::serve`].
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
    /// How long a service that shuts down goes on answering, with readiness failing, so that load balancers notice.
    /// Default: 5 s on SIGTERM, or what [`HealthCheck::set_shutdown_delay`] said; none on Ctrl-C, whatever is set here.
    ///
    /// Together with the 20 s that requests in flight have afterwards it has to stay below the
    /// `terminationGracePeriodSeconds` of Kubernetes (30 s).
    pub const fn shutdown_delay(mut self, delay: Duration) -> Self {
        self.serving.shutdown_delay = Some(delay);
        self
    }

    /// Whether [`serve`](Self::serve) adds the liveness check `runtime`. Default: true.
    ///
    /// It fails once the application's runtime hasn't answered for 10 s, which takes all of its threads being blocked.
    /// Time in which this process itself stood still, paused or throttled, doesn't count. It is shown in `/livez` and
    /// in the metrics only; a check of the same name takes its place, and `HEALTHCHECK_DISABLE=runtime` turns it off,
    /// too.
    pub const fn runtime_check(mut self, yes: bool) -> Self {
        self.serving.watch_runtime = yes;
        self
    }

    /// A file whose existence means maintenance: as long as it is there, readiness fails, and the first line of the
    /// file is the reason. [`serve`](Self::serve) looks for it every second. Default: none.
    pub fn maintenance_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.maintenance_file = Some(path.into());
        self
    }

    /// Where [`serve`](Self::serve) writes which checks fail when it ends: the `terminationMessagePath` of the
    /// container. Default: `/dev/termination-log`. A file that isn't there is not created.
    ///
    /// It is written on SIGTERM before draining and at any other end, while a check fails; at most 4,096 bytes, and
    /// redacted as everything is.
    pub fn termination_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.serving.termination_log = path.into();
        self
    }

    /// Answers HAProxy's `agent-check` at this address ("127.0.0.1:8081"), from the thread of [`serve`](Self::serve).
    /// Default: nowhere.
    ///
    /// The answer is readiness in one line: `ready up 100%`, `ready up 75%` while it is degraded, `ready down`
    /// when it fails, `drain` while the service shuts down, and `maint` in maintenance. The `ready` ends a `drain` or
    /// `maint` that this process, or the one before it at this address, reported. It also ends one that was set by hand in
    /// HAProxy, unless that was done after `disable agent`. Each line waits for due checks as a probe does. There is no
    /// access control; the line has nothing but these words. `examples/haproxy/agent.cfg` is the other side.
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

    /// Serves the endpoints at an address of their own until SIGTERM or Ctrl-C, on a thread and a runtime of its own:
    /// it answers whatever the application's runtime is doing. The checks run on the application's, the one that
    /// awaits this, unless [`HealthCheck::on_runtime`] has said where.
    ///
    /// **Where.** On every address that the name has: `localhost:8080` is 127.0.0.1 and, where the machine has it, ::1.
    /// `[::]:8080` is every address of this machine, of IPv6 and of IPv4 (unless the system has turned that off, as with
    /// Linux's `net.ipv6.bindv6only`). A Unix socket is served by [`serve_on`](Self::serve_on).
    ///
    /// **The end.** On SIGTERM, and on [`HealthCheck::begin_shutdown`], `/readyz` fails at once while every request is
    /// answered for the [`shutdown_delay`](Self::shutdown_delay), so that load balancers notice; then the listener
    /// closes, and requests in flight have 20 s to end. On Ctrl-C there is no delay. A second signal ends at once.
    /// Dropping the future stops the server immediately. To drain a server of your own in step, wait for
    /// [`HealthCheck::drained`].
    ///
    /// **Signals.** SIGTERM and Ctrl-C are taken over for the rest of the process, also after this has returned: then
    /// they do nothing any more, and what `main` does after it can't be interrupted by them. Only where the
    /// application doesn't return from here, since its runtime is blocked, the next signal ends the process, with the
    /// exit code 143 or 130. Use [`serve_until`](Self::serve_until) to handle signals yourself: it installs nothing.
    /// Elsewhere than on Unix there is Ctrl-C alone.
    ///
    /// **Limits.** 4,096 connections, on Linux no more than half of the files that the process may have open (`ulimit
    /// -n`). For the next one others are closed: those that have stood idle longest, then those whose request has been
    /// unfinished for longest, then those that don't take their answer; only where all are being answered it waits. When
    /// the process has no free file the idle connections are closed, and a file that was kept back serves one client
    /// at a time. A client has 10 s for a request's head and for each part of an answer that it doesn't take, and 75 s
    /// between two requests. A head longer than 16 KiB is refused (431). A request with a body is answered, and its
    /// connection closed. It is HTTP/1.1: `Host` is required, and HTTP/2 is refused (505).
    ///
    /// **Elsewhere.** Any other path is answered with 404, which says what is there. `OPTIONS *` is `OPTIONS` on
    /// readiness.
    ///
    /// **Beside it.** The background checks are started; `HEALTHCHECK_DISABLE=a,b` in the environment takes these
    /// checks out; [`runtime_check`](Self::runtime_check), [`maintenance_file`](Self::maintenance_file) and
    /// [`termination_log`](Self::termination_log) do what they say, and so does [`haproxy_agent`](Self::haproxy_agent).
    /// [`healthcheck::panic_hook`] is installed where no hook was set.
    ///
    /// **systemd.** With the feature `systemd`, and where the service manager names a socket in `NOTIFY_SOCKET`, also an
    /// abstract one, it gets these messages. READY=1 at once when the last startup check has passed. STATUS, within 6 s
    /// of a change: the failing checks, or the degraded ones, or how many pass; maintenance with its reason; the drain.
    /// WATCHDOG=1 at half of `WATCHDOG_USEC` while liveness passes, and WATCHDOG=trigger once it has failed for that
    /// long. STOPPING=1 when the drain begins. EXTEND_TIMEOUT_USEC of 20 s every 5 s while the first run of a startup
    /// check goes on, and while draining; once a startup check has failed, `TimeoutStartSec` counts. The checks run for
    /// this as they do for a probe, as often as [`probe_max_age`](Self::probe_max_age) says. A socket that can't be
    /// reached is one warning in the log. `examples/systemd/orders.service` is the unit for it.
    ///
    /// tokio's paused time isn't supported, since the server has a clock of its own.
    ///
    /// # Errors
    /// What [`router`](Self::router) refuses; an address that can't be listened on, also that of
    /// [`haproxy_agent`](Self::haproxy_agent). The error names it, unless it is none at all.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> Result<(), ServeError> {
        self.serve_on(Listener::bind(addr).await?).await
    }

    /// As [`serve`](Self::serve), on a listener that is there already: a `TcpListener`, or on Unix a `UnixListener`. A
    /// Unix socket counts as an address of this machine, and so do its clients. The queue of connections that wait to be
    /// accepted is the listener's: `TcpListener::bind` gives it 128 places, [`serve`](Self::serve) 4,096.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_on(self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        self.run(listener.into(), SignalHandling::Installed, std::future::pending())
            .await
    }

    /// As [`serve`](Self::serve), until the future ends, for those who handle signals themselves: no handler is
    /// installed. What follows is the same as on SIGTERM; a shutdown that
    /// [`HealthCheck::begin_shutdown`] began before counts toward the delay. The future is polled by the task that
    /// awaits this.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
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

    /// As [`serve_until`](Self::serve_until), on a listener that is there already.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
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
