//! The sockets that `serve` listens on: a TCP socket for each address of a host name, or a Unix socket.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs};

use super::accept::Accept;
use super::error::ServeError;

/// The most connections that may wait in the kernel's queue until the server accepts them. The system may allow fewer.
///
/// The usual queue of 128 is too short for a burst of clients. The kernel would drop the connections that don't fit,
/// and their clients would retry only after a second.
const QUEUE: u32 = 4_096;
/// If the requested port is 0, the server looks for a port that is free at every address of the host name. It fails
/// after this many attempts.
const ATTEMPTS: usize = 16;

/// A listener for [`Endpoints::serve_on`](crate::Endpoints::serve_on). Make it with `into()` from a [`TcpListener`], or
/// on Unix from a `UnixListener`.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> std::io::Result<()> {
/// use healthcheck_axum::Listener;
///
/// # let directory = std::env::temp_dir().join(format!("healthcheck-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("app.sock");
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let _guard = runtime.enter();
/// let listener: Listener = tokio::net::UnixListener::bind(&path)?.into();
/// # drop(listener);
/// # std::fs::remove_dir_all(directory)
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<Socket>,
    /// The index of the socket that `accept` polls first. The index advances with each poll, so that a busy socket
    /// can't starve the other sockets.
    next: AtomicUsize,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::new(vec![Socket::Tcp(listener)])
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::new(vec![Socket::Unix(listener)])
    }
}

impl Listener {
    const fn new(sockets: Vec<Socket>) -> Self {
        Self {
            sockets,
            next: AtomicUsize::new(0),
        }
    }

    /// Listens on every address of the host name. Skips each address that this machine doesn't have. For example,
    /// `localhost` often includes `::1` even if IPv6 is off. Returns an error if this machine has none of the
    /// addresses.
    pub(super) async fn bind(addr: impl ToSocketAddrs) -> Result<Self, ServeError> {
        let mut addrs = resolve(addr, None).await?;
        addrs.sort_unstable();
        addrs.dedup();
        let mut attempt = 0;
        loop {
            attempt += 1;
            match bind_all(&addrs) {
                Ok(sockets) => return Ok(Self::new(sockets)),
                // The requested port is 0. The system chose a port that is free at the first address, but this port is
                // The requested port is 0, so the system chose a port that is free at the first address. This port is
                // in use at another address. The loop tries again, and the system chooses a new port.
                Err((addr, why))
                    if why.kind() == io::ErrorKind::AddrInUse && addr.port() == 0 && attempt < ATTEMPTS => {}
                Err((addr, why)) => return Err(ServeError::listen(vec![addr], why)),
            }
        }
    }

    /// Returns the addresses of the sockets as texts for the log.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        self.sockets.iter().map(Socket::name).collect()
    }

    /// Returns whether only clients on this machine can reach the listener.
    pub(super) fn is_local(&self) -> bool {
        self.sockets.iter().all(|socket| match socket {
            Socket::Tcp(listener) => listener
                .local_addr()
                .is_ok_and(|addr| addr.ip().to_canonical().is_loopback()),
            #[cfg(unix)]
            Socket::Unix(_) => true,
        })
    }

    /// Removes the listener from its tokio runtime, so that the caller can attach the listener to another runtime.
    pub(super) fn detach(self) -> io::Result<Detached> {
        let sockets = self.sockets.into_iter().map(Socket::detach);
        Ok(Detached(sockets.collect::<io::Result<_>>()?))
    }
}

