//! The accept loop. It keeps to the limit of connections, and goes on when the process runs out of file descriptors.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::connection::ConnectionContext;
use super::places::Places;

use crate::log::log;

/// How long to wait for a free slot or file descriptor. The end of a connection cuts the wait short.
const BREATH: Duration = Duration::from_millis(50);

/// A source of connections.
pub(super) trait Accept {
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts a connection. Dropping the future before it completes loses no connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

/// Accepts connections until the future is dropped. The accepted connections stay open in `places`.
pub(super) async fn accept<A: Accept>(
    listener: &A,
    context: &ConnectionContext,
    places: &mut Places,
) -> Infallible {
    let mut spare = Spare::keep();
    loop {
        // The loop accepts one connection above the limit. It is served too, and makes the loop ask others to end.
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
                    // The spare's file descriptor is free for the next connection.
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

/// A file descriptor that is released when none is left, so that a probe can still connect. It is a socket: a container
/// may have no `/dev/null`.
#[cfg(unix)]
struct Spare {
    _socket: std::os::unix::net::UnixDatagram,
}

#[cfg(unix)]
impl Spare {
    /// Opens the spare. Returns `None` if no file descriptor is left.
    fn keep() -> Option<Self> {
        let socket = std::os::unix::net::UnixDatagram::unbound().ok()?;
        Some(Self { _socket: socket })
    }
}

/// On other systems sockets don't count as open files, so the spare is empty.
#[cfg(not(unix))]
struct Spare;

#[cfg(not(unix))]
impl Spare {
    const fn keep() -> Option<Self> {
        Some(Self)
    }
}

/// Whether the error is `ENFILE` or `EMFILE`. They have these numbers on every Unix.
fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Whether the error concerns only this client, for example because it left before it was accepted.
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
