//! Threads for sync checks, apart from tokio's blocking pool: a runtime waits at its end for the runs in that pool, so one
//! hung check there keeps a process from ending. These threads are detached, and nobody waits for them.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many sync checks run at once. Stuck ones have released their permit and don't count.
const MAX_RUNNING: usize = 64;
/// How long a thread waits for the next check before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(io::Result<()>) + Send>;

/// The threads of one registry, started as they are needed.
#[derive(Clone)]
pub(super) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Pool>,
    wakeup: Condvar,
    start: fn(Arc<Self>) -> io::Result<()>,
}

#[derive(Default)]
struct Pool {
    queue: VecDeque<(Arc<Permit>, Job)>,
    /// Permits that are held by running checks.
    held_permits: usize,
    /// Threads that wait for a check, or will as soon as they have started.
    idle_threads: usize,
    /// The process that the threads belong to: a fork takes none of them along.
    process: u32,
    /// Counts the forks, so that a permit of another process releases nothing here.
    fork: u64,
    closed: bool,
}

/// One running check's share of the limit.
pub(super) struct Permit {
    shared: Arc<Shared>,
    fork: u64,
    /// Only looked at under the lock of `shared`.
    state: Mutex<PermitState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PermitState {
    Queued,
    Held,
    Released,
}

impl Default for Threads {
    fn default() -> Self {
        Self::with_starter(|shared| {
            let thread = thread::Builder::new().name("healthcheck".into());
            thread.spawn(move || shared.run_jobs()).map(drop)
        })
    }
}

impl Threads {
    fn with_starter(start: fn(Arc<Shared>) -> io::Result<()>) -> Self {
        let state = Pool {
            process: std::process::id(),
            ..Pool::default()
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                wakeup: Condvar::new(),
                start,
            }),
        }
    }

    /// Does the work on a thread of its own as soon as a permit is free. The work gets the error where no thread could be
    /// started and none is there that will come round to it; then there is no permit.
    pub(super) fn run(&self, job: impl FnOnce(io::Result<()>) + Send + 'static) -> Option<Arc<Permit>> {
        let mut state = self.shared.lock();
        let permit = Arc::new(Permit {
            shared: Arc::clone(&self.shared),
            fork: state.fork,
            state: Mutex::new(PermitState::Queued),
        });
        state.queue.push_back((Arc::clone(&permit), Box::new(job)));
        let Err(error) = self.shared.wake_or_start_thread(&mut state) else {
            return Some(permit);
        };
        if state.held_permits + state.idle_threads > 0 {
            return Some(permit);
        }
        // No thread will take any of these jobs. Each job gets the error, outside of the lock.
        let failed = std::mem::take(&mut state.queue);
        drop(state);
        for (_, job) in failed {
            job(Err(io::Error::new(error.kind(), error.to_string())));
        }
        None
    }

    /// Has every thread end as soon as it has nothing to do.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wakeup.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pool> {
        // Nothing that can panic runs under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if state.process != process {
            state.process = process;
            state.fork += 1;
            state.held_permits = 0;
            state.idle_threads = 0;
        }
        state
    }

    /// Wakes a waiting thread, or starts one where the limit allows.
    fn wake_or_start_thread(self: &Arc<Self>, state: &mut Pool) -> io::Result<()> {
        // Also where all of them have work enough: one may wait for nothing but a permit.
        self.wakeup.notify_one();
        if state.queue.len() <= state.idle_threads || state.held_permits + state.idle_threads >= MAX_RUNNING {
            return Ok(());
        }
        (self.start)(Arc::clone(self))?;
        state.idle_threads += 1;
        Ok(())
    }

    fn run_jobs(&self) {
        let mut state = self.lock();
        loop {
            if state.held_permits < MAX_RUNNING
                && let Some((permit, job)) = state.queue.pop_front()
            {
                state.idle_threads -= 1;
                state.held_permits += usize::from(permit.advance(PermitState::Queued, PermitState::Held));
                drop(state);
                // What a check does is caught before this; what is left is a subscriber of its log lines.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(Ok(())))) {
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                }
                state = self.lock();
                state.held_permits -= usize::from(permit.advance(PermitState::Held, PermitState::Released));
                state.idle_threads += 1;
                continue;
            }
            if state.closed && state.queue.is_empty() {
                state.idle_threads -= 1;
                return;
            }
            let (woken, timeout) = self
                .wakeup
                .wait_timeout(state, IDLE_TIMEOUT)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() && state.queue.is_empty() {
                state.idle_threads -= 1;
                return;
            }
        }
    }
}

