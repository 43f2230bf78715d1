//! One connection: HTTP/1 with a time limit for a request's head and for standing idle.

use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use healthcheck::HealthCheck;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::limits::Limits;
use super::pace::{Pace, Paced, Stage};
use crate::shortcut::Shortcut;

/// More than this of a request's head is refused, 431: 4,096 connections never hold more than 256 MiB.
const LONGEST_HEAD: usize = 64 * 1024;

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) router: TowerToHyperService<Router>,
    pub(super) shortcut: Option<Shortcut>,
    pub(super) health: HealthCheck,
    pub(super) limits: Limits,
    /// Turns true when no further request is taken.
    pub(super) closing: watch::Receiver<bool>,
}

/// Serves the requests of a connection until either side ends it or a limit is over.
pub(super) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    site: Site,
    pace: Arc<Pace>,
) {
    let io = Paced::new(io, Arc::clone(&pace));
    let answer = |request: Request<Incoming>| answer(request, peer, &site, Arc::clone(&pace));
    // A client that has said all it has to say may close its side, as `nc -N` does, and waits for its answer.
    let connection = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .half_close(site.limits.half_closed)
        .serve_connection(TokioIo::new(io), service_fn(answer));

    let mut connection = pin!(connection);
    let mut closing = site.closing.clone();
    let mut closing = pin!(async move {
        // An error means that the server is gone: that is the end, too.
        let _ = closing.wait_for(|closing| *closing).await;
    });
    let mut is_closing = false;
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        if !is_closing && closing.as_mut().poll(cx).is_ready() {
            is_closing = true;
            // What has come is read first: whoever has asked is answered.
            if connection.as_mut().poll(cx).is_ready() || pace.is_idle() {
                return Poll::Ready(());
            }
            match pace.stage() {
                // Its answer will say `Connection: close`, as all do while draining.
                Stage::Head { .. } => {}
                // The rest of its answer is still sent.
                _ => connection.as_mut().graceful_shutdown(),
            }
        }
        // What a broken connection has to say helps nobody.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // The poll above may have moved it either way.
        if pace.makes_room(cx.waker()) {
            return Poll::Ready(());
        }
        match pace.polled() {
            Some(deadline) => {
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
            }
            None => Poll::Pending,
        }
    })
    .await;
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    site: &Site,
    pace: Arc<Pace>,
) -> Result<Response<Answer>, Infallible> {
    pace.head_is_read();
    let (head, body) = request.into_parts();
    let at_once = site.shortcut.as_ref().and_then(|shortcut| shortcut.answer(&head));
    let mut response = match at_once {
        Some(response) => response.map(Content::Whole),
        None => {
            let mut request = Request::from_parts(head, Body::new(body));
            request.extensions_mut().insert(ConnectInfo(peer));
            site.router.call(request).await?.map(Content::Routed)
        }
    };
    if site.health.is_draining() {
        // So that the client opens its next connection, which the load balancer sends elsewhere.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    Ok(response.map(|content| Answer { content, pace }))
}

/// The body of an answer, which is through when it is dropped.
struct Answer {
    content: Content,
    pace: Arc<Pace>,
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
        self.pace.is_answered();
    }
}

#[cfg(test)]
mod tests;
