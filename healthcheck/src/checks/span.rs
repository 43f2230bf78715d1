//! Spans of time as people read them: "1m 30s", "250ms".

use std::time::Duration;

use humantime::FormattedDuration;

/// Cut to what matters at that length: to seconds from ten on, else to milliseconds.
pub(super) fn span(duration: Duration) -> FormattedDuration {
    let shown = if duration >= Duration::from_secs(10) {
        Duration::from_secs(duration.as_secs())
    } else if duration >= Duration::from_millis(1) {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        duration
    };
    humantime::format_duration(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_no_more_than_matters() {
        assert_eq!(span(Duration::from_micros(90_000_123)).to_string(), "1m 30s");
        assert_eq!(span(Duration::from_micros(1_500_900)).to_string(), "1s 500ms");
        assert_eq!(span(Duration::from_micros(40)).to_string(), "40us");
        assert_eq!(span(Duration::ZERO).to_string(), "0s");
    }
}
