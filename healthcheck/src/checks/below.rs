use std::fmt::Display;
use std::panic::Location;

use super::held::{self, MARGIN};
use super::shared;
use crate::{Outcome, Status};

/// Checks that a value is below its limit. The value may be the length of a queue, a lag or the number of connections
/// in use.
///
/// The check fails if the value equals the limit or is NaN.
///
/// After a failure, the check passes again only once the value is more than 2 % below the limit. This margin prevents a
/// change of status each time that the value crosses the limit.
///
/// To set the value below which the check passes again, use [`below_until`].
///
/// The library stores the last status separately for each line of code that calls this function. To check several
/// values, call this function from a separate line for each value.
///
/// A run costs a comparison and a lookup of the last status, together less than 1 µs.
///
/// The check doesn't see the value between two runs.
///
/// The check doesn't see whether work progresses. For example, if nothing reads a queue and nothing writes to it, the
/// queue stays short, and the check passes. To check that work progresses, use [`Progress`](super::Progress).
///
/// ```
/// use std::collections::VecDeque;
/// use std::sync::Mutex;
///
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check]
/// fn backlog(jobs: &Mutex<VecDeque<String>>) -> Result<Outcome, String> {
///     let length = jobs.lock().map_err(|error| error.to_string())?.len();
///     Ok(checks::below(length, 1_000))
/// }
/// assert_eq!(backlog(&Mutex::default())?, Outcome::pass("0 is below the limit of 1000"));
/// # Ok::<(), String>(())
/// ```
#[allow(clippy::needless_pass_by_value)] // `below(queue.len(), 1_000)` reads better than two references
#[track_caller]
pub fn below<T: PartialOrd + Display>(value: T, limit: T) -> Outcome {
    held::judge(place(), |last| {
        let clears = || {
            let (value, limit) = (number(&value)?, number(&limit)?);
            let clears = limit - limit.abs() * MARGIN;
            (value >= clears).then(|| format!("{}", (clears * 1000.0).round() / 1000.0))
        };
        judge(&value, &limit, last, clears)
    })
}

/// Checks that a value is below its limit, as [`below`] does. After a failure, the check passes again only once the
/// value is below `clears`.
///
/// ```
/// use healthcheck::{Status, checks};
///
/// let statuses = [1_000, 900, 799].map(|length| checks::below_until(length, 1_000, 800).status());
/// assert_eq!(statuses, [Status::Fail, Status::Fail, Status::Pass]);
/// ```
#[allow(clippy::needless_pass_by_value)] // three values read better than three references
#[track_caller]
pub fn below_until<T: PartialOrd + Display>(value: T, limit: T, clears: T) -> Outcome {
    held::judge(place(), |last| {
        let not_clear = || (value >= clears).then(|| clears.to_string());
        judge(&value, &limit, last, not_clear)
    })
}

/// Compares a value with its limit. If the last status is a failure, the check passes again only below a second, lower
/// limit.
///
/// `held` returns the lower limit as text, or `None` if `value` is already below the lower limit.
fn judge<T: PartialOrd + Display>(
    value: &T,
    limit: &T,
    last: Status,
    held: impl FnOnce() -> Option<String>,
) -> Outcome {
    if value >= limit || value.partial_cmp(limit).is_none() {
        return Outcome::fail(format!("{value} is not below the limit of {limit}"));
    }
    match (last, held()) {
        (Status::Fail, Some(clears)) => Outcome::fail(format!(
            "{value} is below the limit of {limit} again, and clears below {clears}"
        )),
        _ => Outcome::pass(format!("{value} is below the limit of {limit}")),
    }
}

/// Converts a value to `f64` by formatting and parsing it, because Rust's number types share no trait for the
/// conversion.
fn number(value: &impl Display) -> Option<f64> {
    value.to_string().parse().ok()
}

#[track_caller]
fn place() -> String {
    let check = shared::running().map(|running| running.key).unwrap_or_default();
    format!("below {} {check:?}", Location::caller())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_too_much() {
        assert_eq!(below(9, 10).status(), Status::Pass);
        assert_eq!(below(10, 10).output(), "10 is not below the limit of 10");
        assert_eq!(below(11, 10).status(), Status::Fail);
    }

    #[test]
    fn what_cannot_be_compared_fails() {
        assert_eq!(below(f64::NAN, 1.0).status(), Status::Fail);
        assert_eq!(below(0.5, f64::NAN).status(), Status::Fail);
    }

    #[test]
    fn a_value_that_swings_around_its_limit_gives_one_transition() {
        use Status::{Fail, Pass};
        let statuses = [97, 99, 100, 99, 101, 98, 97, 99].map(|value| below(value, 100).status());
        assert_eq!(statuses, [Pass, Pass, Fail, Fail, Fail, Fail, Pass, Pass]);
        let outputs = [-100, -101].map(|value| below(value, -100).output().clone());
        assert_eq!(
            outputs[1],
            "-101 is below the limit of -100 again, and clears below -102"
        );
        // With values that aren't numbers, there is no margin: after a failure, the check passes again directly below
        // the limit.
        let words = ["m", "k"].map(|word| below(word, "l").status());
        assert_eq!(words, [Fail, Pass]);
    }

    #[test]
    fn each_line_remembers_for_itself() {
        assert_eq!(below(100, 100).status(), Status::Fail);
        assert_eq!(below(99, 100).status(), Status::Pass);
    }
}
