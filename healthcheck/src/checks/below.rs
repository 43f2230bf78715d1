use std::fmt::Display;

use crate::Outcome;

/// A value lies below its limit: a queue's length, a lag, connections in use.
///
/// Costs a comparison. A value that equals the limit fails, and so does one that can't be compared with it (NaN).
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
pub fn below<T: PartialOrd + Display>(value: T, limit: T) -> Outcome {
    if value < limit {
        Outcome::pass(format!("{value} is below the limit of {limit}"))
    } else {
        Outcome::fail(format!("{value} is not below the limit of {limit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

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
}
