//! Sends one HTTP request over a new connection and reads the response. An existing connection wouldn't show whether a
//! new client can connect.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use super::beside::beside;
use super::deadline::after;
use super::dial::dial;
use super::layer::{Layer, Problem};
use super::span::span;
use super::target::Target;
use super::trust::secure;
use crate::outcome::chain;

/// An HTTP request that a check sends, with its settings.
#[derive(Clone)]
pub(super) struct Exchange {
    url: String,
    pub(super) timeout: Duration,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) method: Method,
    pub(super) content: Bytes,
    headers: HeaderMap,
    problems: Vec<String>,
}

pub(super) struct Answer {
    /// The URL as the output shows it, without secrets.
    pub(super) shown: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// The response body, or `TooLong` if the body is longer than the check reads.
pub(super) enum Body {
    Whole(Bytes),
    TooLong,
}

impl Exchange {
    pub(super) const fn new(url: String, timeout: Duration, headers: HeaderMap) -> Self {
        Self {
            url,
            timeout,
            ca_file: None,
            method: Method::GET,
            content: Bytes::new(),
            headers,
            problems: Vec::new(),
        }
    }

    pub(super) fn header(&mut self, name: &str, value: &str) {
        match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                self.headers.append(name, value);
            }
            (Err(_), _) => self.problems.push(format!("{name:?} isn't a header's name")),
            (_, Err(_)) => self
                .problems
                .push(format!("the value of the header {name:?} can't be sent")),
        }
    }

    /// Records an invalid setting. Each run then fails with the first recorded problem and sends no request.
    pub(super) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// Sends the request and reads at most `longest` bytes of the response body. If the body is longer, returns
    /// `Body::TooLong` in the answer.
    pub(super) async fn run(&self, longest: usize) -> Result<Answer, Problem> {
        let deadline = after(self.timeout);
        let target = Target::parse(&self.url)?;
        if let Some(problem) = self.problems.first() {
            return Err(Layer::Protocol.problem(problem));
        }
        let request = self.request(&target)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let (_, connection) = dial(&target.host, target.port, left).await?;
        if !target.https {
            return self.ask(target, connection, request, longest, deadline).await;
        }
        // A host name may end with a dot, but a name in a certificate never does. So remove the dot.
        let name = target.host.strip_suffix('.').unwrap_or(&target.host);
        let secured = secure(connection, name, self.ca_file.as_deref(), deadline).await;
        let secured = secured
            .map_err(|problem| Layer::Tls.problem(format_args!("{}: {}", target.authority, problem.what)))?;
        self.ask(target, secured.stream, request, longest, deadline).await
    }

    async fn ask(
        &self,
        target: Target,
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
        longest: usize,
        deadline: Instant,
    ) -> Result<Answer, Problem> {
        let handshake = http1::handshake(TokioIo::new(connection)).await;
        let (mut sender, connection) = handshake.map_err(|error| Layer::Protocol.problem(error))?;
        let answer = async {
            let response = match timeout_at(deadline, sender.send_request(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    let (shown, why) = (&target.shown, chain(&error));
                    return Err(Layer::Protocol.problem(format_args!("{shown}: {why}")));
                }
                Err(_) => return Err(self.silent(&target)),
            };
            let (head, body) = response.into_parts();
            let body = match timeout_at(deadline, Limited::new(body, longest).collect()).await {
                Ok(Ok(body)) => Body::Whole(body.to_bytes()),
                Ok(Err(error)) if error.is::<LengthLimitError>() => Body::TooLong,
                Ok(Err(error)) => return Err(self.lost(&target, &head.status, &chain(&*error))),
                Err(_) => return Err(self.lost(&target, &head.status, "no end of the body in time")),
            };
            Ok((head, body))
        };
        // `connection` is the future that sends and receives the data. Its result isn't needed: if the connection
        // fails, `answer` returns the error.
        let (head, body) = beside(connection, answer).await?;
        Ok(Answer {
            shown: target.shown,
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn request(&self, target: &Target) -> Result<Request<Full<Bytes>>, Problem> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&target.path_and_query)
            .header(header::HOST, &target.authority)
            .header(
                header::USER_AGENT,
                concat!("healthcheck/", env!("CARGO_PKG_VERSION")),
            )
            // This header tells the server not to wait for a second request.
            .header(header::CONNECTION, "close")
            .body(Full::new(self.content.clone()))
            .map_err(|error| Layer::Protocol.problem(error))?;
        if self.method == Method::POST {
            // For an empty body, hyper omits the header `content-length`, but some servers reject a POST request
            // without this header.
            let length = HeaderValue::from(self.content.len());
            request.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        for (name, value) in &self.headers {
            match *name {
                header::HOST | header::USER_AGENT | header::CONNECTION | header::CONTENT_TYPE => {
                    request.headers_mut().insert(name, value.clone()).is_some()
                }
                _ => request.headers_mut().append(name, value.clone()),
            };
        }
        Ok(request)
    }

    fn silent(&self, target: &Target) -> Problem {
        let (shown, limit) = (&target.shown, span(self.timeout));
        Layer::Protocol.problem(format_args!("{shown}: no answer within {limit}"))
    }

    fn lost(&self, target: &Target, status: &StatusCode, why: &str) -> Problem {
        let shown = &target.shown;
        Layer::Protocol.problem(format_args!("{shown} answered {status}, and then: {why}"))
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Don't show the query of the URL or the values of headers: they may be secrets.
        let url = Target::parse(&self.url).map(|target| target.shown);
        f.debug_struct("Exchange")
            .field("method", &self.method)
            .field("url", &url.ok())
            .field("timeout", &self.timeout)
            .field("ca_file", &self.ca_file)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
