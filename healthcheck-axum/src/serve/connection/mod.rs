//! One connection: HTTP/1, a time limit for each stage, and an end where its place is needed.

use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONNECTION, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, Version};
use healthcheck::HealthCheck;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::capacity::CapacitySignal;
use super::limits::Limits;
use crate::format::Formats;
use crate::log::log;
use crate::problem::Problem;
use crate::shortcut::Shortcut;
use phase::Stage;
use wire::{HeadRefusal, LONGEST_HEAD, Wire};

pub(super) use phase::{ConnectionPhase, Rank};

mod phase;
mod wire;

/// What every connection needs.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) router: TowerToHyperService<Router>,
    pub(super) shortcut: Option<Shortcut>,
    pub(super) health: HealthCheck,
    pub(super) limits: Limits,
    pub(super) capacity: Arc<CapacitySignal>,
}

/// Serves the requests of a connection until either side ends it, a limit is over, or its place is needed.
pub(super) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: ConnectionContext,
    phase: Arc<ConnectionPhase>,
) {
    let mut talk = pin!(talk(io, peer, &context, &phase));
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        // First of all: a request that has come is answered, whatever else is to be done.
        if talk.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let deadline = match phase.look(cx.waker(), &context.capacity) {
            ControlFlow::Break(()) => return Poll::Ready(()),
            ControlFlow::Continue(None) => return Poll::Pending,
            ControlFlow::Continue(Some(deadline)) => deadline,
        };
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if alarm.deadline() >= deadline {
                return Poll::Ready(());
            }
            // Set for a stage that is over: each request puts the deadline off, and setting it each time costs.
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await;
}

/// What a broken connection has to say helps nobody, so no error leaves this.
async fn talk(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: &Arc<ConnectionPhase>,
) {
    let mut wire = Wire::new(io, Arc::clone(phase));
    // hyper's buffers are for clients that have asked something.
    if let Ok(true) = poll_fn(|cx| wire.poll_head(cx)).await {
        let answer = |request| answer(request, peer, context, Arc::clone(phase));
        let connection = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            // A client that has said all it has to say may close its side, as `nc -N` does, and waits for its answer.
            .half_close(context.limits.half_closed)
            .serve_connection(TokioIo::new(&mut wire), service_fn(answer));
        let _ = connection.await;
    }
    if wire.refusal() == Some(HeadRefusal::PROXY_PROTOCOL) && context.capacity.proxy_protocol.is_due() {
        log!(
            WARN,
            %peer,
            "a connection begins with the PROXY protocol, which isn't read: it is answered 400; turn it off where the \
             connection comes from"
        );
    }
    if wire.has_to_leave() {
        let _ = wire.leave().await;
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: Arc<ConnectionPhase>,
) -> Result<Response<Answer>, Infallible> {
    // Where a body ends is what proxies and servers disagree about: no request is read behind one.
    let has_body = !request.body().is_end_stream();
    phase.is_taken(has_body);
    let (head, body) = request.into_parts();
    let bad_host = !names_one_host(&head);
    let shortcut = context.shortcut.as_ref().filter(|_| !bad_host);
    let mut response = match shortcut.and_then(|shortcut| shortcut.answer(&head)) {
        Some(response) => response.map(Content::Whole),
        None if bad_host => {
            let answer = Problem::bad_host().response(&Formats::default(), None, &head);
            answer.map(Content::Routed)
        }
        None => {
            let mut request = Request::from_parts(head, Body::new(body));
            request.extensions_mut().insert(ConnectInfo(peer));
            context.router.call(request).await?.map(Content::Routed)
        }
    };
    // While draining the client's next connection should be another server's; while the house is full, another client's.
    if bad_host || has_body || context.capacity.is_full() || context.health.is_draining() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    Ok(response.map(|content| Answer { content, phase }))
}

/// RFC 9112, 3.2: exactly one valid `Host`, which HTTP/1.0 may leave out.
fn names_one_host(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte)),
        (None, _) => head.version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// The body of an answer, which is through when it is dropped.
struct Answer {
    content: Content,
    phase: Arc<ConnectionPhase>,
}

enum Content {
    /// Empty once it is sent.
    Whole(Bytes),
    Routed(Body),
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(mem::take(bytes))))),
            Content::Routed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Routed(body) => body.size_hint(),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.phase.enter(Stage::Sending);
    }
}

#[cfg(test)]
mod tests;
