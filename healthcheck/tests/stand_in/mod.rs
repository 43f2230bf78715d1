//! An HTTP server in this process, for a test. It reads the head of each request and reacts as the test specifies.
#![allow(dead_code)] // Each test binary uses only a part of this module.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[cfg(any(feature = "checks-http", feature = "checks-tls"))]
pub(crate) mod certificate;

/// The reaction of the server to a request.
pub(crate) enum Reply {
    /// The server sends this answer, and waits for the next request on the connection.
    Answer(String),
    /// The server sends this answer and closes the connection. No header of the answer announces this.
    AnswerAndClose(String),
    /// The server sends this answer. Then it keeps the connection open, but answers no further request.
    AnswerThenHang(String),
    /// The server sends no answer, and keeps the connection open.
    Hang,
}

/// An HTTP server for a test. If this value is dropped, the server accepts no new connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Starts a server without TLS. The closure `reply` gets the head of each request and returns the server's
    /// reaction.
    pub(crate) async fn plain(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        Self::start(reply, |stream| async { Ok(stream) }).await
    }

    #[cfg(any(feature = "checks-http", feature = "checks-tls"))]
    pub(crate) async fn encrypted(
        certificate: &certificate::Certificate,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let acceptor = Arc::new(std::sync::Mutex::new(certificate.acceptor()));
        Self::encrypted_by(acceptor, reply).await
    }

    /// Starts a TLS server. For each new connection, the server uses the acceptor that is in the mutex at that time.
    #[cfg(any(feature = "checks-http", feature = "checks-tls"))]
    pub(crate) async fn encrypted_by(
        acceptor: Arc<std::sync::Mutex<tokio_rustls::TlsAcceptor>>,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(reply, move |stream| {
            let acceptor = acceptor.lock().unwrap().clone();
            async move { acceptor.accept(stream).await }
        })
        .await
    }

    /// Returns how many connections the server has accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    async fn start<S, F>(
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
        secure: impl Fn(tokio::net::TcpStream) -> F + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (reply, accepted) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (stream, reply) = (secure(stream), Arc::clone(&reply));
                tokio::spawn(async move {
                    if let Ok(stream) = stream.await {
                        let _its_client_hung_up = serve(stream, &*reply).await;
                    }
                });
            }
        });
        Ok(Self {
            address,
            accepted,
            accepting,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: &(impl Fn(&str) -> Reply + ?Sized),
) -> io::Result<()> {
    let mut received = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let head: Vec<u8> = received.drain(..end).collect();
        let (answer, close, hang) = match reply(&String::from_utf8_lossy(&head)) {
            Reply::Answer(answer) => (answer, false, false),
            Reply::AnswerAndClose(answer) => (answer, true, false),
            Reply::AnswerThenHang(answer) => (answer, false, true),
            Reply::Hang => std::future::pending().await,
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        if close {
            return stream.shutdown().await;
        }
        if hang {
            return std::future::pending().await;
        }
    }
}

/// Builds an HTTP response with a `content-length`. `head` is the status and further headers, as in "200
/// OK\r\nx-version: 2".
pub(crate) fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
