//! Passes bytes between the client and hyper. hyper gets one complete head of a request at a time.
//!
//! This layer finds the end of a head, and hyper parses the head. The layer adds three features that hyper lacks:
//! - The layer limits the size of a head. The limit doesn't include the bytes that follow the head.
//! - If hyper or this layer refuses a head, the layer adds our headers to the answer.
//! - The layer knows whether the client has begun to send the next head.
//!
//! If a request has a body, hyper doesn't get the body, and the connection ends after the answer. No request can follow
//! the body, so a proxy and this server can't disagree about where the next request begins.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use axum::http::StatusCode;
use memchr::memchr_iter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::phase::{ConnectionPhase, Stage};
use crate::http::headers::is_of_token;
use crate::http::problem;

/// The longest head of a request, in bytes. The server refuses a longer head with 431.
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
/// By how many bytes the buffer grows when it is full.
const PIECE: usize = 2 * 1024;
/// The most bytes that the server reads and discards before it closes a connection.
const LONGEST_REST: usize = 256 * 1024;

const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The first bytes of a connection that uses the PROXY protocol, version 1 or version 2. The bytes of version 2 lack
/// its leading empty lines, because `find` skips empty lines.
const PROXY: [&[u8]; 2] = [b"PROXY ", b"\0\r\nQUIT\n"];

/// The connection to the client. hyper reads from it and writes to it.
pub(super) struct Wire<T> {
    io: T,
    phase: Arc<ConnectionPhase>,
    /// The bytes that were received from the client and that hyper hasn't read yet. Free space follows them.
    buffer: Vec<u8>,
    /// How many bytes of `buffer` were received. The rest of `buffer` is free space.
    filled: usize,
    /// How many of the received bytes `find` has already searched for the end of a head.
    searched: usize,
    /// How many of the received bytes hyper may read now. They belong to the current head.
    open: usize,
    refusal: Option<HeadRefusal>,
    /// The waker of hyper's read. It is set while hyper wants to read the next head, but the current answer isn't sent
    /// completely.
    reader: Option<Waker>,
}

/// Describes the answer with which the server refuses the head of a request. The handler never sees a refused head, and
/// the server closes the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadRefusal {
    status: StatusCode,
    error: &'static str,
}

impl HeadRefusal {
    const TOO_LARGE: Self = Self {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        error: "the head of the request is longer than 16 KiB or has more than 100 headers",
    };
    const HTTP_2: Self = Self {
        status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        error: "this server speaks HTTP/1.1; HTTP/2 isn't supported",
    };
    pub(super) const PROXY_PROTOCOL: Self = Self {
        status: StatusCode::BAD_REQUEST,
        error: "this server doesn't read the PROXY protocol; turn it off where the connection comes from",
    };
    const NO_HTTP: Self = Self {
        status: StatusCode::BAD_REQUEST,
        error: "the request isn't HTTP/1.1: its first line or a header is malformed",
    };
}

/// The result of searching the buffer for the head of a request.
enum Found {
    /// The buffer begins with a complete head of this many bytes.
    Head(usize),
    /// The end of the head isn't in the buffer yet.
    Part,
    Refused(HeadRefusal),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    pub(super) const fn new(io: T, phase: Arc<ConnectionPhase>) -> Self {
        Self {
            io,
            phase,
            buffer: Vec::new(),
            filled: 0,
            searched: 0,
            open: 0,
            refusal: None,
            reader: None,
        }
    }

    /// Returns whether [`leave`](Self::leave) has anything to send or to discard.
    pub(super) fn has_to_leave(&self) -> bool {
        self.refusal.is_some() || self.phase.is_last() || self.filled > 0
    }

    pub(super) const fn refusal(&self) -> Option<HeadRefusal> {
        self.refusal
    }

