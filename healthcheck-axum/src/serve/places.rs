//! The open connections. Their number is limited: if all slots are taken, some connections are closed to make room.
//! Otherwise a client could keep the orchestrator's probes out by opening many connections and leaving them idle.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::capacity::CapacitySignal;
use super::connection::{self, ConnectionContext, ConnectionPhase, Rank};

/// The fraction of the connections (a sixteenth) that is closed at once if slots are needed. Closing several at once
/// makes the search for expendable connections rare, however fast clients connect.
const PART: usize = 16;

/// The connections that the server serves, each in a task of its own.
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

    /// The number of open connections.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Serves a connection in a new task.
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

    /// Asks some connections to end. The first are those that have been idle for longest, then those with the oldest
    /// incomplete head, then those whose client doesn't read the answer. If `all_idle` is set, asks every idle
    /// connection. Doesn't abort the tasks: a socket may hold a request that the connection's task hasn't read yet.
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

    /// Removes the connections that have ended. Waits until at least one has ended, and forever if none is open.
    pub(super) async fn ended(&mut self) {
        let Some(first) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let mut next = Some(first);
        // Removes all ended connections, because those that `make_room` asks end at the same time.
        while let Some(ended) = next {
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            self.open.remove(&id);
            next = self.tasks.try_join_next_with_id();
        }
    }

    /// Ends each connection after the requests that it has received so far, and waits for all of them.
    pub(super) async fn close(&mut self, capacity: &CapacitySignal) {
        capacity.close();
        for phase in self.open.values() {
            phase.wake();
        }
        while self.tasks.join_next().await.is_some() {}
    }
}
