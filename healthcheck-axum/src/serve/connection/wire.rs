//! Passes bytes between the client and hyper, one complete head at a time.
//!
//! Only hyper parses heads. This layer adds what hyper lacks: a size limit for the head alone, refusals with our
//! headers, and the knowledge whether the next head has begun after an answer. hyper gets no body: a connection ends
//! after a request with a body, so no proxy can disagree with us about where the next request begins.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use axum::http::StatusCode;
use memchr::memchr_iter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::phase::{ConnectionPhase, Stage};
use crate::http::accept::is_of_token;
use crate::http::problem;

/// The longest head of a request, in bytes. A longer one is refused with 431.
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
/// How many bytes the buffer grows for each read.
const PIECE: usize = 2 * 1024;
/// The most bytes of a refused client that are read and discarded.
const LONGEST_REST: usize = 256 * 1024;

const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";
/// How the PROXY protocol begins: version 1, and version 2 without its leading empty lines.
const PROXY: [&[u8]; 2] = [b"PROXY ", b"\0\r\nQUIT\n"];

pub(super) struct Wire<T> {
    io: T,
    phase: Arc<ConnectionPhase>,
    /// Holds the bytes that were received and that hyper hasn't read yet.
    buffer: Vec<u8>,
    /// How many bytes of the buffer are received. The rest is free space.
    filled: usize,
    /// How many of the received bytes are already searched for the end of a head.
    searched: usize,
    /// How many of the received bytes belong to the head that hyper may read.
    open: usize,
    refusal: Option<HeadRefusal>,
    /// The waker of hyper's read. It is kept while the next head has to wait for the current answer to be sent.
    reader: Option<Waker>,
}

/// Why the connection is closed without an answer from the handler.
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

/// The result of looking for a head at the beginning of the buffer.
enum Found {
    /// A complete head of this length.
    Head(usize),
    /// The head is incomplete.
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

    /// Whether [`leave`](Self::leave) has anything to send or to discard.
    pub(super) fn has_to_leave(&self) -> bool {
        self.refusal.is_some() || self.phase.is_last() || self.filled > 0
    }

    pub(super) const fn refusal(&self) -> Option<HeadRefusal> {
        self.refusal
    }

    /// Reads until a head is complete. Returns `false` if the client closed the connection, or if the head is refused.
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
        // Skips empty lines before a request, as hyper does.
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
        // A TLS or SSH client waits for an answer without ever sending the end of a head. So bytes that can't begin a
        // request are refused at once.
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

    /// Removes the first bytes from the buffer.
    fn advance(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.searched = 0;
    }

    /// Reads available bytes into the buffer, up to the length of the longest head. Returns how many.
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

    /// Copies as much of the current head as fits into hyper's buffer.
    fn give(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.open.min(out.remaining());
        out.put_slice(self.buffer.get(..count).unwrap_or_default());
        self.open -= count;
        self.advance(count);
        if self.filled == 0 && self.buffer.len() > PIECE {
            self.buffer = Vec::new();
        }
    }

    /// Notes hyper's own refusal. hyper wrote it before it called the service, and without our headers, so only its
    /// status is used.
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

    /// Tells a refused client why, and reads what the client still sends. Closing a socket with unread bytes would
    /// reset the connection, and the client could lose the answer.
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
            // hyper waits for the body, which is never read.
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
            // The next head waits until this answer is sent. Otherwise hyper's refusal of it would look like a part of
            // this answer.
            Stage::Sending => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            // hyper has the complete head. It reads on only to notice whether the client closes the connection.
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
            // The client has received a part of the answer, so the time limit for the rest begins again.
            self.phase.enter(Stage::Sending);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// Ends the stage `Sending`: hyper flushes once it has written the whole answer.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        if self.phase.stage() == Stage::Sending {
            // The next head may already be in the buffer. Its time limit begins now.
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
