use std::fmt::Display;
use std::future::IntoFuture;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use super::certificate_path::{End, end_of_path};
use super::deadline::after;
use super::dial::{dial, is_name, split};
use super::layer::{Layer, Problem};
use super::span::span;
use super::trust::{ended, secure};
use crate::Outcome;
use crate::model::time;

/// Checks that the certificates of `host` are valid and don't expire soon.
///
/// `host` is `"billing.internal"` (port 443), `"host:port"` or `"[::1]:port"`. The connection must use TLS from its first
/// byte, so the check doesn't work for protocols that begin in plain text (SMTP, PostgreSQL).
///
/// It checks the whole path by which a client trusts the host: the host's own certificate, the intermediates, and the
/// authority. If there are several paths, the one that is valid longest counts. Other certificates of the server don't
/// matter. The check warns if a certificate of the path expires in less than 21 days, and fails below 7 days; both can be
/// set. It also fails if a certificate has expired, if it isn't for this name, or if no trusted authority has signed it.
/// The check trusts the machine's authorities, or those of [`ca_file`](Tls::ca_file).
///
/// A run costs a lookup, a connection and a full handshake: about 1 ms of CPU time and two round trips. One run per hour
/// is enough: `#[health_check(interval = "1h")]`. The connection fails after 3 s by default. That is shorter than the
/// default timeout of a run, so the output still shows the layer `DNS`, `connect` or `TLS`.
///
/// The check doesn't see whether a certificate was revoked. It sees only the first address of the name that accepts a
/// connection. It doesn't see whether clients that trust other authorities can connect.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external, critical = false, interval = "1h")]
/// async fn certificate() -> Outcome {
///     checks::tls("billing.internal").warn_below_days(30).await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async { checks::tls("127.0.0.1:9").await });
/// # Ok::<(), std::io::Error>(())
/// ```
#[allow(clippy::needless_pass_by_value)] // by value, so that callers can write `tls(host)` without `&`
pub fn tls(host: impl Display) -> Tls {
    Tls {
        host: host.to_string(),
        name: None,
        ca_file: None,
        timeout: Duration::from_secs(3),
        warn_days: 21,
        fail_days: 7,
    }
}

/// The check returned by [`tls`]. Await it to run it.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Tls {
    host: String,
    name: Option<String>,
    ca_file: Option<PathBuf>,
    timeout: Duration,
    warn_days: u32,
    fail_days: u32,
}

impl Tls {
    /// Sets the number of days to expiry below which the check warns. Default: 21.
    pub const fn warn_below_days(mut self, days: u32) -> Self {
        self.warn_days = days;
        self
    }

    /// Sets the number of days to expiry below which the check fails. Default: 7.
    pub const fn fail_below_days(mut self, days: u32) -> Self {
        self.fail_days = days;
        self
    }

    /// Sets the name that the certificate must be valid for. Default: the host. Use it if you connect to an internal
    /// address, but the certificate is for the public name.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Trusts the certificate authorities in this PEM file instead of the machine's. Each run reads the file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sets how long lookup, connection and handshake may take together. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        match self.end_of_certificate().await {
            Ok(end) => self.judge(&end, SystemTime::now()),
            Err(problem) => problem.into(),
        }
    }

    async fn end_of_certificate(&self) -> Result<End, Problem> {
        let deadline = after(self.timeout);
        let Some((host, port)) = host_and_port(&self.host) else {
            // Don't show the text: it may be a URL with a password.
            return Err(Layer::Connect
                .problem("that isn't a host: write \"billing.internal\" or \"billing.internal:8443\""));
        };
        let (_, connection) = dial(host, port, self.timeout).await?;
        // A fully qualified name may end with a dot, but the names in certificates don't.
        let name = self.name.as_deref().unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        let told = |what: &str| Layer::Tls.problem(format_args!("{}: {what}", self.host));
        let secured = secure(connection, name, self.ca_file.as_deref(), deadline)
            .await
            .map_err(|problem| told(&problem.what))?;
        let (_, session) = secured.stream.get_ref();
        let shown = session.peer_certificates().unwrap_or_default();
        end_of_path(shown, &secured.trust, SystemTime::now()).map_err(|problem| told(&problem))
    }

    fn judge(&self, end: &End, now: SystemTime) -> Outcome {
        let (host, what) = (&self.host, &end.what);
        let Ok(left) = end.at.duration_since(now) else {
            return Layer::Tls.failure(format_args!("{host}: {}", ended(what, end.at)));
        };
        let found = format!(
            "{host}: {what} ends in {} ({})",
            span(left),
            time::rfc3339(end.at)
        );
        let below = |days: u32| left < Duration::from_secs(u64::from(days) * 86_400);
        if below(self.fail_days) {
            Layer::Verdict.failure(format_args!("{found}, below {} d", self.fail_days))
        } else if below(self.warn_days) {
            Outcome::warn(format!("{found}, below {} d", self.warn_days))
        } else {
            Outcome::pass(found)
        }
    }
}

impl IntoFuture for Tls {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn host_and_port(host: &str) -> Option<(&str, u16)> {
    if is_name(host) || host.parse::<IpAddr>().is_ok() {
        Some((host, 443))
    } else {
        split(host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_defaults_are_twenty_one_and_seven_days() {
        let now = SystemTime::UNIX_EPOCH + DAY * 20_000;
        let judged = |days| {
            let end = End {
                what: "the certificate".to_owned(),
                at: now + DAY * days,
            };
            tls("db").judge(&end, now)
        };
        let statuses = [21, 20, 7, 6].map(|days| judged(days).status());
        assert_eq!(statuses, [Status::Pass, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            judged(6).output(),
            "verdict: db: the certificate ends in 6 d (2024-10-10T00:00:00Z), below 7 d"
        );
    }

    #[test]
    fn a_host_may_have_a_port() {
        assert_eq!(host_and_port("db.internal"), Some(("db.internal", 443)));
        assert_eq!(host_and_port("db.internal:8443"), Some(("db.internal", 8443)));
        assert_eq!(host_and_port("[::1]:8443"), Some(("::1", 8443)));
        assert_eq!(host_and_port("::1"), Some(("::1", 443)));
    }

    #[tokio::test]
    async fn a_url_is_refused_without_repeating_its_password() {
        let secret = concat!("hunter", "2");
        for wrong in ["", "https://db/", &format!("https://app:{secret}@db/")] {
            let outcome = tls(wrong).await;
            assert_eq!(outcome.status(), Status::Fail, "{wrong:?}");
            let text = outcome.output().as_str().unwrap();
            assert!(
                text.contains("billing.internal") && !text.contains(secret),
                "{text}"
            );
        }
    }
}
