//! Converts outputs, times, durations and sizes to text, for the formats other than the default JSON.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};
use std::time::{Duration, UNIX_EPOCH};

use healthcheck::CheckResult;
use serde_json::Value;

/// Converts an output to text: a string without quotes, an empty text for `null`, and JSON for everything else.
pub(crate) fn output(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Null => "".into(),
        other => other.to_string().into(),
    }
}

/// Displays a text on a single line. Escapes control characters, line separators and marks that change the direction of
/// writing. Without these escapes, the output of a check could look like another line of the body.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(breaks_out) {
            let (before, behind) = rest.split_at(at);
            f.write_str(before)?;
            let mut behind = behind.chars();
            if let Some(escaped) = behind.next() {
                write!(f, "{}", escaped.escape_debug())?;
            }
            rest = behind.as_str();
        }
        f.write_str(rest)
    }
}

/// Writes the advice for a check that doesn't pass: its owner, its runbook and its `when_it_fails`. Leaves out a text
/// that isn't set. Each text begins on a new line and is cut after `longest` bytes.
pub(crate) fn advice(result: &CheckResult, longest: usize, out: &mut impl Write) -> fmt::Result {
    let CheckResult {
        owner,
        runbook,
        when_it_fails,
        ..
    } = result;
    let said = [
        ("owner", owner),
        ("runbook", runbook),
        ("when it fails", when_it_fails),
    ];
    for (what, text) in said {
        let lines = text.iter().flat_map(|text| text.lines());
        let mut left = longest;
        for (number, line) in lines.filter(|line| !line.trim().is_empty()).enumerate() {
            let (start, is_cut) = beginning(line, left);
            left = left.saturating_sub(line.len());
            let what = if number == 0 { what } else { "" };
            let colon = if number == 0 { ": " } else { "  " };
            let more = if is_cut { "…" } else { "" };
            writeln!(out, "    {what}{colon}{}{more}", OneLine(start))?;
            if is_cut {
                break;
            }
        }
    }
    Ok(())
}

fn breaks_out(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Formats seconds since the epoch as RFC 3339, such as "2026-01-17T03:36:48Z". Returns `None` for a time before 1970
/// or after 9999.
pub(super) fn rfc3339(seconds: f64) -> Option<String> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    let time = UNIX_EPOCH.checked_add(since)?;
    let mut text = String::with_capacity(20);
    // humantime returns an error for years with more than four digits.
    write!(text, "{}", humantime::format_rfc3339_seconds(time)).ok()?;
    Some(text)
}

/// Formats a duration like .NET's `TimeSpan`, as "[d.]hh:mm:ss.fffffff".
pub(super) fn time_span(seconds: f64) -> String {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let whole = duration.as_secs();
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    let ticks = duration.subsec_nanos() / 100;
    let days = if days > 0 {
        format!("{days}.")
    } else {
        String::new()
    };
    format!("{days}{hours:02}:{minutes:02}:{seconds:02}.{ticks:07}")
}

/// Formats a duration for people: "85 µs", "12 ms", "0.8 s", "2 min", "5 h", "3 d".
pub(super) fn spoken(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    match seconds {
        _ if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 0.1 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        _ if seconds < 120.0 => format!("{seconds:.0} s"),
        _ if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds < 172_800.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

/// Formats a size for people: "512 B", "3.2 MiB", "64 GiB".
pub(super) fn size(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut scaled = (bytes, "B");
    for unit in UNITS {
        // A value of 1023.5 or more would be displayed as 1024. To avoid this, the loop goes on to the next unit:
        // 1023.5 KiB becomes "1.0 MiB".
        if scaled.0 < 1023.5 {
            break;
        }
        scaled = (scaled.0 / 1024.0, unit);
    }
    let places = usize::from(scaled.1 != "B" && scaled.0 < 9.95);
    format!("{:.places$} {}", scaled.0, scaled.1)
}

/// Returns the beginning of a text, with at most `bytes` bytes and only whole characters. Also returns whether the text
/// was cut.
pub(super) fn beginning(text: &str, bytes: usize) -> (&str, bool) {
    let mut ends = (0..=bytes.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.split_at_checked(end)
        .map_or((text, false), |(start, rest)| (start, !rest.is_empty()))
}

/// Converts a JSON key to words, such as `response_time` to "response time".
pub(crate) fn words(key: &str) -> String {
    key.replace('_', " ")
}

/// Returns a help text, or the texts of a list joined by commas.
pub(crate) fn listed(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(listed).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_fake_a_line_is_written_out() {
        assert_eq!(
            OneLine("a\r\n[+]b ok\u{85}\u{2028}c\u{1b}[2Jd\0 é \"'\\").to_string(),
            "a\\r\\n[+]b ok\\u{85}\\u{2028}c\\u{1b}[2Jd\\0 é \"'\\"
        );
    }

    #[test]
    fn times_are_told_to_the_second_and_impossible_ones_not_at_all() {
        assert_eq!(rfc3339(1_768_621_008.9).as_deref(), Some("2026-01-17T03:36:48Z"));
        assert_eq!(rfc3339(0.0).as_deref(), Some("1970-01-01T00:00:00Z"));
        for impossible in [-1.0, 1e12, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(rfc3339(impossible), None, "{impossible}");
        }
    }

    #[test]
    fn a_time_span_is_what_dotnet_reads() {
        for (seconds, text) in [
            (0.0, "00:00:00.0000000"),
            (0.123_456_7, "00:00:00.1234567"),
            (61.5, "00:01:01.5000000"),
            (90_061.0, "1.01:01:01.0000000"),
            (-1.0, "00:00:00.0000000"),
        ] {
            assert_eq!(time_span(seconds), text);
        }
    }

    #[test]
    fn durations_are_spoken_in_their_own_unit() {
        for (seconds, text) in [
            (0.0, "0 µs"),
            (0.000_085, "85 µs"),
            (0.0012, "1.2 ms"),
            (0.012, "12 ms"),
            (0.8, "0.8 s"),
            (3.44, "3.4 s"),
            (119.0, "119 s"),
            (180.0, "3 min"),
            (18_000.0, "5 h"),
            (259_200.0, "3 d"),
        ] {
            assert_eq!(spoken(seconds), text);
        }
    }

    #[test]
    fn sizes_are_read_in_their_own_unit() {
        for (bytes, text) in [
            (0.0, "0 B"),
            (1023.0, "1023 B"),
            (1024.0, "1.0 KiB"),
            (3_355_443.0, "3.2 MiB"),
            (1_048_575.0, "1.0 MiB"),
            (68_719_476_736.0, "64 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(beginning("äöü", 3), ("ä", true));
        assert_eq!(beginning("äöü", 6), ("äöü", false));
    }
}
