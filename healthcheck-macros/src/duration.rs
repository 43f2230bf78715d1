//! Parses duration literals at compile time, by the same rules that the crate `healthcheck` applies at run time.

use std::time::Duration;

use syn::{Error, LitStr, Result};

use crate::rules;

/// Parses a duration. Returns `None` for the text `"none"`.
pub(crate) fn optional(literal: &LitStr) -> Result<Option<Duration>> {
    rules::duration(&literal.value()).map_err(|problem| Error::new(literal.span(), problem))
}

/// Parses a duration that must be longer than zero. The error for zero or `"none"` ends with `instead`, a hint such as
/// "leave `interval` out …".
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
