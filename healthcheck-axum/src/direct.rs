//! The shortest way to an answer, for the server of `serve`: a whole probe of which nothing is due needs no router.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{Method, Response};

use crate::probe::Kind;
use crate::state::State;

/// Answers what it can without the router; the answers are the router's.
#[derive(Clone)]
pub(crate) struct Direct(Arc<State>);

impl Direct {
    /// `None` where there may be rules that read what only the router's requests have, the peer's address.
    pub(crate) fn new(state: Arc<State>) -> Option<Self> {
        state.details_access.reads_headers_alone().then_some(Self(state))
    }

    /// The answer of a whole probe while nothing is due; everything else is the router's.
    pub(crate) fn answer(&self, head: &Parts) -> Option<Response<Bytes>> {
        let Self(state) = self;
        if head.method != Method::GET {
            return None;
        }
        let path = head.uri.path();
        let kinds = [Kind::Health, Kind::Liveness, Kind::Readiness, Kind::Startup];
        let kind = kinds.into_iter().find(|&kind| state.paths.of(kind) == path)?;
        let rendered = state.fresh(kind, head)?;
        Some(rendered.response_of(rendered.body(), true))
    }
}
