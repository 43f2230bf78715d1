//! Answers requests: `ask` reads a request once, `handler` answers it, and `cache` keeps the rendered answer until the
//! report changes.
//!
//! The functions on the way to a cached answer are `#[inline]`: it is so cheap that the calls between them would count.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod cache;
pub(crate) mod handler;
pub(crate) mod negotiation;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod router;