impl Socket {
    fn name(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => Ok(format!("http://{}", listener.local_addr()?)),
            #[cfg(unix)]
            Self::Unix(listener) => {
                let addr = listener.local_addr()?;
                let path = addr.as_pathname();
                Ok(path.map_or_else(|| "unix:".to_owned(), |path| format!("unix:{}", path.display())))
            }
        }
    }

    fn detach(self) -> io::Result<DetachedSocket> {
        match self {
            Self::Tcp(listener) => listener.into_std().map(DetachedSocket::Tcp),
            #[cfg(unix)]
            Self::Unix(listener) => listener.into_std().map(DetachedSocket::Unix),
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, SocketAddr)>> {
        match self {
            Self::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, peer)| {
                // Turns off Nagle's algorithm, which would delay an answer to wait for more data. If this fails, the
                // connection still works, so the error is ignored.
                let _ = stream.set_nodelay(true);
                (Box::new(stream) as Stream, peer)
            }),
            // Only processes on this machine can connect to a Unix socket. The server treats these clients like clients
            // at 127.0.0.1.
            #[cfg(unix)]
            Self::Unix(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| {
                let peer = SocketAddr::from(([127, 0, 0, 1], 0));
                (Box::new(stream) as Stream, peer)
            }),
        }
    }
}

/// A connection over TCP or over a Unix socket.
pub(super) trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

type Stream = Box<dyn Connection>;

impl Accept for Listener {
    type Io = Stream;

    async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        poll_fn(|cx| {
            let first = self.next.fetch_add(1, Ordering::Relaxed) % self.sockets.len().max(1);
            let (before, from) = self.sockets.split_at(first);
            for socket in from.iter().chain(before) {
                if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// A [`Listener`] that isn't registered with any runtime.
pub(super) struct Detached(Vec<DetachedSocket>);

enum DetachedSocket {
    Tcp(std::net::TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

impl Detached {
    /// Registers the listener with the current runtime.
    pub(super) fn attach(self) -> io::Result<Listener> {
        let sockets = self.0.into_iter().map(|socket| match socket {
            DetachedSocket::Tcp(listener) => TcpListener::from_std(listener).map(Socket::Tcp),
            #[cfg(unix)]
            DetachedSocket::Unix(listener) => UnixListener::from_std(listener).map(Socket::Unix),
        });
        Ok(Listener::new(sockets.collect::<io::Result<_>>()?))
    }
}

/// Resolves an address. `text` is the address as the application wrote it, if that is known. The error contains `text`.
pub(super) async fn resolve(
    addr: impl ToSocketAddrs,
    text: Option<&str>,
) -> Result<Vec<SocketAddr>, ServeError> {
    let found = tokio::net::lookup_host(addr).await;
    let addrs: Vec<SocketAddr> = found.map_err(|why| ServeError::no_address(text, why))?.collect();
    if addrs.is_empty() {
        let why = io::Error::new(io::ErrorKind::InvalidInput, "no address is given");
        return Err(ServeError::no_address(text, why));
    }
    Ok(addrs)
}

/// Listens on each of these addresses. If the port is 0, all sockets get the same free port.
///
/// Skips addresses that this machine doesn't have. Returns an error if this machine has none of the addresses, or if it
/// can't listen on one that it has. The error contains the address.
fn bind_all(addrs: &[SocketAddr]) -> Result<Vec<Socket>, (SocketAddr, io::Error)> {
    let mut sockets = Vec::new();
    let mut port = 0;
    let mut missing = None;
    for &addr in addrs {
        let mut at = addr;
        if at.port() == 0 {
            at.set_port(port);
        }
        match listen(at).and_then(|listener| Ok((listener.local_addr()?.port(), listener))) {
            Ok((taken, listener)) => {
                port = taken;
                sockets.push(Socket::Tcp(listener));
            }
            Err(why) if is_of_another_machine(&why) => missing = Some((addr, why)),
            Err(why) => return Err((addr, why)),
        }
    }
    match missing {
        Some(missing) if sockets.is_empty() => Err(missing),
        _ => Ok(sockets),
    }
}

/// Listens on this address as `TcpListener::bind` does, but with a longer queue of connections to accept.
fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // The option `SO_REUSEADDR` is set only on Unix. On Windows it would let two processes listen on the same address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(QUEUE)
}

/// Returns whether the error means that this machine doesn't have the address, or doesn't support its address family.
/// The latter is `EAFNOSUPPORT` (97 on Linux), which has no `ErrorKind`.
fn is_of_another_machine(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || cfg!(target_os = "linux") && why.raw_os_error() == Some(97)
}
