//! When a check's time is up.

use std::time::Duration;

use tokio::time::Instant;

/// As good as never, and a moment that every clock can tell.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// So long from now; a limit beyond what the clock can tell is none.
pub(super) fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(LONGEST)
}

/// Half of what is left: for what may be silent, so that there is time to ask anew.
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
