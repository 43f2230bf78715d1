//! Durations as people write them, read while compiling.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};

const GOOD: &str = "write it like \"250ms\", \"2s\" or \"1m 30s\"";
/// A longer number overflows in every unit but the nanosecond.
const MOST_DIGITS: usize = 9;

/// A duration, or `None` for `"none"`.
pub(crate) fn optional(literal: &LitStr) -> Result<Option<Duration>> {
    let text = literal.value();
    if text.trim() == "none" {
        return Ok(None);
    }
    read(&text)
        .map(Some)
        .map_err(|problem| Error::new(literal.span(), problem))
}

/// A duration that is neither zero nor `"none"`; the message about those says what to do instead.
pub(crate) fn positive(literal: &LitStr, instead: &str) -> Result<Duration> {
    let refused = match optional(literal)? {
        None => "\"none\"",
        Some(Duration::ZERO) => "zero",
        Some(duration) => return Ok(duration),
    };
    Err(Error::new(
        literal.span(),
        format!("{refused} isn't possible here: {instead}"),
    ))
}

/// A const expression of this duration.
pub(crate) fn tokens(duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}

fn read(text: &str) -> std::result::Result<Duration, String> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    if numbers.any(|number| number.len() > MOST_DIGITS) {
        return Err(format!("`{text}` is too long for a duration: {GOOD}"));
    }
    // Of the months, which nobody means by one letter.
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| unit == "M") {
        return Err(format!(
            "`M` in `{text}` would be months, minutes are `m`: {GOOD}"
        ));
    }
    humantime::parse_duration(text)
        .map_err(|problem| format!("`{text}` isn't a duration ({problem}): {GOOD}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("250ms", 250),
            ("2s", 2_000),
            ("1m 30s", 90_000),
            ("1 min 30 sec", 90_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(read(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_an_example_and_never_panics() {
        let long = "999999999y ".repeat(2_000);
        for text in [
            "",
            " ",
            "5",
            "soon",
            "-1s",
            "1 fortnight",
            "1M",
            "18446744073709551615s 1000ms",
            "1.s",
            "¼s",
            &long,
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.ends_with(GOOD), "{problem}");
        }
    }
}
