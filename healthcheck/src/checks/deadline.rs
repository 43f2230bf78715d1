//! Deadlines of network checks.

use std::time::Duration;

use tokio::time::Instant;

/// The longest timeout: longer than any process runs, but still within the range of `Instant`.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Returns the time `limit` from now, or about 30 years from now if `limit` is longer.
pub(super) fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(LONGEST)
}

/// Returns the middle between now and the deadline. A check waits until then for an existing connection. If that doesn't
/// answer, the check still has time to open a new connection.
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
