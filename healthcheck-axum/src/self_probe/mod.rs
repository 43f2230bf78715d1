use std::time::Duration;
use std::{fmt, io};

use axum::http::{StatusCode, Uri};
use healthcheck::Status;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;

mod exchange;

use exchange::exchange;

const LIMIT: Duration = Duration::from_secs(5);
/// The most bytes that `probe` reads of a response. No endpoint of this crate sends a longer JSON body.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;
/// The `User-Agent` header that `probe` sends. [`is_probe`](crate::is_probe) recognizes this value.
pub(crate) const AGENT: &str = concat!("healthcheck-axum/", env!("CARGO_PKG_VERSION"));

/// Sends one request to a health endpoint. `probe` takes at most 5 s.
///
/// With `probe` a container image doesn't need curl. Write a command, such as `myapp probe`, for Docker's
/// `HEALTHCHECK`, for an exec probe of Kubernetes, or for a check script of Nagios, Nomad or Consul.
///
/// `addr` is a host and a port, as in "127.0.0.1:8080", or a [`SocketAddr`](std::net::SocketAddr). On Unix `addr` may
/// also be a Unix socket, as in "unix:/run/app.sock". `path` is the health path or the path of a probe, such as
/// "/readyz", and may have a query.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> ExitCode {
///     if std::env::args().nth(1).as_deref() == Some("probe") {
///         let probed = healthcheck_axum::probe("127.0.0.1:8080", "/readyz").await;
///         println!("{probed}");
///         return probed.docker_code().into();
///     }
///     // …
///     ExitCode::SUCCESS
/// }
/// ```
pub async fn probe(addr: impl fmt::Display, path: &str) -> Probed {
    probe_within(addr, path, LIMIT).await
}

/// Sends one request to a health endpoint like [`probe`], but takes at most `limit` instead of 5 s.
pub async fn probe_within(addr: impl fmt::Display, path: &str, limit: Duration) -> Probed {
    match timeout(limit, ask(&addr.to_string(), path)).await {
        Ok(Ok((status, body))) => Probed::of(status, &body),
        Ok(Err(why)) => Probed::failed(&why),
        Err(_) => Probed::failed(&format!("no answer within {limit:?}")),
    }
}

/// The result of [`probe`]. It contains the status of the service, from which you get an exit code. Its `Display`
/// prints one line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    status: Status,
    code: Option<StatusCode>,
    line: String,
}

impl Probed {
    /// Returns the status of the service: pass, warn (if the service is degraded) or fail. If the service didn't
    /// answer, returns fail.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Returns the HTTP status code of the response, or `None` if the service didn't answer.
    #[must_use]
    pub const fn status_code(&self) -> Option<StatusCode> {
        self.code
    }

    /// Returns the exit code for Docker: 0 if the service is healthy or degraded, otherwise 1.
    #[must_use]
    pub const fn docker_code(&self) -> u8 {
        match self.status {
            Status::Pass | Status::Warn => 0,
            Status::Fail => 1,
        }
    }

    /// Returns the exit code for Nagios, and for check scripts of Nomad and Consul. 0 means OK, 1 means warning, and 2
    /// means critical.
    #[must_use]
    pub const fn nagios_code(&self) -> u8 {
        match self.status {
            Status::Pass => 0,
            Status::Warn => 1,
            Status::Fail => 2,
        }
    }

    fn failed(why: &str) -> Self {
        Self {
            status: Status::Fail,
            code: None,
            line: why.to_owned(),
        }
    }

    fn of(code: StatusCode, body: &[u8]) -> Self {
        let by_code = if code.is_success() {
            Status::Pass
        } else {
            Status::Fail
        };
        let report = serde_json::from_slice(body).ok();
        let (status, line) = match report.as_ref().and_then(ReportSummary::of) {
            // An application can configure 429 as the answer of a degraded service, because Consul treats 429 as a
            // warning. So 429 isn't a failure here.
            Some(summary) if summary.status == Status::Warn && code == StatusCode::TOO_MANY_REQUESTS => {
                (Status::Warn, summary.line())
            }
            Some(summary) => (worse(by_code, summary.status), summary.line()),
            // The body isn't a report. For example, the application may send its own format. The result depends only on
            // the status code.
            None => (by_code, code.to_string()),
        };
        Self {
            status,
            code: Some(code),
            line,
        }
    }
}

