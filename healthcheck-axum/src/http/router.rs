//! Finds the target of a path, such as a probe or the history. In an app, axum's router finds the target. In a server
//! that serves only the endpoints, the method [`Handler::at`] finds the target.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, Response};
use axum::routing::any_service;
use tower_service::Service;

use super::answer::Cached;
use super::ask::Target;
use super::handler::Handler;
use crate::kind::ProbeKind;
#[cfg(feature = "openapi")]
use crate::paths::DOCUMENT;
use crate::paths::{CHECK, HISTORY, SECTION, below};

const KINDS: [ProbeKind; 4] = [
    ProbeKind::Health,
    ProbeKind::Liveness,
    ProbeKind::Readiness,
    ProbeKind::Startup,
];

/// Returns an axum router with a route for each endpoint. `Paths::problems` has already refused invalid and duplicate
/// paths.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(handler: &Arc<Handler>) -> Router<S> {
    let mut router = Router::new();
    for (path, target) in routes(handler) {
        // axum tries `any_service` only after it has compared the method of the request with every other method. A
        // separate service for `GET` is faster.
        let route = Route {
            handler: Arc::clone(handler),
            target,
        };
        router = router.route(&path, any_service(route.clone()).get_service(route));
    }
    router
}

fn routes(handler: &Handler) -> Vec<(String, Target)> {
    let paths = &handler.paths;
    let check = format!("{{{CHECK}}}");
    let mut routes = vec![(below(&paths.health, HISTORY), Target::History)];
    for kind in KINDS {
        let path = paths.of(kind);
        routes.push((path.to_owned(), Target::Probe(kind)));
        routes.push((below(path, &check), Target::Check(kind)));
    }
    #[cfg(feature = "openapi")]
    if handler.openapi.is_some() {
        routes.push((below(&paths.health, DOCUMENT), Target::OpenApi));
    }
    if handler.environment.is_some() {
        routes.push((paths.environment.clone(), Target::Environment));
        let section = format!("{{{SECTION}}}");
        routes.push((below(&paths.environment, &section), Target::Section));
    }
    routes
}

impl Handler {
    /// Returns the target of a request on a server that serves only the endpoints. In an app, [`router`] leads the same
    /// path to the same target.
    pub(crate) fn at(&self, head: &Parts) -> Target {
        let (paths, path) = (&self.paths, head.uri.path());
        if let Some(kind) = KINDS.into_iter().find(|&kind| paths.of(kind) == path) {
            return Target::Probe(kind);
        }
        // `OPTIONS *`, which Apache's health check sends, gets the readiness report.
        if path == "*" && head.method == Method::OPTIONS {
            return Target::Probe(ProbeKind::Readiness);
        }
        let with_environment = self.environment.is_some();
        if with_environment && paths.environment == path {
            return Target::Environment;
        }
        match segment_below(&paths.health, path) {
            Some(HISTORY) => return Target::History,
            #[cfg(feature = "openapi")]
            Some(DOCUMENT) if self.openapi.is_some() => return Target::OpenApi,
            _ => {}
        }
        if with_environment && segment_below(&paths.environment, path).is_some() {
            return Target::Section;
        }
        let of_check = |&kind: &ProbeKind| segment_below(paths.of(kind), path).is_some();
        KINDS
            .into_iter()
            .find(of_check)
            .map_or(Target::Nothing, Target::Check)
    }
}

/// Returns the part of `path` below `above` if that part is exactly one segment.
fn segment_below<'a>(above: &str, path: &'a str) -> Option<&'a str> {
    let below = path.strip_prefix(above.trim_end_matches('/'))?;
    let segment = below.strip_prefix('/')?;
    (!segment.is_empty() && !segment.contains('/')).then_some(segment)
}

/// Answers a request. The answer depends only on the head, so this function doesn't need the body.
#[inline]
pub(crate) fn respond(handler: &Arc<Handler>, target: Target, head: Parts) -> Responding {
    match handler.begin(target, &head) {
        Ok(cached) => Responding::Cached(cached),
        Err(request) => {
            let handler = Arc::clone(handler);
            let answer = async move { handler.answer(request, target, &head).await };
            Responding::Waiting(Box::pin(answer))
        }
    }
}

