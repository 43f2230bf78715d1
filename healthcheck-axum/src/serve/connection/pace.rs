//! What a connection is doing, since when, and for how long it may go on.

use std::mem;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::serve::limits::Limits;
use crate::serve::places::House;

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

/// Shared between the connection's task, which moves from stage to stage, and the accept loop, which asks connections to
/// end where others need their place.
pub(in crate::serve) struct Pace {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    since: Instant,
    /// The stage began during the current poll of the connection: `since` is set at its end, one look at the clock for
    /// all that the poll did.
    moved: bool,
    /// The accept loop wants the place of a connection that has been in its stage since then.
    asked: Option<Instant>,
    waker: Option<Waker>,
    /// No further request is read.
    is_last: bool,
}

impl Pace {
    pub(in crate::serve) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                stage: Stage::New,
                since: Instant::now(),
                moved: false,
                asked: None,
                waker: None,
                is_last: false,
            }),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.lock().stage
    }

    /// The first head has its time from the opening of the connection, and hyper's parsing belongs to it; each other
    /// stage has time of its own.
    pub(super) fn enter(&self, stage: Stage) {
        let mut state = self.lock();
        let goes_on = matches!(
            (state.stage, stage),
            (Stage::New, Stage::Head) | (Stage::New | Stage::Head, Stage::Parsing)
        );
        state.moved |= !goes_on;
        state.stage = stage;
    }

    /// hyper has read a head; `is_last`: the connection ends with this request's answer.
    pub(super) fn is_taken(&self, is_last: bool) {
        self.enter(Stage::Busy);
        self.lock().is_last |= is_last;
    }

    pub(super) fn is_last(&self) -> bool {
        self.lock().is_last
    }

    /// The client took a part of its answer: its time for the rest begins anew.
    pub(super) fn took_a_part(&self) {
        let mut state = self.lock();
        state.moved |= state.stage == Stage::Sending;
    }

    /// Whether the connection ends now, and until when it may go on as it is. Called after each poll of the connection, so that a request which has come
    /// meanwhile counts.
    pub(super) fn look(&self, waker: &Waker, house: &House) -> ControlFlow<(), Option<Instant>> {
        let mut state = self.lock();
        if mem::take(&mut state.moved) {
            state.since = Instant::now();
        }
        match &mut state.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let is_asked = state.asked.take() == Some(state.since);
        let ends = match state.stage {
            Stage::New | Stage::Leaving => is_asked || house.is_closing(),
            Stage::Idle => is_asked || house.is_closing() || house.is_full(),
            Stage::Head | Stage::Parsing | Stage::Sending => is_asked,
            Stage::Busy => false,
        };
        let limit = match state.stage {
            Stage::New | Stage::Head | Stage::Parsing | Stage::Sending => self.limits.head,
            Stage::Idle => self.limits.idle,
            Stage::Leaving => FAREWELL,
            Stage::Busy => return ControlFlow::Continue(None),
        };
        // The clock holds every one of these limits.
        let at = state.since.checked_add(limit).unwrap_or(state.since);
        if ends {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(Some(at))
        }
    }

    /// How easily the connection can be missed, and since when: the least one goes first. `None`: it is being answered.
    pub(in crate::serve) fn rank(&self, now: Instant) -> Option<(Rank, Instant)> {
        let state = self.lock();
        let rank = match state.stage {
            Stage::New if now.saturating_duration_since(state.since) < GRACE => Rank::Unfinished,
            Stage::New | Stage::Idle | Stage::Leaving => Rank::Idle,
            Stage::Head | Stage::Parsing => Rank::Unfinished,
            Stage::Sending => Rank::Unsent,
            Stage::Busy => return None,
        };
        Some((rank, state.since))
    }

    /// Asks the connection to end if it is still in the stage that began then. Its task reads first what has come.
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

    fn lock(&self) -> MutexGuard<'_, State> {
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
