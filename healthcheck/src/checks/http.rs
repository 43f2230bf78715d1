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

/// A web service answers a request to `url` as it should.
///
/// Sends GET, or POST with [`post`](Http::post). Passes where the status is from 200 to 299, within 3 s; both can be
/// set, and a text, a header or a value in a JSON body can be asked for besides. Redirects aren't followed: one is an
/// answer like any other, and outside of the range. HTTP/1.1; certificates are checked against the machine's
/// authorities or those of [`ca_file`](Http::ca_file).
///
/// Each run looks the name up and dials anew, as a new client does. A connection that is kept between runs would
/// answer while every new client is refused, and would hold on to an address that has moved or a certificate that was
/// replaced.
///
/// Costs a lookup, a connection and one request; with `https` also a handshake (about 1 ms of CPU time, every five
/// minutes 10 ms to read the machine's authorities). Up to 1 MiB of the answer is read. Nothing is left open.
///
/// It doesn't see the other addresses of the name than the first that accepts, HTTP/2 or HTTP/3, the service behind a
/// cache or a proxy that answers by itself, nor more of the answer than was asked for.
///
/// A failure says in which layer: `DNS`, `connect`, `TLS`, `protocol` (no answer, or no HTTP) or `verdict` (an answer,
/// and not the right one). The query of the URL and the values of headers aren't shown, and credentials in the URL are
/// refused: send them with [`header`](Http::header).
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

/// A check that [`http`] made; awaiting it runs it.
#[derive(Clone, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct Http {
    exchange: Exchange,
    status: (Bound<u16>, Bound<u16>),
    body: Option<String>,
    pointers: Vec<(String, Value)>,
    headers: Vec<(String, String)>,
}

/// Of a body that has to contain a text.
const LONGEST_BODY: usize = 1 << 20;

impl Http {
    /// Fails where lookup, connection, handshake and answer together take longer; default 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.timeout = limit;
        self
    }

    /// Fails where the status is another; default `200..=299`. One alone is `204..=204`.
    pub fn status(mut self, range: impl RangeBounds<u16>) -> Self {
        self.status = (range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    /// Fails where the body doesn't contain this text, or has more than 1 MiB.
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Sends POST with this body in the place of GET: a query that GraphQL, a search or a JSON-RPC service answers.
    /// Each run sends it, so it must change nothing.
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

    /// Fails where the body is no JSON, has more than 1 MiB, or another value at `pointer`, a JSON pointer (RFC 6901)
    /// such as `"/status"` or `"/nodes/0/up"`. Several can be asked for.
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

    /// Sends a header, such as `authorization`. Its value is never shown.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.exchange.header(name, value);
        self
    }

    /// Fails where no header of this name in the answer contains this text.
    pub fn header_contains(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.headers.push((name.into(), text.into()));
        self
    }

    /// Trusts the authorities in this PEM file, in the place of the machine's own. It is read when a connection is
    /// made.
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

/// JSON has one kind of number: 1 is 1.0.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            found == expected || found.as_f64() == expected.as_f64()
        }
        _ => found == expected,
    }
}

/// A value as it may stand in a sentence.
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

/// "404 Not Found"; of a code without a name the code.
pub(super) fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

/// Where a redirect leads, without its query.
fn redirect(answer: &Answer) -> Option<&str> {
    let to = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let to = to.split(['?', '#']).next()?;
    // What stands before an "@" may be a password.
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