/// Writes one line in Nagios' format, such as "CRITICAL - database: connection refused". The line has no `|`, because
/// Nagios reads everything after `|` as performance data.
impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.status {
            Status::Pass => "OK",
            Status::Warn => "WARNING",
            Status::Fail => "CRITICAL",
        };
        let line: String = self
            .line
            .chars()
            .map(|c| if c == '|' || c.is_control() { ' ' } else { c })
            .collect();
        write!(f, "{word} - {line}")
    }
}

const fn worse(one: Status, other: Status) -> Status {
    match (one, other) {
        (Status::Fail, _) | (_, Status::Fail) => Status::Fail,
        (Status::Warn, _) | (_, Status::Warn) => Status::Warn,
        (Status::Pass, Status::Pass) => Status::Pass,
    }
}

/// The parts of a report that `probe` prints. `of` reads them from a JSON `Value`, because deserializing a complete
/// [`healthcheck::Report`] would make this crate's code a twentieth larger.
struct ReportSummary<'a> {
    status: Status,
    reason: Option<&'a str>,
    results: Vec<(&'a str, Status, &'a Value)>,
}

impl<'a> ReportSummary<'a> {
    fn of(report: &'a Value) -> Option<Self> {
        let result = |result: &'a Value| {
            let status = match result["status"].as_str()? {
                "pass" => Status::Pass,
                "warn" => Status::Warn,
                "fail" => Status::Fail,
                _ => return None,
            };
            Some((result["checker"].as_str()?, status, &result["output"]))
        };
        Some(Self {
            status: match report["status"].as_str()? {
                "success" => Status::Pass,
                "degraded" => Status::Warn,
                "failure" => Status::Fail,
                _ => return None,
            },
            reason: report["reason"].as_str(),
            results: report["results"]
                .as_array()?
                .iter()
                .map(result)
                .collect::<Option<_>>()?,
        })
    }

    /// Returns one line with the reason of the report (if it has one), the failing checks and the degraded checks, in
    /// this order. If the report has none of these, the line says how many checks pass.
    fn line(&self) -> String {
        let mut troubles: Vec<String> = self.reason.iter().map(ToString::to_string).collect();
        for wanted in [Status::Fail, Status::Warn] {
            let results = self.results.iter().filter(|(_, status, _)| *status == wanted);
            troubles.extend(results.map(|(checker, _, output)| match output.as_str() {
                Some(output) => format!("{checker}: {output}"),
                None => format!("{checker}: {output}"),
            }));
        }
        match (troubles.as_slice(), self.results.len()) {
            ([], 0) if self.status != Status::Pass => "what fails or warns is withheld".to_owned(),
            ([], 1) => "1 check passes".to_owned(),
            ([], count) => format!("{count} checks pass"),
            (troubles, _) => troubles.join("; "),
        }
    }
}

async fn ask(addr: &str, path: &str) -> Result<(StatusCode, Vec<u8>), String> {
    let uri: Uri = path
        .parse()
        .ok()
        .filter(|_| path.starts_with('/'))
        .ok_or_else(|| format!("{path:?} is not a path: write \"/readyz\""))?;
    #[cfg(unix)]
    if let Some(path) = addr.strip_prefix("unix:") {
        return exchanged(UnixStream::connect(path).await, addr, "localhost", &uri).await;
    }
    let addrs = tokio::net::lookup_host(addr).await;
    let addrs: Vec<_> = addrs
        .map_err(|why| format!("can't find the address: {why}"))?
        .collect();
    let named = addrs.first().map(ToString::to_string).unwrap_or_default();
    exchanged(TcpStream::connect(&*addrs).await, &named, &named, &uri).await
}

