//! From a request to its answer: read once (`ask`), found or made (`handler`), rendered once a change (`cache`).

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod cache;
pub(crate) mod handler;
pub(crate) mod negotiation;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod router;
