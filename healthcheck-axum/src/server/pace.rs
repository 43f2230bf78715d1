//! What a connection is doing: waiting for a request, reading one, answering.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::limits::Limits;
use super::places::Crowd;

/// What a connection is waiting for, and until when.
pub(super) struct Pace {
    limits: Limits,
    stage: Mutex<Stage>,
    /// The client takes no more of an answer for now.
    unsent: AtomicBool,
    request: Mutex<Request>,
    crowd: Arc<Crowd>,
}

/// To make room for another connection.
#[derive(Default)]
struct Request {
    /// Since when it had stood idle when it was asked.
    asked: Option<Instant>,
    /// Its task, which is asleep then.
    waker: Option<Waker>,
}

#[derive(Clone, Copy)]
pub(super) enum Stage {
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
    pub(super) fn new(limits: Limits, crowd: Arc<Crowd>) -> Self {
        let until = after(limits.head);
        Self {
            limits,
            stage: Mutex::new(Stage::New { until }),
            unsent: AtomicBool::new(false),
            request: Mutex::default(),
            crowd,
        }
    }

    /// Tells that it is idle, where it is; until when it may go on as it is. Asked after each poll of the connection, so
    /// that it counts from what the poll found.
    pub(super) fn polled(&self) -> Option<Instant> {
        let deadline = self.deadline();
        if self.crowd.waits() && self.is_idle() {
            self.crowd.tell_idle();
        }
        deadline
    }

    /// Since when nothing has been asked and nothing is left to be sent; `None` where something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        if !self.is_idle() {
            return None;
        }
        let limit = match self.stage() {
            Stage::New { .. } => self.limits.head,
            Stage::Idle { .. } => self.limits.idle,
            Stage::Head { .. } | Stage::Busy => return None,
        };
        self.deadline().and_then(|until| until.checked_sub(limit))
    }

    /// Asks it to make room, as it has stood idle since then.
    pub(super) fn ask(&self, since: Instant) {
        let waker = {
            let mut request = self.request();
            request.asked = Some(since);
            request.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether it has been asked, and hasn't looked at that yet.
    pub(super) fn is_asked(&self) -> bool {
        self.request().asked.is_some()
    }

    /// Whether it makes room now. Looked at after each poll of the connection: where a request has come since it was
    /// asked, it stays, and another one is asked.
    pub(super) fn makes_room(&self, waker: &Waker) -> bool {
        let mut request = self.request();
        match &mut request.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let Some(since) = request.asked.take() else {
            return false;
        };
        let goes = self.idle_since() == Some(since);
        if !goes {
            self.crowd.tell_idle();
        }
        goes
    }

    /// Whether nothing has been asked and nothing is left to be sent.
    pub(super) fn is_idle(&self) -> bool {
        let waits = matches!(self.stage(), Stage::New { .. } | Stage::Idle { .. });
        waits && !self.unsent.load(Ordering::Relaxed)
    }

    fn deadline(&self) -> Option<Instant> {
        match &mut *self.lock() {
            Stage::New { until } => Some(*until),
            Stage::Idle { until } => Some(*until.get_or_insert_with(|| {
                // Who takes nothing of an answer makes no room, and so has no more time than who sends nothing of a head.
                let unsent = self.unsent.load(Ordering::Relaxed);
                after(if unsent {
                    self.limits.head
                } else {
                    self.limits.idle
                })
            })),
            Stage::Head { until } => Some(*until.get_or_insert_with(|| after(self.limits.head))),
            Stage::Busy => None,
        }
    }

    pub(super) fn stage(&self) -> Stage {
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

    fn wrote(&self, all: bool) {
        // Where some of it was taken, the time counts anew.
        if self.unsent.swap(!all, Ordering::Relaxed)
            && all
            && let Stage::Idle { until } = &mut *self.lock()
        {
            *until = None;
        }
    }

    pub(super) fn head_is_read(&self) {
        *self.lock() = Stage::Busy;
    }

    pub(super) fn is_answered(&self) {
        *self.lock() = Stage::Idle { until: None };
    }

    fn request(&self) -> std::sync::MutexGuard<'_, Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A connection that tells its pace when something comes.
pub(super) struct Paced<T> {
    io: T,
    pace: Arc<Pace>,
}

impl<T> Paced<T> {
    pub(super) const fn new(io: T, pace: Arc<Pace>) -> Self {
        Self { io, pace }
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.pace.wrote(polled.is_ready());
        polled
    }
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
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(polled)
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
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
