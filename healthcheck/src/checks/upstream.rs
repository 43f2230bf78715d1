use std::future::IntoFuture;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Body, Exchange};
use super::http::shown;
use super::layer::Layer;
use crate::{Outcome, Overall, Report, upstream_loops};

/// Checks another service that uses this library. The check requests the health report of that service from `url`, and
/// shows its status and outputs.
///
/// The check passes if the report's status is `success`, warns if it is `degraded`, and fails if it is `failure`. If
/// the response contains a report, the check ignores the HTTP status.
///
/// The output of the check has the URL, the host name and the status of the other service. If the other service shows
/// its checks to this caller, the output also has the status and the output of each of those checks.
///
/// By default, the check fails if there is no report within 4.5 s. A service that uses this library always answers a
/// little earlier.
///
/// Each run opens a new connection. A run costs a lookup, a connection and a request.
///
/// A run also makes the other service run its checks. If you need only the other service's readiness checks, use the
/// URL of `/readyz` instead of `/healthcheck`.
///
/// If the report is longer than 1 MiB, the check fails.
///
/// The check doesn't see other instances of the other service behind the same name. It doesn't see whether the other
/// service checks the feature that this service needs. It doesn't see whether a cache between the two services sent an
/// old report.
///
/// Two services that request each other's report would wait for each other in a loop. To prevent such a loop, the check
/// sends a header with the ids of the requesting processes. A service that finds its own id in this header refuses the
/// request. The check whose request was refused fails, and its output reports the loop.
///
/// If two services need each other, let one of them request only a part of the other service's report, with
/// [`http`](fn@super::http) and a URL such as `http://orders:8080/healthcheck/database`.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)]
/// async fn billing() -> Outcome {
///     checks::upstream("http://billing.internal:8080/readyz").await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async { checks::upstream("http://127.0.0.1:9/").await });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn upstream(url: impl Into<String>) -> Upstream {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    Upstream {
        exchange: Exchange::new(url.into(), Duration::from_millis(4_500), headers),
    }
}

/// The check returned by [`upstream`]. Await it to run the check.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Upstream {
    exchange: Exchange,
}

const LONGEST_REPORT: usize = 1 << 20;

impl Upstream {
    /// Sets how long the whole request may take, from the lookup to the end of the report. Default: 4.5 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.timeout = limit;
        self
    }

    /// Adds a header to the request. For example, an `authorization` header may make the other service show more
    /// details. The output never shows the header's value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.exchange.header(name, value);
        self
    }

    /// Trusts the certificate authorities in the PEM file at `path` instead of the machine's authorities. Each run
    /// reads the file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.exchange.ca_file = Some(path.into());
        self
    }

    async fn run(mut self) -> Outcome {
        self.exchange
            .header(upstream_loops::VIA, &upstream_loops::header_value());
        match self.exchange.run(LONGEST_REPORT).await {
            Ok(answer) => judge(&answer),
            Err(problem) => problem.into(),
        }
    }
}

impl IntoFuture for Upstream {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn judge(answer: &Answer) -> Outcome {
    let answered = format!("{} answered {}", answer.shown, shown(answer.status));
    let Body::Whole(body) = &answer.body else {
        return Layer::Protocol.failure(format_args!("{answered}, with more than 1 MiB"));
    };
    if answer.status == StatusCode::LOOP_DETECTED {
        return Layer::Verdict.failure(format_args!(
            "{answered}: a loop, since the other asks for this service's report as well; let one of both ask for a \
             part with `checks::http`"
        ));
    }
    match serde_json::from_slice::<Report>(body) {
        Ok(report) => pass_on(&answer.shown, report),
        Err(error) if answer.status.is_success() => {
            Layer::Protocol.failure(format_args!("{answered}, but not with a report: {error}"))
        }
        Err(_) => Layer::Verdict.failure(answered),
    }
}

fn pass_on(url: &str, report: Report) -> Outcome {
    let results: Map<String, Value> = report
        .results
        .into_iter()
        .map(|result| {
            (
                result.checker,
                json!({ "status": result.status, "output": result.output }),
            )
        })
        .collect();
    let mut output = json!({
        "url": url,
        "hostname": report.hostname,
        "status": report.status,
        "results": results,
    });
    if let (Some(output), Some(reason)) = (output.as_object_mut(), report.reason) {
        output.insert("reason".to_owned(), reason.into());
    }
    match report.status {
        Overall::Success => Outcome::pass(output),
        Overall::Degraded => Outcome::warn(output),
        Overall::Failure => {
            if let Some(output) = output.as_object_mut() {
                output.insert("layer".to_owned(), Layer::Verdict.to_string().into());
            }
            Outcome::fail(output)
        }
    }
}
