use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::amount::Amount;
use super::held::{self, MARGIN};
use super::shared;
use super::span::span;
use crate::outcome::CheckError;
use crate::{Outcome, Status};

/// Checks the lag of a consumer: how far the consumer is behind. For example, the lag is the lag of a Kafka group, the
/// length of a queue, the age of the oldest message, or the delay of a replica. The application's own client reads the
/// lag.
///
/// `read` returns a future. The output of this future is the lag: a number or a `Duration`, or a `Result` with one of
/// these. The check fails if the output is an error, or if the future takes longer than 3 s.
///
/// Set limits with [`warn_above`](Lag::warn_above) and [`fail_above`](Lag::fail_above). A limit has the same type as
/// the lag: a number or a `Duration`. Without a limit, the check always fails.
///
/// After the lag has risen above a limit, the check recovers only once the lag is 2 % below this limit.
/// [`margin`](Lag::margin) sets another margin.
///
/// For the margin, the library stores the last status of the lag, separately for each line of code that calls this
/// function. To check several consumers, call this function from a separate line for each consumer.
///
/// A run costs as much as the future that `read` returns.
///
/// The check doesn't see whether the consumer works: while both the consumer and the producer are stopped, the lag
/// doesn't grow. To check that the consumer works, use [`Progress`](super::Progress).
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// # struct Consumer;
/// # impl Consumer { async fn lag(&self) -> Result<u64, std::io::Error> { Ok(12) } }
/// // #[health_check(critical = false)]
/// async fn orders(consumer: &Consumer) -> Outcome {
///     checks::lag(|| consumer.lag()).warn_above(1_000).fail_above(10_000).await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # assert_eq!(runtime.block_on(orders(&Consumer)), Outcome::pass("12 behind"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn lag<F, R>(read: F) -> Lag<R>
where
    F: FnOnce() -> R,
    R: Future<Output: IntoLag>,
{
    let check = shared::running().map(|running| running.key).unwrap_or_default();
    Lag {
        reading: read(),
        limits: Limits {
            place: format!("lag {} {check:?}", Location::caller()),
            warn: None,
            fail: None,
            margin: Some(MARGIN),
        },
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`lag`]. Await it to run the check.
#[must_use = "it runs when it is awaited"]
pub struct Lag<R: Future<Output: IntoLag>> {
    reading: R,
    limits: Limits<Value<R>>,
    timeout: Duration,
}

type Value<R> = <<R as Future>::Output as IntoLag>::Value;

struct Limits<V> {
    place: String,
    warn: Option<V>,
    fail: Option<V>,
    /// `None` if the text passed to `margin` isn't a share such as "2%".
    margin: Option<f64>,
}

/// The types that the future of [`lag`] may return: a number, a `Duration`, or a `Result` with one of these.
///
/// ```
/// use healthcheck::checks::IntoLag;
///
/// assert!(matches!(7_u64.into_lag(), Ok(7)));
/// assert!(Err::<u64, _>("no broker answers").into_lag().is_err());
/// ```
pub trait IntoLag {
    /// The type of the lag.
    type Value: LagValue;

    /// Returns the lag. If there is no lag, returns a failed outcome that says why.
    ///
    /// # Errors
    /// If this value is an `Err`, returns a failed outcome.
    fn into_lag(self) -> Result<Self::Value, Outcome>;
}

impl<V: LagValue> IntoLag for V {
    type Value = V;

    fn into_lag(self) -> Result<V, Outcome> {
        Ok(self)
    }
}

impl<V: LagValue, E: CheckError> IntoLag for Result<V, E> {
    type Value = V;

    fn into_lag(self) -> Result<V, Outcome> {
        self.map_err(CheckError::into_failure)
    }
}

/// The types that a lag may have: every number type of Rust, and `Duration`. This trait is sealed.
pub trait LagValue: sealed::Sealed {}

mod sealed {
    #[allow(unnameable_types)] // Seals the trait.
    pub trait Sealed: Copy {
        /// Converts the value to `f64`, so that it can be compared with a limit. Integers above 2^53 are rounded.
        fn number(self) -> f64;
        fn shown(self) -> String;
        /// Formats a number that [`number`](Self::number) returned, in the same way as a value of this type.
        fn show(number: f64) -> String;
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl LagValue for $number {}
        impl sealed::Sealed for $number {
            fn number(self) -> f64 {
                self as f64
            }

            fn shown(self) -> String {
                self.to_string()
            }

            fn show(number: f64) -> String {
                ((number * 1000.0).round() / 1000.0).to_string()
            }
        }
    )*};
}

numbers!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64
);

impl LagValue for Duration {}
impl sealed::Sealed for Duration {
    fn number(self) -> f64 {
        self.as_secs_f64()
    }

    fn shown(self) -> String {
        span(self)
    }

    fn show(number: f64) -> String {
        Self::try_from_secs_f64(number).map_or_else(|_| number.to_string(), span)
    }
}

impl<R: Future<Output: IntoLag>> Lag<R> {
    /// Sets the lag above which the check warns. Without this limit, the check never warns.
    pub fn warn_above(mut self, limit: Value<R>) -> Self {
        self.limits.warn = Some(limit);
        self
    }

    /// Sets the lag above which the check fails. Without this limit, a high lag is never a failure.
    pub fn fail_above(mut self, limit: Value<R>) -> Self {
        self.limits.fail = Some(limit);
        self
    }

    /// Sets how far below a crossed limit the lag must fall before the check recovers, as a share of that limit.
    /// Default: "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.limits.margin = Amount::share_of(share);
        self
    }

    /// Sets how long reading the lag may take. Default: 3 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }
}

