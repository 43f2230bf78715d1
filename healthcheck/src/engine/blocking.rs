//! Threads for sync checks, apart from tokio's blocking pool: a runtime waits at its end for the runs in that pool,
//! so one hung check there keeps a process from ending. These threads are detached, and nobody waits for them.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many sync checks run at once. Stuck ones have given their place back and don't count.
const MOST: usize = 64;
/// How long a thread waits for the next check before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Job = (Arc<Place>, Box<dyn FnOnce() + Send>);

/// The threads of one registry, started as they are needed.
#[derive(Clone, Default)]
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Places that are taken by running checks.
    busy: usize,
    /// Threads that wait for a check, or will as soon as they have started.
    idle: usize,
}

/// One running check's share of the limit.
pub(crate) struct Place {
    shared: Arc<Shared>,
    /// Only looked at under the lock of `shared`.
    hold: Mutex<Hold>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Queued,
    Taken,
    GivenBack,
}

impl Threads {
    /// Runs the job on a thread of its own as soon as a place is free.
    ///
    /// # Errors
    /// No thread could be started, and none is there that will come round to it. The job is dropped.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<Arc<Place>> {
        let place = Arc::new(Place {
            shared: Arc::clone(&self.shared),
            hold: Mutex::new(Hold::Queued),
        });
        let mut state = self.shared.lock();
        state.queue.push_back((Arc::clone(&place), Box::new(job)));
        if let Err(error) = self.shared.reinforce(&mut state) {
            let nobody_left = state.busy + state.idle == 0;
            let unserved = if nobody_left {
                std::mem::take(&mut state.queue)
            } else {
                VecDeque::new()
            };
            drop(state);
            if nobody_left {
                // Dropped outside the lock: the guards in them publish.
                drop(unserved);
                return Err(error);
            }
        }
        Ok(place)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a waiting thread, or starts one where the limit allows.
    fn reinforce(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        // Also where all of them have work enough: one may wait for nothing but a place.
        self.work.notify_one();
        if state.queue.len() <= state.idle || state.busy + state.idle >= MOST {
            return Ok(());
        }
        let shared = Arc::clone(self);
        thread::Builder::new()
            .name("healthcheck".into())
            .spawn(move || shared.serve())?;
        state.idle += 1;
        Ok(())
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if state.busy < MOST
                && let Some((place, job)) = state.queue.pop_front()
            {
                state.idle -= 1;
                state.busy += usize::from(place.advance(Hold::Queued, Hold::Taken));
                drop(state);
                // What a check does is caught before this; what is left is a subscriber of its log lines.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(job)) {
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                }
                state = self.lock();
                state.busy -= usize::from(place.advance(Hold::Taken, Hold::GivenBack));
                state.idle += 1;
                continue;
            }
            let (woken, timeout) = self
                .work
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() && state.queue.is_empty() {
                state.idle -= 1;
                return;
            }
        }
    }
}

impl Place {
    /// The run is stuck: another one may take its place.
    pub(crate) fn give_back(&self) {
        let mut state = self.shared.lock();
        if self.advance(Hold::Queued, Hold::GivenBack) || !self.advance(Hold::Taken, Hold::GivenBack) {
            return;
        }
        state.busy -= 1;
        if !state.queue.is_empty() {
            // Where no thread can be started now, one of the others comes round to the queue.
            let _ = self.shared.reinforce(&mut state);
        }
    }

    fn advance(&self, from: Hold, to: Hold) -> bool {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let found = *hold == from;
        if found {
            *hold = to;
        }
        found
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place")
            .field("hold", &self.hold)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Instant;

    /// Jobs that say that they have begun, then end when they are told to.
    fn hung(threads: &Threads, count: usize) -> (Vec<Arc<Place>>, Receiver<()>, Sender<()>) {
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        let places = (0..count).map(|_| {
            let (begin, ended) = (begin.clone(), Arc::clone(&ended));
            let job = move || {
                begin.send(()).unwrap();
                let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).recv();
            };
            threads.run(job).unwrap()
        });
        (places.collect(), begun, end)
    }

    #[test]
    fn a_place_that_is_given_back_wakes_a_thread_that_waits_for_one() {
        let threads = Threads::default();
        let (stuck, begun, end_stuck) = hung(&threads, MOST);
        (0..MOST).for_each(|_| begun.recv().unwrap());
        stuck.iter().for_each(|place| place.give_back());
        let (busy, begun, end_busy) = hung(&threads, MOST);
        (0..MOST).for_each(|_| begun.recv().unwrap());
        // These threads have nothing to do now, since all places are taken by the others.
        drop(end_stuck);
        while threads.shared.lock().idle < MOST {
            thread::yield_now();
        }
        let (done, ran) = channel();
        for _ in 0..2 * MOST {
            let done = done.clone();
            threads.run(move || done.send(()).unwrap()).unwrap();
        }
        let began = Instant::now();
        busy[0].give_back();
        (0..2 * MOST).for_each(|_| ran.recv().unwrap());
        assert!(began.elapsed() < IDLE / 2, "{:?}", began.elapsed());
        drop(end_busy);
    }

    #[test]
    fn a_job_that_panics_keeps_no_place() {
        let threads = Threads::default();
        for _ in 0..2 * MOST {
            threads
                .run(|| std::panic::resume_unwind(Box::new("a listener of log lines")))
                .unwrap();
        }
        let (done, ran) = channel();
        threads.run(move || done.send(()).unwrap()).unwrap();
        assert!(ran.recv_timeout(IDLE / 2).is_ok());
    }
}
