//! When a check's time is up.

use std::time::Duration;

use tokio::time::Instant;

/// As good as never, and a moment that every clock can tell.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// So long from now; a limit beyond what the clock can tell is none.
pub(super) fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(LONGEST)
}

/// The middle between now and the deadline: a kept connection that stays silent until then leaves time for a new one.
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
