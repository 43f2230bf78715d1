//! Parses duration literals at compile time, by the same rules as the runtime.

use std::time::Duration;

use syn::{Error, LitStr, Result};

use crate::rules;

/// Parses a duration; `None` means `"none"`.
pub(crate) fn optional(literal: &LitStr) -> Result<Option<Duration>> {
    rules::duration(&literal.value()).map_err(|problem| Error::new(literal.span(), problem))
}

/// Parses a duration. Rejects zero and `"none"` with an error that ends with the suggestion `instead`.
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