    /// Reads from the client until the head of a request is complete, then returns `true`. Returns `false` if the
    /// client has closed the connection, or if the server refuses the head.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            match self.find() {
                Found::Head(length) => {
                    self.open = length;
                    self.phase.enter(Stage::Parsing);
                    return Poll::Ready(Ok(true));
                }
                Found::Refused(refusal) => {
                    self.refusal = Some(refusal);
                    return Poll::Ready(Ok(false));
                }
                Found::Part => {}
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(false));
            }
            if matches!(self.phase.stage(), Stage::New | Stage::Idle) {
                self.phase.enter(Stage::Head);
            }
        }
    }

    fn find(&mut self) -> Found {
        // Skips empty lines before the head of a request, as hyper does.
        while let Some(skipped) = match self.unread() {
            [b'\n', ..] => Some(1),
            [b'\r', b'\n', ..] => Some(2),
            _ => None,
        } {
            self.advance(skipped);
        }
        let unread = self.unread();
        if unread.starts_with(HTTP_2) {
            return Found::Refused(HeadRefusal::HTTP_2);
        }
        if PROXY.iter().any(|signature| unread.starts_with(signature)) {
            return Found::Refused(HeadRefusal::PROXY_PROTOCOL);
        }
        // If the received bytes can't be the beginning of a request, the server refuses them immediately. A TLS or SSH
        // client, for example, waits for an answer and never sends the end of a head.
        let method = unread.iter().position(|byte| !is_of_token(*byte));
        if method.is_some_and(|end| end == 0 || unread.get(end) != Some(&b' ')) && unread != b"\r" {
            return Found::Refused(HeadRefusal::NO_HTTP);
        }
        let from = self.searched.saturating_sub(2);
        let new = unread.get(from..).unwrap_or_default();
        let end = memchr_iter(b'\n', new).find_map(|at| match new.get(at + 1..) {
            Some([b'\n', ..]) => Some(from + at + 2),
            Some([b'\r', b'\n', ..]) => Some(from + at + 3),
            _ => None,
        });
        self.searched = self.filled;
        match end {
            Some(end) => Found::Head(end),
            None if self.filled >= LONGEST_HEAD => Found::Refused(HeadRefusal::TOO_LARGE),
            None => Found::Part,
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Removes the first `count` bytes from the buffer.
    fn advance(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.searched = 0;
    }

    /// Reads the bytes that are available from the client into the buffer, and returns how many bytes it has read. The
    /// buffer never becomes larger than [`LONGEST_HEAD`].
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(LONGEST_HEAD.min(self.filled + PIECE), 0);
        }
        let mut free = ReadBuf::new(self.buffer.get_mut(self.filled..).unwrap_or_default());
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut free))?;
        let count = free.filled().len();
        self.filled += count;
        Poll::Ready(Ok(count))
    }

    /// Moves as many bytes of the current head as fit into `out`, the buffer of hyper.
    fn give(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.open.min(out.remaining());
        out.put_slice(self.buffer.get(..count).unwrap_or_default());
        self.open -= count;
        self.advance(count);
        if self.filled == 0 && self.buffer.len() > PIECE {
            self.buffer = Vec::new();
        }
    }

    /// Records that hyper has refused a head. `written` is hyper's answer. The client doesn't get this answer, because
    /// it lacks our headers.
    ///
    /// This method takes only the status from `written`. [`leave`](Self::leave) sends an answer with our headers.
    fn refuse(&mut self, written: &[u8]) {
        if self.refusal.is_none() {
            let is_too_large = written.get(9..12) == Some(b"431");
            self.refusal = Some(if is_too_large {
                HeadRefusal::TOO_LARGE
            } else {
                HeadRefusal::NO_HTTP
            });
        }
    }

    /// Ends the connection. If the server has refused a head, first sends the client the reason.
    ///
    /// Before the socket is closed, reads and discards the bytes that the client still sends. Closing a socket with
    /// unread bytes would reset the connection, and the client could lose the answer.
    pub(super) async fn leave(&mut self) -> io::Result<()> {
        self.phase.enter(Stage::Leaving);
        if let Some(refusal) = self.refusal {
            let answer = problem::by_hand(refusal.status, refusal.error);
            self.io.write_all(answer.as_bytes()).await?;
        }
        self.io.shutdown().await?;
        let mut rest = LONGEST_REST;
        self.buffer.resize(PIECE, 0);
        while rest > 0 {
            match self.io.read(&mut self.buffer).await? {
                0 => break,
                count => rest = rest.saturating_sub(count),
            }
        }
        Ok(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.phase.stage() {
            // The last request has a body. hyper waits for this body, but never gets it.
            _ if self.phase.is_last() => Poll::Pending,
            Stage::New | Stage::Idle | Stage::Head => {
                if ready!(self.poll_head(cx))? {
                    self.give(out);
                }
                Poll::Ready(Ok(()))
            }
            Stage::Parsing if self.open > 0 => {
                self.give(out);
                Poll::Ready(Ok(()))
            }
            // hyper gets the next head only after the current answer is sent. If hyper got the head earlier, it could
            // refuse the head while it sends the current answer. The client would take the refusal for a part of that
            // answer.
            Stage::Sending => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            // hyper already has the complete head. It reads on only to notice whether the client closes the connection.
            Stage::Parsing | Stage::Busy => {
                while self.filled < LONGEST_HEAD {
                    if ready!(self.poll_fill(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Pending
            }
            Stage::Leaving => Poll::Ready(Ok(())),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stage = self.phase.stage();
        if stage == Stage::Parsing {
            let start = slices.iter().find(|slice| !slice.is_empty());
            self.refuse(start.map_or(&[], |slice| slice));
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if polled.is_ready() && stage == Stage::Sending {
            // A part of the answer has been written to the connection, so the time limit for the rest begins again.
            self.phase.enter(Stage::Sending);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// Flushes, and ends the stage `Sending` if that is the current stage: hyper flushes once it has written the
    /// complete answer.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        if self.phase.stage() == Stage::Sending {
            // The beginning of the next head may already be in the buffer. If so, the time limit of the next head
            // begins now.
            self.phase.enter(if self.filled == 0 {
                Stage::Idle
            } else {
                Stage::Head
            });
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refusal.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
