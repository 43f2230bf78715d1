//! Serves one connection with HTTP/1. While the server waits for the client, a time limit applies. The server may close
//! the connection earlier to make room for another one.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::mem;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::capacity::CapacitySignal;
use super::limits::Limits;
use crate::http::answer::close;
use crate::http::headers::values;
use crate::http::problem::Problem;
use crate::http::router::Responding;
use crate::log::log;
use crate::render::Formats;
use phase::Stage;
use wire::{HeadRefusal, LONGEST_HEAD, Wire};

pub(super) use phase::{ConnectionPhase, Rank};

mod phase;
mod wire;

/// A function that answers a request. Its arguments are the request's head and the peer's address.
pub(super) type Service = Arc<dyn Fn(Parts, SocketAddr) -> Responding + Send + Sync>;

/// The configuration and state that all connections of the server share.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) service: Service,
    pub(super) limits: Limits,
    pub(super) capacity: Arc<CapacitySignal>,
}

/// Serves the requests of a connection. Returns when the client or the server has closed the connection, when a time
/// limit is over, or when the server needs room for another connection.
pub(super) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: ConnectionContext,
    phase: Arc<ConnectionPhase>,
) {
    let mut talk = pin!(talk(io, peer, &context, &phase));
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        // Polls the connection first, and checks its limits afterwards. If a request has already arrived, the server
        // answers it before a time limit or a shutdown ends the connection.
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
            // The alarm rang too early: it was set for an earlier stage, and the deadline of the current stage is
            // later. Resetting the alarm for each request would cost time. So the alarm moves to a later deadline only
            // when it rings.
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await;
}

/// Speaks HTTP with the client until the connection ends. Ignores errors, because they mean that the connection is
/// broken and can't be served any longer.
async fn talk(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: &Arc<ConnectionPhase>,
) {
    let mut wire = Wire::new(io, Arc::clone(phase));
    // Waits for the first head of a request before creating hyper's connection, which allocates buffers. So a client
    // that sends nothing costs little memory.
    if let Ok(true) = poll_fn(|cx| wire.poll_head(cx)).await {
        let answer = |request| answer(request, peer, context, Arc::clone(phase));
        let connection = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            // Clients such as `nc -N` close their sending side after the request, and still wait for the answer.
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

/// Answers a request. This function drops the head of the request before it returns the future. This keeps the future
/// small, so that hyper can move it cheaply.
fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: Arc<ConnectionPhase>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> {
    // A proxy and this server may disagree about where the body of a request ends. An attacker could exploit this
    // (request smuggling). So the server closes the connection after a request with a body.
    let has_body = !request.body().is_end_stream();
    phase.is_taken(has_body);
    let (head, _) = request.into_parts();
    let is_for_one_host = names_one_host(&head);
    let mut responding = if is_for_one_host {
        (context.service)(head, peer)
    } else {
        let problem = Problem::bad_host().response(&Formats::default(), None, &head);
        Responding::Waiting(Box::pin(ready(problem)))
    };
    poll_fn(move |cx| {
        let into_body = |content| AnswerBody {
            content,
            phase: Arc::clone(&phase),
        };
        let mut answer = responding.poll_response(cx, into_body);
        if let Poll::Ready(Ok(response)) = &mut answer
            && (!is_for_one_host || has_body || context.capacity.is_full())
        {
            close(response.headers_mut());
        }
        answer
    })
}

/// Returns whether the request has exactly one `Host` header, and this header is valid (RFC 9112, 3.2). Also returns
/// true for an HTTP/1.0 request that has no `Host` header.
fn names_one_host(head: &Parts) -> bool {
    let mut hosts = values(&head.headers, HOST);
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.as_bytes().iter().copied().all(is_of_host),
        (None, _) => head.version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether a `Host` header may contain this byte (RFC 3986, 3.2.2).
const fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'$'..=b'.' | b':' | b';' | b'=' | b'[' | b']' | b'_' | b'~'
        )
}

/// The body of an answer. Dropping this value moves the connection to the stage [`Stage::Sending`]. hyper drops it once
/// hyper has taken all bytes of the body.
struct AnswerBody {
    /// The bytes of the body. Empty once hyper has taken these bytes.
    content: Bytes,
    phase: Arc<ConnectionPhase>,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let content = mem::take(&mut self.content);
        Poll::Ready((!content.is_empty()).then(|| Ok(Frame::data(content))))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len() as u64)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.phase.enter(Stage::Sending);
    }
}

#[cfg(test)]
mod tests;
