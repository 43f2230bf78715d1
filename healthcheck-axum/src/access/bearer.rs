//! Bearer tokens, and the one that a request presents.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

/// The token that the request presents: the one and only `Authorization`, of the scheme `Bearer` in any case.
pub(super) fn presented(request: &Parts) -> Option<&[u8]> {
    let mut sent = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

/// Some tokens, none of them empty.
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

    /// Compares with every token to the end, so that the time it takes doesn't tell how much of one was right.
    pub(super) fn contain(&self, presented: &[u8]) -> bool {
        let found = self
            .accepted
            .iter()
            .fold(Choice::from(0), |found, token| found | token.ct_eq(presented));
        bool::from(found)
    }
}
