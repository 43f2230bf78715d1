//! A thread pool for sync checks. We don't use tokio's blocking pool: a runtime waits for that pool when it shuts down,
//! so one hung check could keep the process from ending. Our threads are detached, and nothing waits for them.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The maximum number of sync checks that run at once. Stuck checks have released their permit and don't count.
const MAX_RUNNING: usize = 64;
/// A thread ends after it has been idle for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A job gets an error if the pool can't start a thread for it.
type Job = Box<dyn FnOnce(io::Result<()>) + Send>;

/// The thread pool of one registry. It starts threads when they are needed.
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
    /// The number of threads without a job. This includes threads that are still starting.
    idle_threads: usize,
    /// The id of the process in which the threads run. After a fork, the child has no threads of the pool.
    process: u32,
    /// Counts the forks. After a fork, `held_permits` starts at 0 and doesn't include older permits. So releasing an
    /// older permit must not decrease it.
    fork: u64,
    closed: bool,
}

/// Permits one job to run. Running jobs hold at most [`MAX_RUNNING`] permits.
pub(super) struct Permit {
    shared: Arc<Shared>,
    fork: u64,
    /// It is accessed only under the lock of `shared`.
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

    /// Queues a job, and returns its permit. A thread executes the job as soon as the number of held permits allows.
    ///
    /// If the pool has no thread and can't start one, each queued job is called with the error on the current thread.
    /// The method then returns `None`.
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
        // The pool has no thread that could execute the queued jobs. We call them with the error, without the lock.
        let failed = std::mem::take(&mut state.queue);
        drop(state);
        for (_, job) in failed {
            job(Err(io::Error::new(error.kind(), error.to_string())));
        }
        None
    }

    /// Makes each thread end as soon as the queue is empty.
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

    /// Wakes an idle thread, and starts another if the queue needs it and the limit allows it.
    fn wake_or_start_thread(self: &Arc<Self>, state: &mut Pool) -> io::Result<()> {
        // We notify even if we also start a thread: an idle thread may wait for a permit that is now free.
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
                // The job itself catches panics of the check. A panic here comes from elsewhere, for example from a
                // `tracing` subscriber.
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
    /// Frees the permit before its job ends, so that another job can run. Use this for a stuck run.
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
            // If no thread can be started now, a busy thread executes the next job when it is done.
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

    /// Starts `count` jobs. Each sends a message when it has begun, and ends when the test drops the returned sender.
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
        // The threads of the stuck jobs become idle, since the busy jobs hold all permits.
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
        // This simulates the child after a fork. Its memory says that there is an idle thread, but the child has none.
        threads.shared.state.lock().unwrap().process += 1;
        threads.shared.state.lock().unwrap().idle_threads = 1;
        threads.run(move |_| done.send(()).unwrap());
        assert!(ran.recv_timeout(IDLE_TIMEOUT / 2).is_ok());
    }
}
