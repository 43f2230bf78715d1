use std::fmt::Display;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use super::dial::{dial, split};
use super::layer::Layer;
use crate::Outcome;

/// Checks that a server accepts TCP connections at `addr`: `"host:port"`, `"[::1]:6379"` or a `SocketAddr`.
///
/// A run costs a lookup and a connection, and sends no data.
///
/// If the name has several addresses, a run tries them one after another. Each address gets an equal share of the
/// remaining time, so a dead address can't use up the time of the next addresses.
///
/// By default, the check fails after 3 s. This limit is for the lookup and all attempts to connect together. The output
/// shows which step failed: `DNS` or `connect`. The timeout of a run must be longer (default: 5 s), because a run that
/// times out can't show the step.
///
/// The kernel accepts connections even for a process that hangs, so the check doesn't notice that a process hangs. If
/// the name has several addresses, the check tests only the first address that accepts a connection.
///
/// If this library has a check for the service's protocol, use that check instead.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)]
/// async fn database() -> Outcome {
///     checks::tcp("127.0.0.1:5432").await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(database());
/// # Ok::<(), std::io::Error>(())
/// ```
#[allow(clippy::needless_pass_by_value)] // by value, so that callers can write `tcp(address)` without `&`
pub fn tcp(addr: impl Display) -> Tcp {
    Tcp {
        addr: addr.to_string(),
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`tcp`]. Await it to run the check.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Tcp {
    addr: String,
    timeout: Duration,
}

impl Tcp {
    /// Sets how long the lookup and all attempts to connect may take together. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        let addr = &self.addr;
        let Some((host, port)) = split(addr) else {
            // Don't show `addr` in the output: it may be a URL with a password.
            return Layer::Connect
                .failure("that isn't an address: write \"host:port\", as in \"db.internal:5432\"");
        };
        match dial(host, port, self.timeout).await {
            Ok((address, _)) if address.to_string() == *addr => Outcome::pass(format!("connected to {addr}")),
            Ok((address, _)) => Outcome::pass(format!("connected to {addr} ({address})")),
            Err(problem) => problem.into(),
        }
    }
}

impl IntoFuture for Tcp {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::net::TcpListener;

    use super::*;
    use crate::Status;

    #[tokio::test]
    async fn a_listening_server_passes_and_a_closed_port_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            tcp(address).await,
            Outcome::pass(format!("connected to {address}"))
        );
        // Compare only the status. The output contains the address that accepted the connection, which may be IPv4 or
        // IPv6.
        assert_eq!(
            tcp(format!("localhost:{}", address.port())).await.status(),
            Status::Pass
        );
        drop(listener);
        let refused = tcp(address).await;
        assert_eq!(refused.status(), Status::Fail);
        let text = refused.output().as_str().unwrap();
        assert!(
            text.starts_with(&format!("connect: {address}: ")) && text.contains("refused"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_a_failure_of_dns() {
        let host = format!("{}.invalid", "x".repeat(64));
        let outcome = tcp(format!("{host}:80")).await;
        assert!(
            outcome
                .output()
                .as_str()
                .unwrap()
                .starts_with(&format!("DNS: {host}: ")),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_without_repeating_its_password() {
        let secret = concat!("hunter", "2");
        let url = format!("postgres://app:{secret}@db:5432");
        for wrong in [
            "", "db", "db:", ":80", "db:http", "db:70000", "::1:80", "db/x:80", &url,
        ] {
            let outcome = tcp(wrong).await;
            assert_eq!(outcome.status(), Status::Fail, "{wrong:?}");
            let text = outcome.output().as_str().unwrap();
            assert!(
                text.contains("write \"host:port\"") && !text.contains(secret),
                "{text}"
            );
        }
    }
}
