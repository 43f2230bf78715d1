//! The shortest way to an answer, for the server of `serve`: a whole probe of which nothing is due needs no router.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{Method, Response};

use crate::kind::Kind;
use crate::state::State;

/// Answers what it can without the router; the answers are the router's.
#[derive(Clone)]
pub(crate) struct Shortcut(Arc<State>);

impl Shortcut {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderMap, Request, StatusCode};
    use healthcheck::{Check, HealthCheck};
    use tower_service::Service;

    use super::*;
    use crate::endpoints::Readers;
    use crate::{Access, Endpoints, routes};

    fn state(configured: impl FnOnce(Endpoints) -> Endpoints) -> Arc<State> {
        let health = HealthCheck::builder()
            .discover(false)
            .check(Check::new("a", async || Err::<(), _>("broken")).startup())
            .check(Check::new("b", async || true).liveness().readiness())
            .build()
            .unwrap();
        let endpoints = configured(Endpoints::new(health));
        endpoints.assemble(Readers::Unknown, "router").unwrap()
    }

    async fn routed(router: &mut Router, head: &Parts) -> (StatusCode, HeaderMap, Bytes) {
        let request = Request::from_parts(head.clone(), Body::empty());
        let (head, body) = router.call(request).await.unwrap().into_parts();
        (
            head.status,
            head.headers,
            axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        )
    }

    #[tokio::test]
    async fn what_is_answered_without_the_router_is_what_the_router_answers() {
        let state = state(|endpoints| endpoints);
        let shortcut = Shortcut::new(Arc::clone(&state)).unwrap();
        let mut router: Router = routes::router(&state.paths, &state);
        let mut answered = 0;
        for path in [
            "/healthcheck",
            "/livez",
            "/readyz",
            "/startupz",
            "/environment",
            "/",
        ] {
            for query in [
                "",
                "?format=text",
                "?format=nonsense",
                "?check=a",
                "?check=unknown",
                "?%ff",
            ] {
                for (name, value) in [
                    ("accept", "text/html"),
                    ("accept", "*/*"),
                    ("x-forwarded-for", "203.0.113.9"),
                    ("host", "localhost"),
                ] {
                    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
                        let request = Request::builder()
                            .method(method)
                            .uri(format!("{path}{query}"))
                            .header(name, value);
                        let (head, ()) = request.body(()).unwrap().into_parts();
                        // The first answer has run what was due.
                        routed(&mut router, &head).await;
                        let expected = routed(&mut router, &head).await;
                        let Some(response) = shortcut.answer(&head) else {
                            continue;
                        };
                        let (found, body) = response.into_parts();
                        assert_eq!((found.status, found.headers, body), expected, "{head:?}");
                        answered += 1;
                    }
                }
            }
        }
        assert!(answered >= 16, "{answered}");
    }

    #[test]
    fn a_rule_that_reads_the_peer_or_anything_else_has_the_routers_requests() {
        for access in [Access::loopback(), Access::when(|_| true)] {
            assert!(Shortcut::new(state(|endpoints| endpoints.details_access(access))).is_none());
        }
    }
}
