//! Helpers for request headers that the choice of a format and the server share.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Returns the values of the header with this name. Compares the name with that of each header, because most requests
/// have few headers. Hashing the name would take longer.
pub(crate) fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &HeaderValue> {
    let pairs = headers.iter().filter(move |(found, _)| **found == name);
    pairs.map(|(_, value)| value)
}

/// Returns whether a token may contain this byte (RFC 9110, 5.6.2).
pub(crate) const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