impl Permit {
    /// The run is stuck: another one may have its permit.
    pub(super) fn release(&self) {
        let mut state = self.shared.lock();
        if self.advance(PermitState::Queued, PermitState::Released)
            || !self.advance(PermitState::Held, PermitState::Released)
        {
            return;
        }
        if state.fork != self.fork {
            return;
        }
        state.held_permits -= 1;
        if !state.queue.is_empty() {
            // Where no thread can be started now, one of the others comes round to the queue.
            let _ = self.shared.wake_or_start_thread(&mut state);
        }
    }

    fn advance(&self, from: PermitState, to: PermitState) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = *state == from;
        if found {
            *state = to;
        }
        found
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("state", &self.state)
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
    fn hung(threads: &Threads, count: usize) -> (Vec<Arc<Permit>>, Receiver<()>, Sender<()>) {
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        let permits = (0..count).map(|_| {
            let (begin, ended) = (begin.clone(), Arc::clone(&ended));
            let job = move |_| {
                begin.send(()).unwrap();
                let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).recv();
            };
            threads.run(job).expect("a thread")
        });
        (permits.collect(), begun, end)
    }

    #[test]
    fn a_permit_that_is_given_back_wakes_a_thread_that_waits_for_one() {
        let threads = Threads::default();
        let (stuck, begun, end_stuck) = hung(&threads, MAX_RUNNING);
        (0..MAX_RUNNING).for_each(|_| begun.recv().unwrap());
        stuck.iter().for_each(|permit| permit.release());
        let (busy, begun, end_busy) = hung(&threads, MAX_RUNNING);
        (0..MAX_RUNNING).for_each(|_| begun.recv().unwrap());
        // These threads have nothing to do now, since all permits are taken by the others.
        drop(end_stuck);
        while threads.shared.lock().idle_threads < MAX_RUNNING {
            thread::yield_now();
        }
        let (done, ran) = channel();
        for _ in 0..2 * MAX_RUNNING {
            let done = done.clone();
            threads.run(move |_| done.send(()).unwrap()).unwrap();
        }
        let began = Instant::now();
        busy[0].release();
        (0..2 * MAX_RUNNING).for_each(|_| ran.recv().unwrap());
        assert!(began.elapsed() < IDLE_TIMEOUT / 2, "{:?}", began.elapsed());
        drop(end_busy);
    }

    #[test]
    fn a_job_that_panics_keeps_no_permit() {
        let threads = Threads::default();
        for _ in 0..2 * MAX_RUNNING {
            threads
                .run(|_| std::panic::resume_unwind(Box::new("a listener of log lines")))
                .unwrap();
        }
        let (done, ran) = channel();
        threads.run(move |_| done.send(()).unwrap()).unwrap();
        assert!(ran.recv_timeout(IDLE_TIMEOUT / 2).is_ok());
    }

    #[test]
    fn where_no_thread_is_to_be_had_each_waiting_job_is_told_why() {
        let threads = Threads::with_starter(|_| Err(io::Error::from(io::ErrorKind::OutOfMemory)));
        let (tell, told) = channel();
        let permit = threads.run(move |thread| tell.send(thread.is_err()).unwrap());
        assert!(permit.is_none());
        assert!(told.recv().unwrap());
    }

    #[test]
    fn closed_threads_end_at_once() {
        let threads = Threads::default();
        let (done, ran) = channel();
        threads.run(move |_| done.send(()).unwrap());
        ran.recv().unwrap();
        threads.close();
        let began = Instant::now();
        while threads.shared.lock().idle_threads > 0 {
            thread::yield_now();
        }
        assert!(began.elapsed() < IDLE_TIMEOUT / 2);
    }

    #[test]
    fn a_forked_process_has_threads_of_its_own() {
        let threads = Threads::default();
        let (done, ran) = channel();
        let tell = done.clone();
        threads.run(move |_| tell.send(()).unwrap());
        ran.recv().unwrap();
        while threads.shared.lock().idle_threads == 0 {
            thread::yield_now();
        }
        // As the memory of a child is: it says that there is an idle thread, and there is none.
        threads.shared.state.lock().unwrap().process += 1;
        threads.shared.state.lock().unwrap().idle_threads = 1;
        threads.run(move |_| done.send(()).unwrap());
        assert!(ran.recv_timeout(IDLE_TIMEOUT / 2).is_ok());
    }
}
