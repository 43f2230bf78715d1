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

/// If slots are needed, this fraction of the connections (a sixteenth) is closed at once. So the search for expendable
/// connections is rare, however fast clients connect.
const PART: usize = 16;

/// The connections that are served.
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

    /// Asks some connections to end. First come those that have been idle longest, then those with the oldest
    /// incomplete head, then those whose client doesn't read the answer. With `all_idle`, asks every idle one. Doesn't
    /// abort them: a connection may have received a request that its task hasn't read yet.
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

    /// Waits until at least one connection has ended. Waits forever if there is none.
    pub(super) async fn ended(&mut self) {
        let Some(first) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let mut next = Some(first);
        // Collects all ended connections, since those that make room end at the same time.
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
