use std::fmt::Display;
use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::layer::Layer;
use super::resolve::resolve;
use super::span::span;
use crate::Outcome;

/// Something accepts TCP connections at `addr`: `"host:port"`, `"[::1]:6379"` or a `SocketAddr`.
///
/// Costs a lookup, one connection and its end; nothing is sent. The addresses of a name are tried one after the other,
/// each with its part of the time, so that a dead one doesn't hide a live one. Fails after 3 s by default, which names
/// the layer (`DNS`, `connect`) before the check's own time limit cuts it off.
///
/// A connection is accepted by the kernel: a process that hangs passes. Where the service has a protocol of its own
/// that can be asked, ask that.
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
#[allow(clippy::needless_pass_by_value)] // `tcp("db:5432")` and `tcp(address)` both read as they should
pub fn tcp(addr: impl Display) -> Tcp {
    Tcp {
        addr: addr.to_string(),
        timeout: Duration::from_secs(3),
    }
}

/// A check that [`tcp`] made; awaiting it runs it.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Tcp {
    addr: String,
    timeout: Duration,
}

impl Tcp {
    /// Fails where lookup and connection together take longer; default 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        let addr = &self.addr;
        let Some((host, port)) = split(addr) else {
            // Not repeated here: a URL may hold a password.
            return Layer::Connect
                .failure("that isn't an address: write \"host:port\", as in \"db.internal:5432\"");
        };
        let started = Instant::now();
        let addresses = match resolve(host, self.timeout).await {
            Ok(addresses) => addresses,
            Err(problem) => return Layer::Dns.failure(format_args!("{host}: {problem}")),
        };
        let addresses: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        let left = self.timeout.saturating_sub(started.elapsed());
        let connect = |address| async move { TcpStream::connect(address).await.map(drop) };
        match connect_any(&addresses, left, connect).await {
            Ok(address) if address.to_string() == *addr => Outcome::pass(format!("connected to {addr}")),
            Ok(address) => Outcome::pass(format!("connected to {addr} ({address})")),
            Err(problems) => Layer::Connect.failure(problems),
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

/// Host and port; of an IPv6 address without its brackets.
fn split(addr: &str) -> Option<(&str, u16)> {
    let (host, port) = addr.rsplit_once(':')?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = |host: &str| !host.is_empty() && !host.contains([':', '/', '@', '?', '[', ']', ' ']);
    let host = bracketed.or_else(|| plain(host).then_some(host))?;
    Some((host, port.parse().ok()?))
}

/// The first address that accepts, or what each of them answered.
async fn connect_any<F>(
    addresses: &[SocketAddr],
    limit: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<SocketAddr, String>
where
    F: Future<Output = io::Result<()>>,
{
    let started = Instant::now();
    let mut problems = Vec::with_capacity(addresses.len());
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for &address in addresses {
        let part = limit.saturating_sub(started.elapsed()) / untried.max(1);
        untried = untried.saturating_sub(1);
        match timeout(part, connect(address)).await {
            Ok(Ok(())) => return Ok(address),
            Ok(Err(error)) => problems.push(format!("{address}: {error}")),
            Err(_) => problems.push(format!("{address}: no answer within {}", span(part))),
        }
    }
    Err(problems.join("; "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::pending;

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
        // Which of its addresses accepts is the machine's business.
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

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let addresses: [SocketAddr; 2] = [
            "[2001:db8::1]:80".parse().unwrap(),
            "192.0.2.1:80".parse().unwrap(),
        ];
        let connect = |address: SocketAddr| async move {
            if address.is_ipv6() {
                pending().await
            } else {
                Ok(())
            }
        };
        let limit = Duration::from_secs(3);
        assert_eq!(connect_any(&addresses, limit, connect).await, Ok(addresses[1]));
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_is_told_with_its_answer_within_the_limit() {
        let addresses: [SocketAddr; 2] = ["192.0.2.1:80".parse().unwrap(), "192.0.2.2:80".parse().unwrap()];
        let connect = |address: SocketAddr| async move {
            if address == addresses[0] {
                pending().await
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        };
        let started = Instant::now();
        let problems = connect_any(&addresses, Duration::from_secs(3), connect)
            .await
            .unwrap_err();
        assert_eq!(
            problems,
            "192.0.2.1:80: no answer within 1.5 s; 192.0.2.2:80: connection refused"
        );
        assert!(started.elapsed() <= Duration::from_secs(3));
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

    #[test]
    fn hosts_and_ports_are_told_apart() {
        assert_eq!(split("db.internal:5432"), Some(("db.internal", 5432)));
        assert_eq!(split("[::1]:80"), Some(("::1", 80)));
        assert_eq!(split("10.0.0.1:1"), Some(("10.0.0.1", 1)));
    }
}
