//! The accept loop: as many connections as the limit allows, and no end of it when files run out.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::connection::Site;
use super::places::Places;

/// How long to wait for a free file, unless a connection ends before.
const BREATH: Duration = Duration::from_millis(100);
/// A process at its limit accepts one now and fails at the next: that is told no more often than this.
const SILENCE: Duration = Duration::from_secs(60);

/// Where connections come from.
pub(super) trait Listener {
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Loses no connection when it is dropped unfinished.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Answers are small and whole: there is nothing to gather. A connection without it is as good.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

/// Accepts until it is dropped; the connections keep their places.
pub(super) async fn accept<L: Listener>(listener: &L, site: &Site, places: &mut Places<L::Io>) -> Infallible {
    let mut told = None;
    loop {
        if places.are_waited_for() {
            // What has come for the others is read first: whoever has asked isn't idle.
            yield_now().await;
            places.make_room(site.limits);
            if !places.seat(site) {
                places.changed().await;
            }
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = places.ended() => continue,
        };
        match accepted {
            Ok((io, peer)) => {
                places.take(io, peer);
                places.seat(site);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                let now = Instant::now();
                if told.is_none_or(|told| now.saturating_duration_since(told) >= SILENCE) {
                    told = Some(now);
                    tracing::error!(%error, "can't accept connections; the open ones are kept, and it is tried again");
                }
                tokio::select! {
                    () = sleep(BREATH) => {}
                    () = places.ended() => {}
                }
            }
        }
    }
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
