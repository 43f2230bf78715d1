use std::fmt::Write as _;
use std::future::IntoFuture;
use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::exchange::{Answer, Body, Exchange};
use super::layer::Layer;
use crate::Outcome;

/// Checks that a web service answers a request to `url` with an expected response.
///
/// The check sends a GET request, or a POST request if you call [`post`](Http::post).
///
/// By default, the check passes if the HTTP status is from 200 to 299 and the response is complete within 3 s. You can
/// also require a text, a header or a value in a JSON body.
///
/// The check uses HTTP/1.1. It trusts the machine's certificate authorities, or those in a [`ca_file`](Http::ca_file).
///
/// The check doesn't follow redirects. If the response is a redirect, the check fails, unless the status of the
/// redirect is in the range that you set with [`status`](Http::status).
///
/// Each run looks up the host name and opens a new connection, as a new client does. A reused connection might still
/// work although the server refuses every new client, the name has a new address, or the server has a new certificate.
///
/// A run costs a lookup, a connection and a request. A run reads at most 1 MiB of the response body.
///
/// With `https`, a run also costs a TLS handshake, about 1 ms of CPU time. Once in five minutes, a run reads the
/// machine's certificate authorities, which takes 10 ms.
///
/// The check doesn't test
/// - the other addresses of the name, after the first address that accepts a connection;
/// - the service behind a cache or proxy, if the cache or proxy answers by itself;
/// - HTTP/2 and HTTP/3;
/// - the parts of the response for which you set no requirement.
///
/// The output of a failure begins with the layer: `DNS`, `connect`, `TLS`, `protocol` (no response, or a response that
/// isn't HTTP) or `verdict` (an unexpected response).
///
/// The output never shows the query of the URL or the values of headers. If the URL contains credentials, the check
/// fails: send credentials with [`header`](Http::header) instead.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)]
/// async fn billing() -> Outcome {
///     checks::http("https://billing.internal/healthz").status(200..=204).body_contains("ok").await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async { checks::http("http://127.0.0.1:9/").await });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn http(url: impl Into<String>) -> Http {
    Http {
        exchange: Exchange::new(url.into(), Duration::from_secs(3), HeaderMap::new()),
        status: (Bound::Included(200), Bound::Included(299)),
        body: None,
        pointers: Vec::new(),
        headers: Vec::new(),
    }
}

/// The check returned by [`http`]. Await it to run the check.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Http {
    exchange: Exchange,
    status: (Bound<u16>, Bound<u16>),
    body: Option<String>,
    pointers: Vec<(String, Value)>,
    headers: Vec<(String, String)>,
}

/// The maximum number of bytes of a response body that a run reads.
const LONGEST_BODY: usize = 1 << 20;

