//! One HTTP request and its answer, over a connection that is kept.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::deadline::after;
use super::dial::dial;
use super::kept::{Origin, Sender, keep, take};
use super::layer::{Layer, Problem};
use super::span::span;
use super::target::Target;
use super::trust::secure;
use crate::outcome::chain;

/// A GET that a check sends.
#[derive(Clone)]
pub(super) struct Exchange {
    url: String,
    pub(super) timeout: Duration,
    pub(super) ca_file: Option<PathBuf>,
    headers: HeaderMap,
    problems: Vec<String>,
}

pub(super) struct Answer {
    /// The URL as it may be shown.
    pub(super) shown: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// A body up to the most that is read of it.
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

    /// Sends it and reads at most `longest` bytes of the answer's body.
    pub(super) async fn run(&self, longest: usize) -> Result<Answer, Problem> {
        let deadline = after(self.timeout);
        let target = Target::parse(&self.url)?;
        if let Some(problem) = self.problems.first() {
            return Err(Layer::Protocol.problem(problem));
        }
        let request = self.request(&target)?;
        let origin = Origin {
            https: target.https,
            host: target.host.clone(),
            port: target.port,
            ca_file: self.ca_file.clone(),
        };
        let (sender, response) = self.send(&target, &origin, request, deadline).await?;
        let (head, body) = response.into_parts();
        let body = match timeout_at(deadline, Limited::new(body, longest).collect()).await {
            Ok(Ok(body)) => {
                keep(origin, sender);
                Body::Whole(body.to_bytes())
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => Body::TooLong,
            Ok(Err(error)) => return Err(self.lost(&target, &head.status, &chain(&*error))),
            Err(_) => return Err(self.lost(&target, &head.status, "no end of the body in time")),
        };
        Ok(Answer {
            shown: target.shown,
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn request(&self, target: &Target) -> Result<Request<Empty<Bytes>>, Problem> {
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(&target.path_and_query)
            .header(header::HOST, &target.authority)
            .header(
                header::USER_AGENT,
                concat!("healthcheck/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::new())
            .map_err(|error| Layer::Protocol.problem(error))?;
        for (name, value) in &self.headers {
            match *name {
                header::HOST | header::USER_AGENT => {
                    request.headers_mut().insert(name, value.clone()).is_some()
                }
                _ => request.headers_mut().append(name, value.clone()),
            };
        }
        Ok(request)
    }

    /// Over a kept connection first. The server may have closed that meanwhile, which says nothing about its health, so
    /// a failure there is tried once more over a new one.
    async fn send(
        &self,
        target: &Target,
        origin: &Origin,
        request: Request<Empty<Bytes>>,
        deadline: Instant,
    ) -> Result<(Sender, Response<Incoming>), Problem> {
        if let Some(mut sender) = take(origin) {
            let sent = async {
                sender.ready().await?;
                sender.send_request(request.clone()).await
            };
            match timeout_at(deadline, sent).await {
                Ok(Ok(response)) => return Ok((sender, response)),
                Ok(Err(_closed_meanwhile)) => {}
                Err(_) => return Err(self.silent(target)),
            }
        }
        let mut sender = connect(target, origin, deadline).await?;
        match timeout_at(deadline, sender.send_request(request)).await {
            Ok(Ok(response)) => Ok((sender, response)),
            Ok(Err(error)) => {
                Err(Layer::Protocol.problem(format_args!("{}: {}", target.shown, chain(&error))))
            }
            Err(_) => Err(self.silent(target)),
        }
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
        // The URL's query and the values of headers may be secrets.
        let url = Target::parse(&self.url).map(|target| target.shown);
        f.debug_struct("Exchange")
            .field("url", &url.ok())
            .field("timeout", &self.timeout)
            .field("ca_file", &self.ca_file)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

async fn connect(target: &Target, origin: &Origin, deadline: Instant) -> Result<Sender, Problem> {
    let left = deadline.saturating_duration_since(Instant::now());
    let (_, connection) = dial(&target.host, target.port, left).await?;
    if target.https {
        let secured = secure(connection, &target.host, origin.ca_file.as_deref(), deadline).await;
        let secured = secured
            .map_err(|problem| Layer::Tls.problem(format_args!("{}: {}", target.authority, problem.what)))?;
        open(TokioIo::new(secured)).await
    } else {
        open(TokioIo::new(connection)).await
    }
}

async fn open(io: impl Read + Write + Unpin + Send + 'static) -> Result<Sender, Problem> {
    let (sender, connection) = http1::handshake(io)
        .await
        .map_err(|error| Layer::Protocol.problem(error))?;
    // Ends with the sender, with the server's end of the connection, or with its runtime.
    tokio::spawn(async move {
        let _its_error_is_the_request_s = connection.await;
    });
    Ok(sender)
}
