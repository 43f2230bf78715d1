//! Formats durations for people. The largest unit is the day.

use std::time::Duration;

use crate::model::time;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Formats a duration with at most two units: "250 ms", "90 s", "1 h 5 min", "12 d". Rounds down durations of two
/// minutes or more.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (large, small) = match seconds {
        0..120 => return time::human(duration),
        120..HOUR => ((MINUTE, "min"), (1, "s")),
        HOUR..DAY => ((HOUR, "h"), (MINUTE, "min")),
        _ => ((DAY, "d"), (HOUR, "h")),
    };
    let whole = format!("{} {}", seconds / large.0, large.1);
    match seconds % large.0 / small.0 {
        0 => whole,
        rest => format!("{whole} {rest} {}", small.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_no_more_than_matters() {
        for (seconds, shown) in [
            (0, "0 ms"),
            (90, "90 s"),
            (120, "2 min"),
            (200, "3 min 20 s"),
            (3_600, "1 h"),
            (3_661, "1 h 1 min"),
            (86_400 * 12 + 7_205, "12 d 2 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), shown);
        }
        assert_eq!(span(Duration::from_millis(1_500)), "1.5 s");
    }

    #[test]
    fn the_longest_span_is_shown() {
        assert_eq!(span(Duration::MAX), "213503982334601 d 7 h");
    }
}
