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
/// `host` is `"billing.internal"` (port 443), `"host:port"` or `"[::1]:port"`.
///
/// The connection must use TLS from its first byte. A protocol that begins in plain text, such as SMTP or PostgreSQL,
/// doesn't work with this check.
///
/// The check examines the whole path of certificates by which a client trusts the host: the host's own certificate, the
/// intermediates, and the trusted authority. If there are several such paths, the check uses the path that expires
/// last. It ignores certificates outside this path.
///
/// The check trusts the machine's authorities. If you set a [`ca_file`](Tls::ca_file), the check trusts the authorities
/// in this file instead.
///
/// By default, the check warns if a certificate of the path expires in less than 21 days, and fails if it expires in
/// less than 7 days. The check also fails if a certificate has expired, if the host's own certificate isn't for the
/// host's name, or if no path leads to a trusted authority.
///
/// A run costs a lookup, a connection and a full TLS handshake: about 1 ms of CPU time and two round trips. One run per
/// hour is sufficient: `#[health_check(interval = "1h")]`.
///
/// By default, the check fails after 3 s. This limit is for the lookup, the connection and the handshake together. The
/// output shows which step failed: `DNS`, `connect` or `TLS`. The timeout of a run must be longer (default: 5 s),
/// because a run that times out can't show the step.
///
/// The check doesn't see whether a certificate was revoked, or whether clients that trust other authorities can
/// connect. If the name has several addresses, the check tests only the first address that accepts a connection.
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

/// The check returned by [`tls`]. Await it to run the check.
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
    /// Sets the limit for a warning: the check warns if a certificate expires in less than `days` days. Default: 21.
    pub const fn warn_below_days(mut self, days: u32) -> Self {
        self.warn_days = days;
        self
    }

    /// Sets the limit for a failure: the check fails if a certificate expires in less than `days` days. Default: 7.
    pub const fn fail_below_days(mut self, days: u32) -> Self {
        self.fail_days = days;
        self
    }

    /// Sets the name for which the certificate must be valid. Default: the host. Use this method if you connect to an
    /// internal address, but the certificate is for the public name.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Trusts the certificate authorities in the PEM file at `path` instead of the machine's authorities. Each run
    /// reads the file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sets how long the lookup, the connection and the handshake may take together. Default: 3 s.
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
            // Don't show `host` in the output: it may be a URL with a password.
            return Err(Layer::Connect
                .problem("that isn't a host: write \"billing.internal\" or \"billing.internal:8443\""));
        };
        let (_, connection) = dial(host, port, self.timeout).await?;
        // A host name may end with a dot, but a name in a certificate never does. So we remove the dot from the host
        // name.
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
