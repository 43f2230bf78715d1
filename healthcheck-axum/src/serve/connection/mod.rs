//! Serves one connection: HTTP/1, with a time limit for each stage, and an end if others need its slot.

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
use crate::http::ask::values;
use crate::http::problem::Problem;
use crate::http::router::Responding;
use crate::log::log;
use crate::render::Formats;
use phase::Stage;
use wire::{HeadRefusal, LONGEST_HEAD, Wire};

pub(super) use phase::{ConnectionPhase, Rank};

mod phase;
mod wire;

/// Answers a request. It gets the request's head and the peer's address.
pub(super) type Service = Arc<dyn Fn(Parts, SocketAddr) -> Responding + Send + Sync>;

/// The configuration and state that all connections share.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) service: Service,
    pub(super) limits: Limits,
    pub(super) capacity: Arc<CapacitySignal>,
}

/// Serves the requests of a connection until either side closes it, a time limit is over, or others need its slot.
pub(super) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: ConnectionContext,
    phase: Arc<ConnectionPhase>,
) {
    let mut talk = pin!(talk(io, peer, &context, &phase));
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        // Polls the connection first, so that a request that was received is answered before a limit or a shutdown ends
        // it.
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
            // The alarm was set for an earlier stage. It is reset only here, since resetting it for each request costs
            // time.
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await;
}

/// Runs HTTP on the connection. Ignores errors, since nobody can act on the details of a broken connection.
async fn talk(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: &Arc<ConnectionPhase>,
) {
    let mut wire = Wire::new(io, Arc::clone(phase));
    // Waits for the first head before hyper allocates its buffers, so that silent clients cost little memory.
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

/// Answers a request. This drops the head before it returns the future, so the future is small when hyper moves it.
fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    context: &ConnectionContext,
    phase: Arc<ConnectionPhase>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> {
    // Proxies and servers may disagree about where a body ends (request smuggling), so no request is read after one.
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

/// Whether the request has exactly one valid `Host` (RFC 9112, 3.2). HTTP/1.0 may leave it out.
fn names_one_host(head: &Parts) -> bool {
    let mut hosts = values(&head.headers, HOST);
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.as_bytes().iter().copied().all(is_of_host),
        (None, _) => head.version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether a `Host` may contain this byte (RFC 3986, 3.2.2).
const fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'$'..=b'.' | b':' | b';' | b'=' | b'[' | b']' | b'_' | b'~'
        )
}

/// The body of an answer. hyper drops it once it has taken all bytes; then the connection enters [`Stage::Sending`].
struct AnswerBody {
    /// Empty once hyper has taken it.
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
