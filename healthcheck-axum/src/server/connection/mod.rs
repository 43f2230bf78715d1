//! One connection: HTTP/1 with a time limit for a request's head and for standing idle.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, mem};

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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::limits::Limits;
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
pub(super) async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr, site: Site) {
    let pace = Arc::new(Pace::new(site.limits));
    let io = Paced {
        io,
        pace: Arc::clone(&pace),
    };
    let answer = |request: Request<Incoming>| answer(request, peer, &site, Arc::clone(&pace));
    let connection = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
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
            match pace.stage() {
                Stage::New { .. } | Stage::Idle { .. } => return Poll::Ready(()),
                // Its answer will say `Connection: close`, as all do while draining.
                Stage::Head { .. } => {}
                Stage::Busy => connection.as_mut().graceful_shutdown(),
            }
        }
        // What a broken connection has to say helps nobody.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // The poll above may have moved it either way.
        match pace.deadline() {
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

/// What a connection is waiting for, and until when.
struct Pace {
    limits: Limits,
    stage: Mutex<Stage>,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Nothing has come since the connection was opened.
    New { until: Instant },
    /// Between two requests. Until when is known once somebody asks, which most stages are too short for.
    Idle { until: Option<Instant> },
    /// A part of a head has come.
    Head { until: Option<Instant> },
    /// A request is being answered, which has time limits of its own.
    Busy,
}

impl Pace {
    fn new(limits: Limits) -> Self {
        let until = after(limits.head);
        Self {
            limits,
            stage: Mutex::new(Stage::New { until }),
        }
    }

    /// Asked after each poll of the connection, so that it counts from what the poll found.
    fn deadline(&self) -> Option<Instant> {
        match &mut *self.lock() {
            Stage::New { until } => Some(*until),
            Stage::Idle { until } => Some(*until.get_or_insert_with(|| after(self.limits.idle))),
            Stage::Head { until } => Some(*until.get_or_insert_with(|| after(self.limits.head))),
            Stage::Busy => None,
        }
    }

    fn stage(&self) -> Stage {
        *self.lock()
    }

    fn bytes_came(&self) {
        let mut stage = self.lock();
        match *stage {
            // The first head has its time from the moment of the connection.
            Stage::New { until } => *stage = Stage::Head { until: Some(until) },
            Stage::Idle { .. } => *stage = Stage::Head { until: None },
            Stage::Head { .. } | Stage::Busy => {}
        }
    }

    fn head_is_read(&self) {
        *self.lock() = Stage::Busy;
    }

    fn is_answered(&self) {
        *self.lock() = Stage::Idle { until: None };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Durations that the clock can't hold don't occur among the limits.
fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
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

/// A connection that tells its pace when something comes.
struct Paced<T> {
    io: T,
    pace: Arc<Pace>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.bytes_came();
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
