//! The open connections of the server. Their number is limited: if too many clients are connected, the server closes
//! some connections to make room.
//!
//! Without this limit, a client could open many connections and leave them idle, so that the orchestrator's probes
//! couldn't connect.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::capacity::CapacitySignal;
use super::connection::{self, ConnectionContext, ConnectionPhase, Rank};

/// To make room, the server asks one in 16 connections to end, but at least one connection.
///
/// Each search for expendable connections takes time. Because each search frees room for several clients, the server
/// rarely has to search, even if clients connect fast.
const PART: usize = 16;

/// The open connections of the server. A separate task serves each connection.
pub(super) struct Places {
    tasks: JoinSet<()>,
    open: HashMap<Id, Arc<ConnectionPhase>>,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            open: HashMap::new(),
        }
    }

    /// Returns the number of open connections.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Spawns a task that serves this connection.
    pub(super) fn seat(
        &mut self,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        context: &ConnectionContext,
    ) {
        let phase = Arc::new(ConnectionPhase::new(context.limits));
        let served = connection::serve(io, peer, context.clone(), Arc::clone(&phase));
        let task = self.tasks.spawn(served);
        self.open.insert(task.id(), phase);
    }

    /// Asks some connections to end. If `all_idle` is true, these are all idle connections, otherwise a sixteenth of
    /// all connections. Asks at least one connection.
    ///
    /// Asks in this order: the connections that have been idle for longest, the connections with the oldest incomplete
    /// head of a request, the connections whose client doesn't read the answer.
    ///
    /// Doesn't abort the task of a connection: the socket may hold a request that the task hasn't read yet.
    pub(super) fn make_room(&self, all_idle: bool) {
        let now = Instant::now();
        let open = self.open.values();
        let mut dispensable: Vec<_> = open.filter_map(|phase| Some((phase.rank(now)?, phase))).collect();
        dispensable.sort_unstable_by_key(|(rank, _)| *rank);
        let idle = dispensable.partition_point(|((rank, _), _)| *rank == Rank::Idle);
        let part = if all_idle { idle } else { self.open.len() / PART };
        for ((_, since), phase) in dispensable.into_iter().take(part.max(1)) {
            phase.ask(since);
        }
    }

    /// Waits until at least one connection has ended, and removes all connections that have ended. If no connection is
    /// open, waits forever.
    pub(super) async fn ended(&mut self) {
        let Some(first) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let mut next = Some(first);
        // Removes every connection that has ended, not only the first one, because the connections that `make_room`
        // asks to end all end at about the same time.
        while let Some(ended) = next {
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            self.open.remove(&id);
            next = self.tasks.try_join_next_with_id();
        }
    }

    /// Tells each connection to end, and waits until all connections have ended. Each connection first answers the
    /// requests that it has already received.
    pub(super) async fn close(&mut self, capacity: &CapacitySignal) {
        capacity.close();
        for phase in self.open.values() {
            phase.wake();
        }
        while self.tasks.join_next().await.is_some() {}
    }
}
