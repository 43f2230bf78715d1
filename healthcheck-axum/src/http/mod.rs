//! Answers requests: `ask` reads a request once, `handler` answers it, and `cache` keeps the rendered answer until the
//! report changes.
//!
//! Returning a cached answer takes so little time that function calls would be a considerable part of this time. So the
//! functions that return a cached answer are `#[inline]`.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod cache;
pub(crate) mod handler;
pub(crate) mod headers;
pub(crate) mod negotiation;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod router;
