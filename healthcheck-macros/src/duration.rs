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
    humantime::parse_duration(text)
        .map_err(|problem| format!("`{text}` isn't a duration ({problem}): {GOOD}"))
}
