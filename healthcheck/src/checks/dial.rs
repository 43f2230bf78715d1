//! Opens a TCP connection to a host name: looks the name up, then tries its addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::layer::{Layer, Problem};
use super::resolve::resolve;
use super::shared;
use super::span::span;

/// Connects to the first address of `host` that accepts a connection. The lookup and all attempts to connect together
/// take at most `limit`.
///
/// Tries the addresses of `host` one after another. Each attempt gets an equal share of the remaining time. If one
/// address doesn't answer, there is still time for the next addresses.
pub(super) async fn dial(host: &str, port: u16, limit: Duration) -> Result<(SocketAddr, TcpStream), Problem> {
    let started = Instant::now();
    let resolved = resolve(host, limit).await;
    shared::note_resolved(host, resolved.as_deref().unwrap_or_default());
    let addresses = match resolved {
        Ok(addresses) => addresses,
        Err(problem) => return Err(Layer::Dns.problem(format_args!("{host}: {problem}"))),
    };
    let addresses: Vec<SocketAddr> = addresses
        .into_iter()
        .map(|ip| SocketAddr::new(ip, port))
        .collect();
    let left = limit.saturating_sub(started.elapsed());
    connect_any(&addresses, left, TcpStream::connect)
        .await
        .map_err(|problems| Layer::Connect.problem(problems))
}

/// Splits "host:port" or "[::1]:port" into host and port, and removes the brackets of an IPv6 address.
pub(super) fn split(addr: &str) -> Option<(&str, u16)> {
    let (host, port) = addr.rsplit_once(':')?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bracketed.or_else(|| is_name(host).then_some(host))?;
    Some((host, port.parse().ok()?))
}

/// Returns true if the text can be a host name or an IPv4 address. Returns false for a URL.
pub(super) fn is_name(host: &str) -> bool {
    !host.is_empty() && !host.contains([':', '/', '@', '?', '[', ']', ' '])
}

/// Connects to the first of `addresses` that accepts a connection. If no address accepts one, returns the errors of all
/// addresses.
async fn connect_any<T, F>(
    addresses: &[SocketAddr],
    limit: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<(SocketAddr, T), String>
where
    F: Future<Output = io::Result<T>>,
{
    let started = Instant::now();
    let mut problems = Vec::with_capacity(addresses.len());
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for &address in addresses {
        let part = limit.saturating_sub(started.elapsed()) / untried.max(1);
        untried = untried.saturating_sub(1);
        match timeout(part, connect(address)).await {
            Ok(Ok(connection)) => return Ok((address, connection)),
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

    use super::*;

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
        assert_eq!(
            connect_any(&addresses, limit, connect).await,
            Ok((addresses[1], ()))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_is_told_with_its_answer_within_the_limit() {
        let addresses: [SocketAddr; 2] = ["192.0.2.1:80".parse().unwrap(), "192.0.2.2:80".parse().unwrap()];
        let connect = |address: SocketAddr| async move {
            if address == addresses[0] {
                pending().await
            } else {
                Err::<(), _>(io::ErrorKind::ConnectionRefused.into())
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

    #[test]
    fn hosts_and_ports_are_told_apart() {
        assert_eq!(split("db.internal:5432"), Some(("db.internal", 5432)));
        assert_eq!(split("[::1]:80"), Some(("::1", 80)));
        assert_eq!(split("10.0.0.1:1"), Some(("10.0.0.1", 1)));
    }
}
