//! The open connections, at most so many: where every place is taken, those that can be missed make room. Else somebody
//! who opens as many and leaves them idle would keep the orchestrator's probes out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::capacity::CapacitySignal;
use super::connection::{self, ConnectionContext, ConnectionPhase, Rank};

/// Where places are needed, this part of them is made free at once, so that the search for them costs next to nothing
/// however fast clients come.
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

    /// How many connections are served.
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

    /// Asks a part of the connections to end: first those that have stood idle longest, then those whose head is
    /// unfinished for longest, then those that don't take their answer. `all_idle`: every idle one. They aren't aborted:
    /// a request may have come that its task hasn't read yet.
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

    /// When some of them have ended; never, where there is none.
    pub(super) async fn ended(&mut self) {
        let Some(first) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let mut next = Some(first);
        // All of them: who makes room for others ends together.
        while let Some(ended) = next {
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            self.open.remove(&id);
            next = self.tasks.try_join_next_with_id();
        }
    }

    /// Ends each connection once it has answered the requests received so far, and waits for all of them.
    pub(super) async fn close(&mut self, capacity: &CapacitySignal) {
        capacity.close();
        for phase in self.open.values() {
            phase.wake();
        }
        while self.tasks.join_next().await.is_some() {}
    }
}
