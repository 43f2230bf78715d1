//! Durations as literals, read while compiling by the rules of the runtime.

use std::time::Duration;

use syn::{Error, LitStr, Result};

use crate::rules;

/// A duration, or `None` for `"none"`.
pub(crate) fn optional(literal: &LitStr) -> Result<Option<Duration>> {
    rules::duration(&literal.value()).map_err(|problem| Error::new(literal.span(), problem))
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
