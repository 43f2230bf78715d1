//! Passes bytes between the client and hyper, one complete head at a time.
//!
//! Only hyper parses heads. This layer adds what hyper lacks: a size limit for the head alone, refusals with our
//! headers, and a record of whether the client has begun to send the next head. hyper gets no body: a connection ends
//! after a request with a body, so a proxy and this server can't disagree about where the next request begins.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use axum::http::StatusCode;
use memchr::memchr_iter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::phase::{ConnectionPhase, Stage};
use crate::http::problem;

/// The longest head of a request, in bytes. A longer one is refused with 431.
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
/// How many bytes the buffer grows for each read.
const PIECE: usize = 2 * 1024;
/// The most bytes that are read from a refused client and discarded.
const LONGEST_REST: usize = 256 * 1024;

const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The first bytes of the PROXY protocol: of version 1, and of version 2 without its leading empty lines, which `find`
/// skips.
const PROXY: [&[u8]; 2] = [b"PROXY ", b"\0\r\nQUIT\n"];

/// The connection to the client, in the form that hyper reads and writes.
pub(super) struct Wire<T> {
    io: T,
    phase: Arc<ConnectionPhase>,
    /// Holds the bytes that were received and that hyper hasn't read yet.
    buffer: Vec<u8>,
    /// How many bytes of the buffer hold received data. The rest is free space.
    filled: usize,
    /// How many of the received bytes are already searched for the end of a head.
    searched: usize,
    /// How many of the received bytes belong to the head that hyper may read.
    open: usize,
    refusal: Option<HeadRefusal>,
    /// The waker of hyper's read. It is set while hyper waits for the next head because the current answer isn't sent
    /// yet.
    reader: Option<Waker>,
}

/// The server's answer to a head that it refuses. The handler never sees such a head, and the connection is closed
/// afterwards.
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

    /// Returns whether [`leave`](Self::leave) has anything to send or to discard.
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
        let method = unread.iter().position(|byte| !is_of_method(*byte));
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

    /// Reads available bytes into the buffer, up to the length of the longest head. Returns how many bytes it has read.
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

    /// Records that hyper has refused the head. `written` is hyper's answer, which lacks our headers. So only its
    /// status is used, and [`leave`](Self::leave) sends an answer with our headers instead.
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

    /// Sends a refused client the reason, and discards the bytes that the client still sends. Closing a socket with
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
            // hyper waits for the body of the last request, but never gets it.
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
            // hyper gets the next head only after the current answer is sent. If hyper refused that head earlier, the
            // refusal would look like a part of the current answer.
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

/// Returns whether the byte may be part of a method (a token in RFC 9110, 5.6.2).
fn is_of_method(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
