//! Polls two futures in one task. This module spawns no task. If a check's run is dropped, both futures are dropped
//! too.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

/// Runs `work` to completion, and polls `background` while `work` is running.
pub(super) async fn beside<T>(background: impl Future, work: impl Future<Output = T>) -> T {
    let (mut background, mut work) = (pin!(background), pin!(work));
    let mut background_ended = false;
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if !background_ended && background.as_mut().poll(cx).is_ready() {
            background_ended = true;
            // `work` may be waiting for the end of `background`, so poll `work` again.
            return work.as_mut().poll(cx);
        }
        Poll::Pending
    })
    .await
}

/// How long `or_reason` waits for `work` before it starts `reason`. Most requests are answered within this time, so
/// `reason` rarely runs.
const A_MOMENT: Duration = Duration::from_millis(10);

/// Returns the result of `work`, or an error that `reason` finds before `work` ends.
///
/// `work` is a request through a client that retries failed connections and hides their errors. `reason` searches for
/// such an error, beginning 10 ms after the start of `work`. If `reason` returns `None`, this function continues to
/// wait for `work`.
pub(super) async fn or_reason<T, E>(
    work: impl Future<Output = Result<T, E>>,
    reason: impl Future<Output = Option<E>>,
) -> Result<T, E> {
    let (mut work, mut reason) = (
        pin!(work),
        pin!(async {
            sleep(A_MOMENT).await;
            reason.await
        }),
    );
    let mut asked = false;
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if !asked && let Poll::Ready(found) = reason.as_mut().poll(cx) {
            asked = true;
            if let Some(found) = found {
                return Poll::Ready(Err(found));
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::{pending, ready};

    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_background_drives_the_work_and_its_end_is_seen_by_it() {
        let (sender, receiver) = oneshot::channel();
        let background = async {
            tokio::task::yield_now().await;
            sender.send(7).unwrap();
        };
        assert_eq!(beside(background, async { receiver.await.unwrap() }).await, 7);
        assert_eq!(beside(pending::<()>(), ready(8)).await, 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_ends_the_work_and_none_lets_it_go_on() {
        let slow = || async {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, &str>(())
        };
        let began = Instant::now();
        assert_eq!(or_reason(slow(), ready(Some("refused"))).await, Err("refused"));
        assert!(began.elapsed() < Duration::from_millis(50));
        assert_eq!(or_reason(slow(), ready(None)).await, Ok(()));
        assert_eq!(or_reason(ready(Ok::<_, &str>(())), pending()).await, Ok(()));
    }
}
