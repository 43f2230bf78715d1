//! Types and formats of times and durations. This module doesn't read the clock; the module `clock` does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use tokio::time::Instant;

/// The times of the monotonic clock and the wall clock, read at the same moment.
///
/// Timeouts and TTLs use the monotonic clock of tokio, which tests can pause. Reports show the wall clock. While the
/// machine is suspended, only the wall clock advances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

impl Now {
    /// Returns how long ago `earlier` was, by the monotonic clock.
    pub(crate) fn since(self, earlier: Instant) -> Duration {
        self.mono.saturating_duration_since(earlier)
    }
}

/// Converts a time to seconds since the epoch, rounded to microseconds. A time before the epoch is 0.
pub(crate) fn epoch_seconds(time: SystemTime) -> f64 {
    micros(time.duration_since(UNIX_EPOCH).unwrap_or_default()) as f64 / 1e6
}

/// Formats a time as RFC 3339, in UTC and to the second. A time before 1970 or after 9999 becomes 1970-01-01T00:00:00Z.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    const LATEST: Duration = Duration::from_secs(253_402_300_799);
    let since = time
        .duration_since(UNIX_EPOCH)
        .ok()
        .filter(|since| *since <= LATEST)
        .unwrap_or_default();
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

/// Converts a duration to seconds, rounded to microseconds. A result above zero is at least 10 µs, because JSON would
/// write a smaller number with an exponent.
pub(crate) fn short_seconds(duration: Duration) -> f64 {
    let micros = match micros(duration) {
        0 => 0,
        micros => micros.max(10),
    };
    micros as f64 / 1e6
}

/// Returns the duration in microseconds, rounded. Integers are several times faster here than [`f64::round`].
fn micros(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos() + 500) / 1_000)
}

/// Formats a duration for a message, for example "2 s", "1.5 s" or "250 ms".
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 10.0 || duration.subsec_millis() == 0 && seconds >= 1.0 {
        format!("{} s", (seconds * 10.0).round() / 10.0)
    } else if seconds >= 1.0 {
        format!("{} s", (seconds * 100.0).round() / 100.0)
    } else {
        format!("{} ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_time_is_never_shown_with_an_exponent() {
        for (micros, shown) in [
            (0, "0.0"),
            (1, "0.00001"),
            (9, "0.00001"),
            (12, "0.000012"),
            (123, "0.000123"),
        ] {
            let seconds = short_seconds(Duration::from_micros(micros));
            assert_eq!(serde_json::json!(seconds).to_string(), shown);
        }
    }

    #[test]
    fn times_have_at_most_six_places() {
        let time = UNIX_EPOCH + Duration::new(1_598_022_539, 178_331_987);
        assert_eq!(
            serde_json::json!(epoch_seconds(time)).to_string(),
            "1598022539.178332"
        );
    }

    #[test]
    fn a_clock_before_or_beyond_the_calendar_is_told_as_the_epoch() {
        let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(
            [rfc3339(far), rfc3339(before)],
            ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]
        );
    }

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, said) in [
            (250, "250 ms"),
            (2_000, "2 s"),
            (1_500, "1.5 s"),
            (12_340, "12.3 s"),
            (90_000, "90 s"),
        ] {
            assert_eq!(human(Duration::from_millis(millis)), said);
        }
    }
}