impl<R: Future<Output: IntoLag>> fmt::Debug for Lag<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lag")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<V: LagValue> Limits<V> {
    fn judge(&self, lag: V) -> Outcome {
        let Some(margin) = self.margin else {
            return Outcome::fail("lag: margin(…) isn't a share: write one like \"2%\"");
        };
        if self.warn.is_none() && self.fail.is_none() {
            return Outcome::fail("lag: without a limit it could never fail: write `.fail_above(…)`");
        }
        let found = format!("{} behind", lag.shown());
        let lag = lag.number();
        if lag.is_nan() {
            return Outcome::fail(format!("{found}, which is no number"));
        }
        held::judge(self.place.clone(), |last| {
            for (limit, status) in [(self.fail, Status::Fail), (self.warn, Status::Warn)] {
                let Some(limit) = limit else { continue };
                let (number, shown) = (limit.number(), limit.shown());
                let clears = number - number.abs() * margin;
                // If a limit is NaN, treat the limit as crossed. A comparison with NaN is always false, so without this
                // rule the limit would never be crossed.
                let told = if lag > number || number.is_nan() {
                    format!("{found}, above {shown}")
                } else if last >= status && lag > clears {
                    format!("{found}, was above {shown} and clears at {}", V::show(clears))
                } else {
                    continue;
                };
                return match status {
                    Status::Fail => Outcome::fail(told),
                    _ => Outcome::warn(told),
                };
            }
            Outcome::pass(found)
        })
    }
}

impl<R: Future<Output: IntoLag>> IntoFuture for Lag<R> {
    type Output = Outcome;
    type IntoFuture = LagRun<R>;

    fn into_future(self) -> LagRun<R> {
        LagRun {
            reading: Box::pin(self.reading),
            limits: self.limits,
            timeout: self.timeout,
            over: None,
        }
    }
}

/// The future of a run of [`lag`].
///
/// Unlike a `Box<dyn Future>`, this type doesn't have to be `'static`. So the closure passed to [`lag`] may borrow the
/// parameters of the check.
#[must_use = "it runs when it is awaited"]
pub struct LagRun<R: Future<Output: IntoLag>> {
    reading: Pin<Box<R>>,
    limits: Limits<Value<R>>,
    timeout: Duration,
    /// The timer of the timeout; `None` before the first poll of `reading`.
    over: Option<Pin<Box<Sleep>>>,
}

/// `reading` and `over` are boxed futures, so moving a `LagRun` doesn't move the futures themselves.
impl<R: Future<Output: IntoLag>> Unpin for LagRun<R> {}

impl<R: Future<Output: IntoLag>> fmt::Debug for LagRun<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LagRun")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<R: Future<Output: IntoLag>> Future for LagRun<R> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        if let Poll::Ready(answer) = this.reading.as_mut().poll(cx) {
            return Poll::Ready(match answer.into_lag() {
                Ok(lag) => this.limits.judge(lag),
                Err(failure) => failure,
            });
        }
        let timeout = this.timeout;
        let over = this.over.get_or_insert_with(|| Box::pin(sleep(timeout)));
        over.as_mut()
            .poll(cx)
            .map(|()| Outcome::fail(format!("no answer within {}", span(timeout))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use Status::{Fail, Pass, Warn};

    #[tokio::test]
    async fn a_lag_above_a_limit_warns_and_fails() {
        let check = async |behind: u64| {
            lag(|| async move { behind })
                .warn_above(1_000)
                .fail_above(10_000)
                .await
        };
        assert_eq!(check(1_000).await, Outcome::pass("1000 behind"));
        assert_eq!(check(1_001).await, Outcome::warn("1001 behind, above 1000"));
        assert_eq!(check(10_001).await, Outcome::fail("10001 behind, above 10000"));
    }

    #[tokio::test]
    async fn a_lag_that_swings_around_its_limit_gives_one_transition() {
        let mut statuses = Vec::new();
        for behind in [100, 101, 99, 101, 98, 99] {
            statuses.push(lag(|| async move { behind }).warn_above(100).await.status());
        }
        assert_eq!(statuses, [Pass, Warn, Warn, Warn, Pass, Pass]);
    }

    #[tokio::test]
    async fn it_may_be_a_duration_a_float_or_a_result_and_borrow() {
        let seconds = String::from("90");
        let read = async || seconds.parse().map(Duration::from_secs);
        let outcome = lag(read).fail_above(Duration::from_secs(60)).await;
        assert_eq!(outcome, Outcome::fail("90 s behind, above 60 s"));
        assert_eq!(lag(|| async { 0.5 }).fail_above(1.0).await.status(), Pass);
        assert_eq!(lag(|| async { f64::NAN }).fail_above(1.0).await.status(), Fail);
        assert_eq!(lag(|| async { 0.0 }).fail_above(f64::NAN).await.status(), Fail);
        let refused = lag(|| async { Err::<i64, _>("no broker answers") })
            .fail_above(1)
            .await;
        assert_eq!(refused, Outcome::fail("no broker answers"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_is_a_failure_within_the_limit() {
        let outcome = lag(std::future::pending::<u64>).fail_above(1).await;
        assert_eq!(outcome, Outcome::fail("no answer within 3 s"));
    }

    #[tokio::test]
    async fn without_a_limit_it_says_what_to_write() {
        let outcome = lag(|| async { 1 }).await;
        assert_eq!(outcome.status(), Fail);
        assert!(outcome.output().as_str().unwrap().contains("`.fail_above(…)`"));
        assert_eq!(
            lag(|| async { 1 }).fail_above(2).margin("a bit").await.status(),
            Fail
        );
    }
}
