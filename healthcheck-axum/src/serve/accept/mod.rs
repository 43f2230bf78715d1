//! The accept loop: as many connections as the limit allows, and no end of it when files run out.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::connection::ConnectionContext;
use super::places::Places;

use crate::log::log;

/// How long to wait for a free place or file, unless a connection ends before.
const BREATH: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(super) trait Accept {
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Loses no connection when it is dropped unfinished.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

/// Accepts until it is dropped; the connections keep their places.
pub(super) async fn accept<A: Accept>(
    listener: &A,
    context: &ConnectionContext,
    places: &mut Places,
) -> Infallible {
    let mut spare = Spare::keep();
    loop {
        // The last one accepted has a place of its own, so that the next one in the kernel's queue makes others go.
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
                    // The spare file's place is the next connection's.
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

/// A file that is closed when none is left, so that a probe still gets one. It is a socket, since a container may have no
/// `/dev/null`.
#[cfg(unix)]
struct Spare {
    _socket: std::os::unix::net::UnixDatagram,
}

#[cfg(unix)]
impl Spare {
    /// `None`: no file is left.
    fn keep() -> Option<Self> {
        let socket = std::os::unix::net::UnixDatagram::unbound().ok()?;
        Some(Self { _socket: socket })
    }
}

/// Elsewhere sockets aren't counted as files.
#[cfg(not(unix))]
struct Spare;

#[cfg(not(unix))]
impl Spare {
    const fn keep() -> Option<Self> {
        Some(Self)
    }
}

/// `ENFILE` and `EMFILE`, which have these numbers on every Unix.
fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Whether the client went away before it was accepted.
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
