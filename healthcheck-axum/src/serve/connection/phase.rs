//! What a connection is doing, since when, and for how long it may go on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::serve::capacity::CapacitySignal;
use crate::serve::limits::Limits;

/// A connection in its first second hasn't stood idle yet: its request may be on its way.
const GRACE: Duration = Duration::from_secs(1);
/// How long a client has to read why it was refused.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Stage {
    /// Nothing has come since the connection was opened.
    New,
    /// The last answer is through, and nothing has come since.
    Idle,
    /// A part of a request's head has come.
    Head,
    /// The head is whole, and hyper has it.
    Parsing,
    /// The request is being answered; answers have time limits of their own.
    Busy,
    /// The answer is made, and the client hasn't taken all of it.
    Sending,
    /// The last answer is through, and the rest of what the client sends is discarded.
    Leaving,
}

impl Stage {
    /// In the order of the variants.
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

/// Shared between the connection's task, which moves from stage to stage, and the accept loop, which asks connections to
/// end where others need their place. Both run on the server's one thread: the atomics are cells that may be shared.
pub(in crate::serve) struct ConnectionPhase {
    limits: Limits,
    stage: AtomicU8,
    /// The stage began during the current poll of the connection: `since` is set at its end, one look at the clock for
    /// all that the poll did.
    moved: AtomicBool,
    /// No further request is read.
    is_last: AtomicBool,
    state: Mutex<StageState>,
}

/// Since when the connection is in its stage, and how to wake its task.
struct StageState {
    since: Instant,
    /// The accept loop wants the place of a connection that has been in its stage since then.
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

    /// The first head has its time from the opening of the connection, and hyper's parsing belongs to it; each other
    /// stage has time of its own.
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

    /// hyper has read a head; `is_last`: the connection ends with this request's answer.
    pub(super) fn is_taken(&self, is_last: bool) {
        self.enter(Stage::Busy);
        if is_last {
            self.is_last.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Whether the connection ends now, and until when it may go on as it is. Called after each poll of the connection,
    /// so that a request which has come meanwhile counts.
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
        // The clock holds every one of these limits.
        ControlFlow::Continue(Some(state.since.checked_add(limit).unwrap_or(state.since)))
    }

    /// How easily the connection can be missed, and since when: the least one goes first. `None`: it is being answered.
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

    /// Asks the connection to end if it is still in the stage that began then. Its task first reads the received bytes.
    pub(in crate::serve) fn ask(&self, since: Instant) {
        self.lock().asked = Some(since);
        self.wake();
    }

    /// Lets the connection's task look again at the house.
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

/// In the order in which connections make room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum Rank {
    /// Nothing is asked.
    Idle,
    /// A request's head is on its way.
    Unfinished,
    /// The client doesn't take its answer.
    Unsent,
}
