//! Tracks which stage a connection is in, and when the time limit of this stage is over.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::serve::capacity::CapacitySignal;
use crate::serve::limits::Limits;

/// How long a new connection doesn't count as idle, because its first request may still be on its way.
const GRACE: Duration = Duration::from_secs(1);
/// How long a connection stays open after the server has refused a request or sent the last answer. In this time the
/// client can read what the server sent.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Stage {
    /// The client hasn't sent anything since it connected.
    New,
    /// The last answer is sent completely, and the client hasn't sent anything since.
    Idle,
    /// A part of the head of a request has arrived.
    Head,
    /// The head of a request is complete, and hyper is parsing it.
    Parsing,
    /// The handler is answering the request. This stage has no time limit, because the handler limits its own time.
    Busy,
    /// The answer is complete, but the server hasn't sent all of it to the client yet.
    Sending,
    /// The connection is ending. The server sends the client a refusal if there is one, and discards the bytes that the
    /// client still sends.
    Leaving,
}

impl Stage {
    /// All stages, in the order of their discriminants.
    const ALL: [Self; 7] = [
        Self::New,
        Self::Idle,
        Self::Head,
        Self::Parsing,
        Self::Busy,
        Self::Sending,
        Self::Leaving,
    ];
}

/// The stage of a connection. The connection's task changes the stage. If the server needs room for another connection,
/// the accept loop asks this connection to end.
///
/// The connection's task and the accept loop run on the same thread, so relaxed ordering suffices. The fields are
/// atomics only to make the type `Sync`.
pub(in crate::serve) struct ConnectionPhase {
    limits: Limits,
    stage: AtomicU8,
    /// Whether a new time limit has begun during the current poll of the connection. If it has, `look` sets `since` to
    /// the current time after the poll. So each poll reads the clock at most once.
    moved: AtomicBool,
    /// Whether the connection ends after the answer to the current request.
    is_last: AtomicBool,
    state: Mutex<StageState>,
}

/// The time at which the current time limit began, and the waker of the connection's task.
struct StageState {
    since: Instant,
    /// The value of `since` when the accept loop asked the connection to end. `None` if the accept loop hasn't asked.
    /// If a new time limit has begun after that, the connection doesn't end.
    asked: Option<Instant>,
    waker: Option<Waker>,
}

impl ConnectionPhase {
    pub(in crate::serve) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stage: AtomicU8::new(Stage::New as u8),
            moved: AtomicBool::new(false),
            is_last: AtomicBool::new(false),
            state: Mutex::new(StageState {
                since: Instant::now(),
                asked: None,
                waker: None,
            }),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        let stage = usize::from(self.stage.load(Ordering::Relaxed));
        Stage::ALL.get(stage).copied().unwrap_or(Stage::Leaving)
    }

    /// Changes the stage of the connection. Most changes begin a new time limit.
    ///
    /// A single time limit covers the stages `New`, `Head` and `Parsing`: going on to a later one of these three stages
    /// begins no new limit. So a client can't get more time by sending a head slowly.
    pub(super) fn enter(&self, stage: Stage) {
        let goes_on = matches!(
            (self.stage(), stage),
            (Stage::New, Stage::Head) | (Stage::New | Stage::Head, Stage::Parsing)
        );
        if !goes_on {
            self.moved.store(true, Ordering::Relaxed);
        }
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Records that hyper has parsed the head of a request, and that the handler now answers the request. If `is_last`
    /// is true, the connection ends after this answer.
    pub(super) fn is_taken(&self, is_last: bool) {
        self.enter(Stage::Busy);
        if is_last {
            self.is_last.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Returns `Break` if the connection has to end now. Otherwise returns `Continue` with the deadline of the current
    /// stage, or with `None` if the stage has no deadline.
    ///
    /// The connection's task calls this method after it has polled the connection. If a request has just arrived, that
    /// poll has already changed the stage.
    pub(super) fn look(&self, waker: &Waker, capacity: &CapacitySignal) -> ControlFlow<(), Option<Instant>> {
        let stage = self.stage();
        let mut state = self.lock();
        if self.moved.swap(false, Ordering::Relaxed) {
            state.since = Instant::now();
        }
        match &mut state.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let is_asked = state.asked.take() == Some(state.since);
        let ends = match stage {
            Stage::New | Stage::Leaving => is_asked || capacity.is_closing(),
            Stage::Idle => is_asked || capacity.is_closing() || capacity.is_full(),
            Stage::Head | Stage::Parsing | Stage::Sending => is_asked,
            Stage::Busy => false,
        };
        if ends {
            return ControlFlow::Break(());
        }
        let limit = match stage {
            Stage::New | Stage::Head | Stage::Parsing | Stage::Sending => self.limits.head,
            Stage::Idle => self.limits.idle,
            Stage::Leaving => FAREWELL,
            Stage::Busy => return ControlFlow::Continue(None),
        };
        // `checked_add` can't overflow here, because all limits are short.
        ControlFlow::Continue(Some(state.since.checked_add(limit).unwrap_or(state.since)))
    }

    /// Returns the rank of the connection, which says how expendable it is, and the time at which its current time
    /// limit began. Returns `None` while the handler is answering a request of this connection.
    ///
    /// The server first closes the connections with the smallest rank. Among connections of the same rank, it first
    /// closes the connection with the earliest time.
    pub(in crate::serve) fn rank(&self, now: Instant) -> Option<(Rank, Instant)> {
        let since = self.lock().since;
        let rank = match self.stage() {
            Stage::New if now.saturating_duration_since(since) < GRACE => Rank::Unfinished,
            Stage::New | Stage::Idle | Stage::Leaving => Rank::Idle,
            Stage::Head | Stage::Parsing => Rank::Unfinished,
            Stage::Sending => Rank::Unsent,
            Stage::Busy => return None,
        };
        Some((rank, since))
    }

    /// Asks the connection to end. The connection's task first reads the bytes that have already arrived. If a new time
    /// limit has begun after `since`, the connection doesn't end.
    pub(in crate::serve) fn ask(&self, since: Instant) {
        self.lock().asked = Some(since);
        self.wake();
    }

    /// Wakes the connection's task, which calls [`look`](Self::look) again.
    pub(in crate::serve) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, StageState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How expendable a connection is. If the server has to make room, it first closes the connections with the smallest
/// rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum Rank {
    /// The client has no request in progress.
    Idle,
    /// A part of the head of a request has arrived. Or the connection is so new that its first request may be on its
    /// way.
    Unfinished,
    /// The server can't send the whole answer, because the client doesn't read it.
    Unsent,
}
