use std::future::IntoFuture;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use super::layer::Layer;
use super::resolve::resolve;
use super::shared;
use crate::Outcome;

/// Checks that the system's resolver finds an address for a name. The resolver uses `/etc/hosts`, DNS or another
/// configured source.
///
/// A run occupies a thread during the lookup, usually for a few milliseconds. If no cache has the answer, the resolver
/// sends a query to a name server.
///
/// By default, a run waits at most 3 s for the lookup. The default timeout of a run is longer, 5 s. So if the lookup
/// hangs, the output can name DNS as the cause.
///
/// If a lookup hangs, later runs wait for the same lookup and don't start another one.
///
/// The check doesn't see from which source an address came, or whether the address is the right one:
/// - `/etc/hosts` and a cache (nscd, systemd-resolved) still answer while every name server is down.
/// - If a name has no final dot, the resolver may append a search domain. With `search prod.example.com` in
///   `/etc/resolv.conf`, it may look up `db.internal.prod.example.com` instead of `db.internal`. To prevent this, write
///   `db.internal.` with a final dot.
/// - Some resolvers return an address for names that don't exist.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)]
/// async fn resolver() -> Outcome {
///     checks::dns("localhost").await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # assert_eq!(runtime.block_on(resolver()).status(), healthcheck::Status::Pass);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn dns(name: impl Into<String>) -> Dns {
    Dns {
        name: name.into(),
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`dns`]. Await it to run the check.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Dns {
    name: String,
    timeout: Duration,
}

impl Dns {
    /// Sets how long the lookup may take. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        let name = &self.name;
        if name.is_empty() || name.contains([':', '/', '@']) && name.parse::<IpAddr>().is_err() {
            // Don't show `name` in the output: it may be a URL with a password.
            return Layer::Dns
                .failure("that isn't a name: write one like \"db.internal\", without scheme and port");
        }
        let resolved = resolve(name, self.timeout).await;
        if name.parse::<IpAddr>().is_err() {
            // Other instances use the same name server, so a check that looks up a name should be `external`. If such
            // a check isn't `external`, `note_resolved` may log a warning.
            //
            // An IP address needs no lookup, so no warning is needed.
            shared::note_resolved(name, resolved.as_deref().unwrap_or_default());
        }
        match resolved {
            Ok(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                Outcome::pass(format!("{name} is {}", addresses.join(", ")))
            }
            Err(problem) => Layer::Dns.failure(format_args!("{name}: {problem}")),
        }
    }
}

impl IntoFuture for Dns {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[tokio::test]
    async fn a_name_with_an_address_passes_and_shows_it() {
        let outcome = dns("localhost").await;
        assert_eq!(outcome.status(), Status::Pass);
        let text = outcome.output().as_str().unwrap();
        assert!(text.contains("127.0.0.1") || text.contains("::1"), "{text}");
        assert_eq!(dns("192.0.2.1").await, Outcome::pass("192.0.2.1 is 192.0.2.1"));
    }

    #[tokio::test]
    async fn a_failure_names_the_layer_and_the_name() {
        let name = format!("{}.invalid", "x".repeat(64));
        let outcome = dns(name.as_str()).await;
        assert_eq!(outcome.status(), Status::Fail);
        assert!(
            outcome
                .output()
                .as_str()
                .unwrap()
                .starts_with(&format!("DNS: {name}: ")),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn a_url_is_refused_without_repeating_its_password() {
        for wrong in ["", "db:5432", "postgres://app:hunter2@db/prod"] {
            let outcome = dns(wrong).await;
            assert_eq!(outcome.status(), Status::Fail, "{wrong:?}");
            let text = outcome.output().as_str().unwrap();
            assert!(
                text.contains("db.internal") && !text.contains("hunter2"),
                "{text}"
            );
        }
    }
}
