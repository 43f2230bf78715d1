//! Reads the credentials of a request, and compares them with the accepted tokens and passwords.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Basic,
}

impl Scheme {
    /// Returns the credentials in the request's `Authorization` header, if the header names this scheme (in upper or
    /// lower case). Returns `None` if the request has several `Authorization` headers.
    pub(super) fn presented(self, request: &Parts) -> Option<&[u8]> {
        let name: &[u8] = match self {
            Self::Bearer => b"Bearer ",
            Self::Basic => b"Basic ",
        };
        let mut sent = request.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return None;
        };
        let (scheme, token) = value.as_bytes().split_at_checked(name.len())?;
        let token = token.trim_ascii();
        (scheme.eq_ignore_ascii_case(name) && !token.is_empty()).then_some(token)
    }
}

/// Returns a set with the token that a client sends for this user and password with HTTP Basic (RFC 7617). If the
/// password is empty, the set is empty.
pub(super) fn basic(user: &str, password: &str) -> Tokens {
    let token = base64(format!("{user}:{password}").as_bytes());
    Tokens::new((!password.is_empty()).then_some(token))
}

/// Encodes bytes as Base64 with padding (RFC 4648). This function saves every application a dependency on a Base64
/// crate.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let bits = [16, 8, 0].into_iter().zip(group);
        let bits = bits.fold(0, |bits, (shift, byte)| bits | usize::from(*byte) << shift);
        let digit = |at: usize| ALPHABET.get(bits >> (18 - 6 * at) & 63).copied();
        [0, 1, 2, 3].map(|at| digit(at).filter(|_| at <= group.len()).map_or('=', char::from))
    };
    bytes.chunks(3).flat_map(digits).collect()
}

/// The tokens that a rule accepts. The empty string is never one of these tokens.
pub(super) struct Tokens {
    accepted: Vec<Box<[u8]>>,
}

impl Tokens {
    pub(super) fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        let accepted = tokens
            .into_iter()
            .filter(|token| !token.trim().is_empty())
            .map(|token| Box::from(token.trim().as_bytes()));
        Self {
            accepted: accepted.collect(),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Returns whether `presented`, the credentials of a request, equals one of the tokens.
    ///
    /// Compares `presented` with every token in constant time. Otherwise the duration would tell a client how many
    /// bytes of a token it has guessed.
    pub(super) fn contain(&self, presented: &[u8]) -> bool {
        let found = self
            .accepted
            .iter()
            .fold(Choice::from(0), |found, token| found | token.ct_eq(presented));
        bool::from(found)
    }
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn base64_is_that_of_everybody_else() {
        let bytes: Vec<u8> = (0..=255).rev().collect();
        for length in 0..bytes.len() {
            assert_eq!(base64(&bytes[..length]), BASE64_STANDARD.encode(&bytes[..length]));
        }
    }
}