/// A cached answer, or the future of an answer that isn't cached. Only the future is allocated.
pub(crate) enum Responding {
    Cached(Cached),
    Waiting(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl Responding {
    /// Returns the response once the answer is complete. `into_body` turns the answer's bytes into the body of the
    /// response.
    pub(crate) fn poll_response<B>(
        &mut self,
        context: &mut Context<'_>,
        into_body: impl FnOnce(Bytes) -> B,
    ) -> Poll<Result<Response<B>, Infallible>> {
        match self {
            Self::Cached(cached) => Poll::Ready(Ok(cached.response(into_body))),
            Self::Waiting(response) => {
                let polled = response.as_mut().poll(context);
                polled.map(|response| Ok(response.map(into_body)))
            }
        }
    }
}

/// The service of one route of an app. It is small because axum clones it for each request.
#[derive(Clone)]
struct Route {
    handler: Arc<Handler>,
    target: Target,
}

impl Service<Request> for Route {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Routed;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Routed {
        let (head, _) = request.into_parts();
        Routed(respond(&self.handler, self.target, head))
    }
}

/// The future that [`Route`] returns.
struct Routed(Responding);

impl Future for Routed {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_response(context, Body::from)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use axum::routing::any;
    use healthcheck::{Check, HealthCheck};

    use super::*;
    use crate::Endpoints;
    use crate::endpoints::Readers;

    fn handler(configured: impl FnOnce(Endpoints) -> Endpoints) -> Arc<Handler> {
        let health = HealthCheck::builder()
            .discover(false)
            .check(Check::new("a", async || true).liveness().readiness())
            .build()
            .unwrap();
        configured(Endpoints::new(health))
            .assemble(Readers::Unknown, "router")
            .unwrap()
    }

    /// Returns the name of the target that axum's router finds for a request.
    async fn routed(handler: &Arc<Handler>, head: &Parts) -> String {
        let mut router = Router::new().fallback(async || format!("{:?}", Target::Nothing));
        for (path, target) in routes(handler) {
            router = router.route(&path, any(async move || format!("{target:?}")));
        }
        let request = Request::from_parts(head.clone(), Body::empty());
        let response = router.call(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX);
        String::from_utf8(body.await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_server_of_our_own_finds_the_same_target_at_each_path_as_axum() {
        let handlers = [
            handler(|endpoints| endpoints),
            handler(|endpoints| endpoints.health_path("/").environment_path("/status/env")),
            handler(|endpoints| {
                endpoints
                    .health_path("/a/b")
                    .liveness_path("/a")
                    .readiness_path("/a/b/c")
            }),
            handler(|endpoints| endpoints.environment(None)),
        ];
        let segments = [
            "healthcheck",
            "livez",
            "readyz",
            "startupz",
            "environment",
            "history",
            "openapi.json",
            "status",
            "env",
            "a",
            "b",
            "c",
            "",
            "%61",
            "x%2Fy",
            "healthcheck2",
            "HEALTHCHECK",
        ];
        let mut found = std::collections::HashSet::new();
        for handler in &handlers {
            for first in segments {
                for second in segments.into_iter().map(Some).chain([None]) {
                    for third in [None, Some("a"), Some("c"), Some("")] {
                        let rest = [second, third]
                            .map(|segment| segment.map_or(String::new(), |it| format!("/{it}")));
                        let path = format!("/{first}{}", rest.concat());
                        let Ok(request) = Request::builder().uri(&path).body(()) else {
                            continue;
                        };
                        let (head, ()) = request.into_parts();
                        let target = format!("{:?}", handler.at(&head));
                        assert_eq!(target, routed(handler, &head).await, "{path}");
                        found.insert(target);
                    }
                }
            }
        }
        assert!(found.len() >= 12, "{found:?}");
    }

    #[test]
    fn options_of_the_whole_server_is_about_readiness() {
        let handler = handler(|endpoints| endpoints);
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri("*")
            .body(())
            .unwrap();
        assert_eq!(
            handler.at(&request.into_parts().0),
            Target::Probe(ProbeKind::Readiness)
        );
    }

    #[test]
    fn an_answer_is_small_enough_to_be_moved() {
        assert!(size_of::<Responding>() <= 4 * size_of::<usize>());
    }
}
