//! The open connections, at most so many: where every place is taken, the one that has stood idle longest makes room,
//! as in nginx. Else whoever opens as many and leaves them idle would keep the orchestrator's probes out.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::connection::{self, Site};
use super::limits::Limits;
use super::pace::Pace;

/// The connections that are served, and the next one.
pub(super) struct Places<Io> {
    tasks: JoinSet<()>,
    open: HashMap<Id, Arc<Pace>>,
    /// Those that were idle at the last look, the longest idle last.
    idle: Vec<(Instant, Id)>,
    /// The one that was asked to make room last.
    asked: Option<Id>,
    /// Accepted, and without a place.
    waiting: Option<(Io, SocketAddr)>,
    crowd: Arc<Crowd>,
}

/// How a connection that has become idle tells that to one which waits for a place.
#[derive(Default)]
pub(super) struct Crowd {
    waits: AtomicBool,
    idle: Notify,
}

impl Crowd {
    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    pub(super) fn tell_idle(&self) {
        self.idle.notify_one();
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Places<Io> {
    pub(super) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            open: HashMap::new(),
            idle: Vec::new(),
            asked: None,
            waiting: None,
            crowd: Arc::default(),
        }
    }

    /// How many are served.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether the one accepted last has no place yet.
    pub(super) const fn are_waited_for(&self) -> bool {
        self.waiting.is_some()
    }

    /// One that was accepted: it waits until it has a seat.
    pub(super) fn take(&mut self, io: Io, peer: SocketAddr) {
        self.waiting = Some((io, peer));
    }

    /// Serves the one that waits where a place is free; whether none waits any more.
    pub(super) fn seat(&mut self, site: &Site) -> bool {
        let free = self.open.len() < site.limits.connections;
        if let Some((io, peer)) = self.waiting.take_if(|_| free) {
            let pace = Arc::new(Pace::new(site.limits, Arc::clone(&self.crowd)));
            let served = connection::serve(io, peer, site.clone(), Arc::clone(&pace));
            let task = self.tasks.spawn(served);
            self.open.insert(task.id(), pace);
        }
        self.crowd.waits.store(self.waiting.is_some(), Ordering::Relaxed);
        self.waiting.is_none()
    }

    /// Where every place is taken: asks the connection that has stood idle longest to end, one at a time. It isn't
    /// aborted, since a request may have come that its task hasn't read: of many tasks that are ready some run only
    /// after this. The task looks first.
    pub(super) fn make_room(&mut self, limits: Limits) {
        let asked = self.asked.and_then(|id| self.open.get(&id));
        if self.open.len() < limits.connections || asked.is_some_and(|pace| pace.is_asked()) {
            return;
        }
        self.asked = self.longest_idle().map(|(since, id, pace)| {
            pace.ask(since);
            id
        });
    }

    fn longest_idle(&mut self) -> Option<(Instant, Id, &Pace)> {
        loop {
            while let Some((since, id)) = self.idle.pop() {
                if let Some(pace) = self.open.get(&id)
                    && pace.idle_since() == Some(since)
                {
                    return Some((since, id, pace));
                }
            }
            // All others have become idle later than those of the last look.
            let open = self.open.iter();
            self.idle
                .extend(open.filter_map(|(id, pace)| Some((pace.idle_since()?, *id))));
            if self.idle.is_empty() {
                return None;
            }
            self.idle.sort_unstable_by_key(|(since, _)| Reverse(*since));
        }
    }

    /// When one of them has ended; never, where there is none.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                self.open.remove(&id);
            }
            None => std::future::pending().await,
        }
    }

    /// When one of them has ended, or has become idle while another one waits.
    pub(super) async fn changed(&mut self) {
        let crowd = Arc::clone(&self.crowd);
        tokio::select! {
            () = self.ended() => {}
            () = crowd.idle.notified() => {}
        }
    }

    /// When all of them have ended; the one that waits is turned away.
    pub(super) async fn all_ended(&mut self) {
        self.waiting = None;
        while self.tasks.join_next().await.is_some() {}
    }
}
