//! The stage of a connection, with its time limit.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::serve::capacity::CapacitySignal;
use crate::serve::limits::Limits;

/// How long a new connection isn't considered idle, because its first request may still arrive.
const GRACE: Duration = Duration::from_secs(1);
/// How long the connection of a refused client stays open, so that the client can read the reason.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Stage {
    /// The client has sent nothing since it connected.
    New,
    /// The last answer is sent completely, and the client has sent nothing since.
    Idle,
    /// A part of a request's head has arrived.
    Head,
    /// The head is complete, and hyper parses it.
    Parsing,
    /// The handler is answering the request. The handler has time limits of its own.
    Busy,
    /// The answer is complete, but the client hasn't received all of it.
    Sending,
    /// The last answer is sent. The remaining bytes from the client are discarded.
    Leaving,
}

impl Stage {
    /// All stages. The index of each stage is its discriminant.
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

/// The stage of a connection. The connection's task changes the stage, and the accept loop asks the connection to end
/// if others need its slot. Both run on the server's one thread. So the atomics only make the type `Sync`, and relaxed
/// ordering is enough.
pub(in crate::serve) struct ConnectionPhase {
    limits: Limits,
    stage: AtomicU8,
    /// Whether a stage began during the current poll of the connection. `since` is set once after the poll, so that
    /// each poll reads the clock only once.
    moved: AtomicBool,
    /// Whether the connection ends after the current request.
    is_last: AtomicBool,
    state: Mutex<StageState>,
}

/// Since when the connection is in its stage, and how to wake its task.
struct StageState {
    since: Instant,
    /// The `since` of the stage in which the accept loop asked the connection to end. In a later stage the connection
    /// ignores the request to end.
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

    /// Enters a stage, and begins its time limit. There are two exceptions: the limit of the first head began with the
    /// connection, and parsing continues the limit of the head.
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

    /// Records that hyper has parsed a head. If `is_last`, the connection ends after the answer to this request.
    pub(super) fn is_taken(&self, is_last: bool) {
        self.enter(Stage::Busy);
        if is_last {
            self.is_last.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Decides whether the connection ends now, and otherwise returns its deadline, if there is one. The connection's
    /// task calls this after each poll, so that a request that has just arrived counts.
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
        // The sum can't overflow, because all limits are short.
        ControlFlow::Continue(Some(state.since.checked_add(limit).unwrap_or(state.since)))
    }

    /// Returns how expendable the connection is, and since when it is in its stage. Connections with smaller ranks are
    /// closed first. Returns `None` while the connection's request is being answered.
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

    /// Asks the connection to end if it is still in the stage that began at `since`. The connection's task first reads
    /// the bytes that have arrived.
    pub(in crate::serve) fn ask(&self, since: Instant) {
        self.lock().asked = Some(since);
        self.wake();
    }

    /// Wakes the connection's task, so that it calls [`look`](Self::look) again.
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

/// The order in which connections are closed to make room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum Rank {
    /// No request is pending.
    Idle,
    /// A part of a request's head has arrived, or the connection is so new that it may still arrive.
    Unfinished,
    /// The client doesn't read its answer.
    Unsent,
}