impl Http {
    /// Sets how long the lookup, the connection, the handshake and the response may take together. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.timeout = limit;
        self
    }

    /// Sets the range of HTTP statuses with which the check passes. Default: `200..=299`. For a single status, write
    /// `204..=204`.
    pub fn status(mut self, range: impl RangeBounds<u16>) -> Self {
        self.status = (range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    /// Requires that the response body contains `text`, and that the body isn't longer than 1 MiB.
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Sends a POST request with `body` instead of a GET request. For example, the request is a query to a GraphQL,
    /// search or JSON-RPC service.
    ///
    /// Each run sends the request again, so the request must not change anything.
    ///
    /// ```
    /// use healthcheck::{Outcome, checks};
    ///
    /// async fn search() -> Outcome {
    ///     checks::http("http://search.internal:9200/orders/_search")
    ///         .post("application/json", r#"{"size":0}"#)
    ///         .json("/timed_out", false)
    ///         .await
    /// }
    /// # drop(search());
    /// ```
    pub fn post(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.exchange.method = Method::POST;
        self.exchange.content = body.into().into();
        self.header(header::CONTENT_TYPE.as_str(), content_type)
    }

    /// Requires that the response body is JSON of at most 1 MiB, and that it has the value `expected` at `pointer`.
    /// `pointer` is a JSON pointer (RFC 6901) such as `"/status"` or `"/nodes/0/up"`.
    ///
    /// If you call this method several times, the body must meet all of these requirements.
    pub fn json(mut self, pointer: impl Into<String>, expected: impl Serialize) -> Self {
        let pointer = pointer.into();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.exchange.problem(format!(
                "{pointer:?} isn't a JSON pointer: write one like \"/status\""
            ));
        }
        match serde_json::to_value(expected) {
            Ok(expected) => self.pointers.push((pointer, expected)),
            Err(error) => self
                .exchange
                .problem(format!("what is expected at {pointer:?} is no JSON: {error}")),
        }
        self
    }

    /// Adds a header to the request, such as `authorization`. The output never shows the header's value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.exchange.header(name, value);
        self
    }

    /// Requires that the response has a header `name` whose value contains `text`.
    pub fn header_contains(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.headers.push((name.into(), text.into()));
        self
    }

    /// Trusts the certificate authorities in the PEM file at `path` instead of the machine's authorities. Each run
    /// reads the file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.exchange.ca_file = Some(path.into());
        self
    }

    async fn run(self) -> Outcome {
        match self.exchange.run(LONGEST_BODY).await {
            Ok(answer) => self.judge(&answer),
            Err(problem) => problem.into(),
        }
    }

    fn judge(&self, answer: &Answer) -> Outcome {
        let status = answer.status;
        let mut answered = format!("{} answered {}", answer.shown, shown(status));
        if let Some(to) = redirect(answer) {
            let _infallible = write!(answered, " to {to}");
        }
        if !self.status.contains(&status.as_u16()) {
            let expected = range(self.status);
            let hint = if status.is_redirection() {
                "; redirects aren't followed"
            } else {
                ""
            };
            return Layer::Verdict.failure(format_args!("{answered}, expected {expected}{hint}"));
        }
        for (name, text) in &self.headers {
            let Ok(name) = name.parse::<HeaderName>() else {
                return Layer::Verdict.failure(format_args!("{name:?} isn't a header's name"));
            };
            let values = answer.headers.get_all(&name);
            let contains = |value: &[u8]| contains(value, text.as_bytes());
            if !values.iter().any(|value| contains(value.as_bytes())) {
                return Layer::Verdict.failure(format_args!(
                    "{answered}, but its header {name} doesn't contain {text:?}"
                ));
            }
        }
        if let Some(problem) = self.judge_json(&answered, &answer.body) {
            return problem;
        }
        match (&self.body, &answer.body) {
            (Some(text), Body::Whole(body)) if !contains(body, text.as_bytes()) => {
                let bytes = body.len();
                Layer::Verdict.failure(format_args!(
                    "{answered}, but its body of {bytes} bytes doesn't contain {text:?}"
                ))
            }
            (Some(_), Body::TooLong) => {
                Layer::Verdict.failure(format_args!("{answered}, with a body of more than 1 MiB"))
            }
            _ => Outcome::pass(answered),
        }
    }

    fn judge_json(&self, answered: &str, body: &Body) -> Option<Outcome> {
        if self.pointers.is_empty() {
            return None;
        }
        let Body::Whole(body) = body else {
            return Some(Layer::Verdict.failure(format_args!("{answered}, with a body of more than 1 MiB")));
        };
        let document: Value = match serde_json::from_slice(body) {
            Ok(document) => document,
            Err(error) => {
                return Some(
                    Layer::Protocol.failure(format_args!("{answered}, but its body is no JSON: {error}")),
                );
            }
        };
        self.pointers
            .iter()
            .find_map(|(pointer, expected)| match document.pointer(pointer) {
                Some(found) if same(found, expected) => None,
                Some(found) => Some(Layer::Verdict.failure(format_args!(
                    "{answered}, but {pointer} of its body is {}, expected {expected}",
                    short(found)
                ))),
                None => Some(Layer::Verdict.failure(format_args!(
                    "{answered}, but its body has nothing at {pointer}, expected {expected}"
                ))),
            })
    }
}

/// Returns true if two JSON values are equal. JSON has only one kind of number, so 1 equals 1.0.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            found == expected || found.as_f64() == expected.as_f64()
        }
        _ => found == expected,
    }
}

/// Formats a JSON value for the output. Cuts the text after 100 characters.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

impl IntoFuture for Http {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Formats an HTTP status, such as "404 Not Found". For a status without a standard name, returns only the number.
pub(super) fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

/// Returns the URL to which a response redirects. Leaves out the query of this URL, which may contain a secret.
fn redirect(answer: &Answer) -> Option<&str> {
    let to = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let to = to.split(['?', '#']).next()?;
    // If the URL contains an "@", the part before the "@" may be a password. So don't show such a URL.
    (answer.status.is_redirection() && !to.contains('@')).then_some(to)
}

fn range((from, to): (Bound<u16>, Bound<u16>)) -> String {
    let from = match from {
        Bound::Included(from) => from,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 100,
    };
    let to = match to {
        Bound::Included(to) => to,
        Bound::Excluded(after) => after.saturating_sub(1),
        Bound::Unbounded => 999,
    };
    if from == to {
        from.to_string()
    } else {
        format!("{from} to {to}")
    }
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    part.is_empty() || all.windows(part.len()).any(|window| window == part)
}
