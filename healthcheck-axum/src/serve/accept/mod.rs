//! The accept loop. It keeps the number of connections within the limit, and continues when the process runs out of
//! file descriptors.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::connection::ConnectionContext;
use super::places::Places;

use crate::log::log;

/// How long the accept loop waits while the server has too many connections or no free file descriptor. The wait ends
/// early when a connection ends.
const BREATH: Duration = Duration::from_millis(50);

/// A source of connections, such as a listener.
pub(super) trait Accept {
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts a connection. Dropping the future before it completes loses no connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

/// Accepts connections until the caller drops this future. Dropping the future closes no connection, because `places`
/// owns the open connections.
pub(super) async fn accept<A: Accept>(
    listener: &A,
    context: &ConnectionContext,
    places: &mut Places,
) -> Infallible {
    let mut spare = Spare::keep();
    loop {
        // The loop accepts and serves one connection more than the limit. Only then does it ask other connections to
        // end.
        let is_crowded = places.len() > context.limits.connections;
        context.capacity.set_full(is_crowded || spare.is_none());
        if is_crowded {
            places.make_room(false);
            ended_or_breath(places).await;
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = places.ended() => {
                spare = spare.or_else(Spare::keep);
                continue;
            }
        };
        match accepted {
            Ok((io, peer)) => {
                places.seat(io, peer, context);
                spare = spare.or_else(Spare::keep);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                let out_of_files = is_out_of_files(&error);
                if context.capacity.cannot_accept.is_due() {
                    log!(
                        ERROR,
                        %error,
                        "can't accept connections; the open ones are served, and it is tried again"
                    );
                }
                if out_of_files {
                    places.make_room(true);
                    // Dropping `spare` closes its file descriptor. The next connection can use this descriptor.
                    if spare.take().is_some() {
                        continue;
                    }
                }
                ended_or_breath(places).await;
                spare = spare.or_else(Spare::keep);
            }
        }
    }
}

async fn ended_or_breath(places: &mut Places) {
    tokio::select! {
        () = places.ended() => {}
        () = sleep(BREATH) => {}
    }
}

/// A file descriptor in reserve. If the process can't open another file descriptor, the accept loop closes this one.
/// The loop can then accept one more connection, such as the connection of a probe.
///
/// The descriptor is a socket, because a socket needs no file. In a container, even `/dev/null` may be missing.
#[cfg(unix)]
struct Spare {
    _socket: std::os::unix::net::UnixDatagram,
}

#[cfg(unix)]
impl Spare {
    /// Opens a file descriptor to keep in reserve. Returns `None` if the process can't open another file descriptor.
    fn keep() -> Option<Self> {
        let socket = std::os::unix::net::UnixDatagram::unbound().ok()?;
        Some(Self { _socket: socket })
    }
}

/// On systems other than Unix, sockets don't count as open files. No file descriptor has to be kept in reserve, so this
/// type is empty.
#[cfg(not(unix))]
struct Spare;

#[cfg(not(unix))]
impl Spare {
    const fn keep() -> Option<Self> {
        Some(Self)
    }
}

/// Returns whether the error means that no file descriptor is free. `ENFILE` is 23 and `EMFILE` is 24 on every Unix.
fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Returns whether the error concerns only one client, for example because the client closed its connection before the
/// server accepted it.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests;
