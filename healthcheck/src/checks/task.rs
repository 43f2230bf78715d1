use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::task::{AbortHandle, JoinError, JoinHandle, unconstrained};

use crate::Outcome;

/// Checks that a background task still runs. The task should be one that never ends, such as a consumer.
///
/// Pass a [`Task`], a `JoinHandle` of tokio or an `AbortHandle` of tokio. The check fails if the task has returned, was
/// aborted or has panicked.
///
/// With a [`Task`], the output shows whether the task returned, was aborted or panicked, and shows the message of a
/// panic. With a handle of tokio, the output shows only that the task has ended.
///
/// With a handle of tokio, a run costs an atomic load. With a [`Task`], a run costs a lock.
///
/// The check doesn't notice a task that runs but makes no progress: use [`Heartbeat`](super::Heartbeat) or
/// [`Progress`](super::Progress) to notice this. The check doesn't see other tasks that the background task has
/// spawned.
///
/// ```
/// use healthcheck::checks::{self, Task};
/// use healthcheck::{Outcome, Status};
///
/// // #[health_check(liveness)]
/// fn consumer(task: &Task) -> Outcome {
///     checks::task(task)
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let worker = Task::from(tokio::spawn(std::future::pending::<()>()));
/// assert_eq!(consumer(&worker), Outcome::pass("the task runs"));
///
/// let handle = tokio::spawn(async {});
/// tokio::task::yield_now().await;
/// assert_eq!(checks::task(&handle).status(), Status::Fail);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn task(handle: &(impl BackgroundTask + ?Sized)) -> Outcome {
    match handle.end() {
        None => Outcome::pass("the task runs"),
        Some(end) => Outcome::fail(end),
    }
}

/// The types that [`task`] takes: a [`Task`], a `JoinHandle`, an `AbortHandle`, or an `Arc` of one of these types. This
/// trait is sealed.
pub trait BackgroundTask: sealed::Sealed {}

mod sealed {
    #[allow(unnameable_types)] // Seals the trait.
    pub trait Sealed {
        /// Returns how the background task ended, or `None` while the task runs.
        fn end(&self) -> Option<String>;
    }
}

const ENDED: &str = "the task has ended, by itself or by a panic";

impl<T> BackgroundTask for JoinHandle<T> {}
impl<T> sealed::Sealed for JoinHandle<T> {
    fn end(&self) -> Option<String> {
        self.is_finished().then(|| ENDED.to_owned())
    }
}

impl BackgroundTask for AbortHandle {}
impl sealed::Sealed for AbortHandle {
    fn end(&self) -> Option<String> {
        self.is_finished().then(|| ENDED.to_owned())
    }
}

impl<T: BackgroundTask + ?Sized> BackgroundTask for Arc<T> {}
impl<T: BackgroundTask + ?Sized> sealed::Sealed for Arc<T> {
    fn end(&self) -> Option<String> {
        (**self).end()
    }
}

/// A handle of a background task. It stores how the task ended: the task returned, was aborted, or panicked with a
/// message.
///
/// You create a `Task` from a `JoinHandle`, which the conversion consumes. If you want to abort the background task
/// later, call `abort_handle()` on the `JoinHandle` before the conversion.
///
/// All clones of a `Task` refer to the same background task. Dropping a `Task` doesn't stop the background task.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use healthcheck::checks::{self, Task};
///
/// let worker = Task::from(tokio::spawn(std::future::pending::<()>()));
/// assert!(checks::task(&worker).status().passed());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Task(Arc<Mutex<State>>);

enum State {
    Running(Pin<Box<dyn Future<Output = String> + Send>>),
    Ended(String),
}

impl<T: Send + 'static> From<JoinHandle<T>> for Task {
    fn from(handle: JoinHandle<T>) -> Self {
        let end = async {
            // tokio limits how many operations a task may do before it yields: its cooperative budget. If the task that
            // runs the check has used up its budget, polling `handle` would return `Pending` even if the background
            // task has ended. `unconstrained` turns the budget off.
            match unconstrained(handle).await {
                Ok(_) => "the task has ended".to_owned(),
                Err(error) => failed(error),
            }
        };
        Self(Arc::new(Mutex::new(State::Running(Box::pin(end)))))
    }
}

impl BackgroundTask for Task {}
impl sealed::Sealed for Task {
    fn end(&self) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Running(end) = &mut *state {
            // Each run of the check polls the handle again, so the handle needs no waker.
            match end.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(end) => *state = State::Ended(end),
                Poll::Pending => return None,
            }
        }
        match &*state {
            State::Running(_) => None,
            State::Ended(end) => Some(end.clone()),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

fn failed(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => format!("the task panicked: {}", message(&*payload)),
        Err(_) => "the task was aborted".to_owned(),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    async fn until_ended(handle: &JoinHandle<()>) {
        while !handle.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn every_kind_of_handle_passes_while_the_task_runs_and_fails_after() {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let handle = tokio::spawn(async {
            let _ = stopped.await;
        });
        let abort = handle.abort_handle();
        assert_eq!(task(&handle), Outcome::pass("the task runs"));
        assert_eq!(task(&Arc::new(abort.clone())).status(), Status::Pass);
        drop(stop);
        until_ended(&handle).await;
        for outcome in [task(&handle), task(&abort)] {
            assert_eq!(
                outcome,
                Outcome::fail("the task has ended, by itself or by a panic")
            );
        }
        let whole = Task::from(handle);
        for _ in 0..2 {
            assert_eq!(task(&whole.clone()), Outcome::fail("the task has ended"));
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_with_its_message_and_an_abort_as_one() {
        // `resume_unwind` panics without calling the panic hook, which would print a message.
        let dying = tokio::spawn(async { std::panic::resume_unwind(Box::new("the queue is gone")) });
        let numbered = tokio::spawn(async { std::panic::resume_unwind(Box::new(format!("shard {}", 7))) });
        let odd = tokio::spawn(async { std::panic::resume_unwind(Box::new(7)) });
        let aborted = tokio::spawn(std::future::pending::<()>());
        aborted.abort();
        let tasks = [dying, numbered, odd, aborted];
        for handle in &tasks {
            until_ended(handle).await;
        }
        let told = tasks.map(|handle| task(&Task::from(handle)).output().clone());
        assert_eq!(
            told,
            [
                "the task panicked: the queue is gone",
                "the task panicked: shard 7",
                "the task panicked: without a message",
                "the task was aborted"
            ]
        );
    }

    #[tokio::test]
    async fn a_run_whose_budget_is_used_up_sees_the_end_all_the_same() {
        let handle = tokio::spawn(async {});
        until_ended(&handle).await;
        let whole = Task::from(handle);
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
            if !tokio::task::coop::has_budget_remaining() {
                break;
            }
        }
        assert_eq!(task(&whole).status(), Status::Fail);
    }
}