async fn exchanged(
    connected: io::Result<impl AsyncRead + AsyncWrite + Unpin>,
    named: &str,
    host: &str,
    uri: &Uri,
) -> Result<(StatusCode, Vec<u8>), String> {
    let stream = connected.map_err(|why| format!("can't connect to {named}: {why}"))?;
    let request = format!(
        "GET {uri} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: {AGENT}\r\nAccept: application/json\r\n\
         Connection: close\r\n\r\n"
    );
    exchange(stream, &request, LONGEST_ANSWER)
        .await
        .map_err(|why| format!("{named} doesn't answer in HTTP: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: &str, results: &str) -> String {
        format!(r#"{{"hostname":"h","status":"{status}","timestamp":1.0,"results":[{results}]}}"#)
    }

    fn result(name: &str, status: &str, output: &str) -> String {
        let passed = status != "fail";
        format!(
            r#"{{"checker":"{name}","output":"{output}","passed":{passed},"status":"{status}","timestamp":1.0,"expires":null,"response_time":0.1}}"#
        )
    }

    fn probed(code: u16, body: &str) -> (u8, u8, String) {
        let probed = Probed::of(StatusCode::from_u16(code).unwrap(), body.as_bytes());
        (probed.docker_code(), probed.nagios_code(), probed.to_string())
    }

    #[test]
    fn a_success_is_0_for_docker_and_for_nagios() {
        let one = report("success", &result("a", "pass", "fine"));
        assert_eq!(probed(200, &one), (0, 0, "OK - 1 check passes".to_owned()));
        assert_eq!(probed(204, ""), (0, 0, "OK - 204 No Content".to_owned()));
    }

    #[test]
    fn what_is_degraded_is_healthy_for_docker_and_a_warning_for_nagios() {
        let results = [result("a", "pass", "fine"), result("b", "warn", "slow")].join(",");
        let degraded = report("degraded", &results);
        let expected = (0, 1, "WARNING - b: slow".to_owned());
        assert_eq!(probed(200, &degraded), expected);
        assert_eq!(probed(429, &degraded), expected, "Consul's warning");
    }

    #[test]
    fn a_failure_is_1_for_docker_and_2_for_nagios_with_the_failures_first() {
        let results = [result("a", "warn", "slow"), result("b", "fail", "gone | done")].join(",");
        let expected = (1, 2, "CRITICAL - b: gone   done; a: slow".to_owned());
        assert_eq!(probed(503, &report("failure", &results)), expected);
        assert_eq!(
            probed(200, &report("failure", &results)),
            expected,
            "whatever the code says"
        );
        assert_eq!(
            probed(503, "no JSON"),
            (1, 2, "CRITICAL - 503 Service Unavailable".to_owned())
        );
        assert_eq!(
            probed(301, ""),
            (1, 2, "CRITICAL - 301 Moved Permanently".to_owned())
        );
    }

    #[test]
    fn a_failure_whose_checks_are_withheld_is_no_success() {
        assert_eq!(
            probed(503, &report("failure", "")).2,
            "CRITICAL - what fails or warns is withheld"
        );
        assert_eq!(probed(200, &report("success", "")).2, "OK - 0 checks pass");
    }

    #[test]
    fn the_line_is_one_line() {
        let broken = report("failure", &result("a", "fail", r"one\ntwo\u001b[31m"));
        assert_eq!(probed(503, &broken).2, "CRITICAL - a: one two [31m");
    }

    #[tokio::test]
    async fn where_nobody_listens_it_is_critical_and_says_where() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        let probed = probe(addr, "/readyz").await;
        assert_eq!(
            (probed.docker_code(), probed.nagios_code(), probed.status_code()),
            (1, 2, None)
        );
        let line = probed.to_string();
        assert!(
            line.starts_with(&format!("CRITICAL - can't connect to {addr}: ")),
            "{line}"
        );
    }

    #[tokio::test]
    async fn whoever_accepts_and_says_nothing_is_given_up() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probed = probe_within(mute.local_addr().unwrap(), "/readyz", Duration::from_millis(50)).await;
        assert_eq!(probed.to_string(), "CRITICAL - no answer within 50ms");
    }

    #[tokio::test]
    async fn whoever_does_not_speak_http_is_critical() {
        use tokio::io::AsyncWriteExt;
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = other.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = other.accept().await.unwrap();
            stream.write_all(b"220 mail.example.com ESMTP\r\n").await.unwrap();
        });
        let line = probe(addr, "/readyz").await.to_string();
        assert!(line.contains("doesn't answer in HTTP"), "{line}");
    }

    #[tokio::test]
    async fn what_is_no_path_is_told() {
        let line = probe("127.0.0.1:1", "readyz").await.to_string();
        assert_eq!(line, "CRITICAL - \"readyz\" is not a path: write \"/readyz\"");
    }
}
