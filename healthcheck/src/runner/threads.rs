//! A thread pool for sync checks. Its threads are detached, so a process can end without waiting for them.
//!
//! We don't use tokio's blocking pool, because a runtime that shuts down waits for the threads of that pool. One check
//! that never returns could then keep the process from ending.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::call::quietly;

/// The maximum number of permits that sync checks can hold at the same time. A running check holds one permit. A stuck
/// check has released its permit but keeps its thread. So there can be more threads than permits.
const MAX_RUNNING: usize = 64;
/// The time after which an idle thread ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A job for a thread of the pool. If the pool can't start a thread, the job is called with an error as its argument.
type Job = Box<dyn FnOnce(io::Result<()>) + Send>;

/// The thread pool of one registry. The pool starts a thread only when a job needs one.
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
    /// The number of permits that running jobs hold.
    held_permits: usize,
    /// The number of threads without a job. A thread that is still starting is included.
    idle_threads: usize,
    /// The id of the process in which the threads of the pool run. A forked child process has another id, and none of
    /// these threads.
    process: u32,
    /// The number of forks between the process that created the pool and the current process. In a forked child,
    /// `held_permits` starts at 0. A permit that was created before the fork must not decrement `held_permits` when it
    /// is released.
    fork: u64,
    closed: bool,
}

/// Allows one job to run. Running jobs together hold at most [`MAX_RUNNING`] permits.
pub(super) struct Permit {
    shared: Arc<Shared>,
    fork: u64,
    /// The state of this permit. We access it only while we hold the lock of `shared`.
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

    /// Queues a job, and returns the job's permit. A thread executes the job once fewer than [`MAX_RUNNING`] permits
    /// are held.
    ///
    /// If the pool has no thread and can't start one, this method calls each queued job on the current thread, with the
    /// error as its argument. It then returns `None`.
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
        // The pool has no thread that could execute the queued jobs. So we call each job here with the error, after we
        // have released the lock.
        let failed = std::mem::take(&mut state.queue);
        drop(state);
        for (_, job) in failed {
            job(Err(io::Error::new(error.kind(), error.to_string())));
        }
        None
    }

    /// Makes each thread of the pool end as soon as the queue is empty.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wakeup.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pool> {
        // The code under the lock can't panic, so the lock is never poisoned.
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

    /// Wakes an idle thread. Also starts another thread if there are more queued jobs than idle threads, up to the
    /// limit [`MAX_RUNNING`].
    fn wake_or_start_thread(self: &Arc<Self>, state: &mut Pool) -> io::Result<()> {
        // We wake an idle thread even if we also start a thread, since the idle thread may wait for a permit that is
        // now free.
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
                // The job itself catches panics of its check. A panic that reaches this point comes from other code,
                // for example from a `tracing` subscriber.
                quietly(|| job(Ok(())));
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
    /// Releases the permit while its job is still running, so that another job can run. We call this method for a stuck
    /// run.
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
            // If the system can't start a thread now, one of the busy threads executes the next job when it has
            // finished its own job.
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

    /// Starts `count` jobs that hang, and returns their permits. Each job sends a message to the returned receiver when
    /// it begins. All jobs end when the test drops the returned sender.
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
        // The stuck jobs end here, and their threads become idle. These threads can't take another job, since the busy
        // jobs hold all permits.
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
        // These two lines simulate the child process after a fork. The child's copy of the state says that there is an
        // idle thread, but the child has no threads.
        threads.shared.state.lock().unwrap().process += 1;
        threads.shared.state.lock().unwrap().idle_threads = 1;
        threads.run(move |_| done.send(()).unwrap());
        assert!(ran.recv_timeout(IDLE_TIMEOUT / 2).is_ok());
    }
}
