//! Computes the deadlines of network checks.

use std::time::Duration;

use tokio::time::Instant;

/// The longest timeout that a check uses. It is longer than any process runs, and still within the range of `Instant`.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Returns the deadline of a check that begins now and may take `limit`. If `limit` is longer than 30 years, 30 years
/// are used.
pub(super) fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(LONGEST)
}

/// Returns the middle between now and `deadline`.
///
/// If a check has two steps, this is the deadline of the first step, such as a ping over an existing connection. The
/// other half of the time is left for the second step, such as opening a new connection.
pub(super) fn half(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_limit_is_a_moment_too() {
        let now = Instant::now();
        assert_eq!(after(Duration::from_secs(3)) - now, Duration::from_secs(3));
        assert_eq!(after(Duration::MAX) - now, LONGEST);
    }
}
