//! From the paths to the answers: one service, told which route it stands for.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Version, header};
use axum::response::Response;
use axum::routing::any_service;
use healthcheck::upstream_loops::{Asked, VIA};
use tower_service::Service;

use crate::answer;
use crate::kind::Kind;
#[cfg(feature = "openapi")]
use crate::paths::DOCUMENT;
use crate::paths::{CHECK, HISTORY, Paths, SECTION, below};
use crate::problem::Problem;
use crate::state::State;

/// The router of a server that serves nothing else.
pub(crate) fn whole_server(state: &Arc<State>) -> Router {
    router(&state.paths, state).fallback_service(Route {
        state: Arc::clone(state),
        page: Page::Nothing,
    })
}

/// The router of all routes. The paths are known to be sound, and no two are the same.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(paths: &Paths, state: &Arc<State>) -> Router<S> {
    let with_environment = state.environment.is_some();
    #[cfg(feature = "openapi")]
    let with_openapi = state.openapi.is_some();
    let mut router = Router::new();
    let mut add = |path: &str, page: Page| {
        // `any_service` alone answers `GET`, too, after it was compared with every other method.
        let route = Route {
            state: Arc::clone(state),
            page,
        };
        router = std::mem::take(&mut router).route(path, any_service(route.clone()).get_service(route));
    };
    let check = format!("{{{CHECK}}}");
    for (path, kind) in [
        (&paths.health, Kind::Health),
        (&paths.liveness, Kind::Liveness),
        (&paths.readiness, Kind::Readiness),
        (&paths.startup, Kind::Startup),
    ] {
        add(path, Page::Probe(kind));
        add(&below(path, &check), Page::Check(kind));
    }
    add(&below(&paths.health, HISTORY), Page::History);
    #[cfg(feature = "openapi")]
    if with_openapi {
        add(&below(&paths.health, DOCUMENT), Page::OpenApi);
    }
    if with_environment {
        add(&paths.environment, Page::Environment);
        let section = format!("{{{SECTION}}}");
        add(&below(&paths.environment, &section), Page::Section);
    }
    router
}

/// What a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Probe(Kind),
    Check(Kind),
    History,
    Environment,
    Section,
    #[cfg(feature = "openapi")]
    OpenApi,
    /// Any other path of a server that serves nothing else.
    Nothing,
}

/// The service behind each route. One `Arc` and a word, since axum clones it for each request.
#[derive(Clone)]
struct Route {
    state: Arc<State>,
    page: Page,
}

impl Service<Request> for Route {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let (mut head, _) = request.into_parts();
        let (state, page) = (&self.state, self.page.meant_by(&head));
        if let Some(answer) = page.at_once(state, &head) {
            let mut response = answer.unwrap_or_else(|problem| state.problem(problem, &head));
            finish(state, page, &head, &mut response);
            return Answering::Ready(Some(response));
        }
        let state = Arc::clone(state);
        Answering::Waiting(Box::pin(async move {
            let answer = page.answer(&state, &mut head).await;
            let mut response = answer.unwrap_or_else(|problem| state.problem(problem, &head));
            finish(&state, page, &head, &mut response);
            response
        }))
    }
}

impl Page {
    /// `OPTIONS *`, as Apache's health check asks, is about readiness.
    fn meant_by(self, head: &Parts) -> Self {
        if self == Self::Nothing && head.method == Method::OPTIONS && head.uri.path() == "*" {
            return Self::Probe(Kind::Readiness);
        }
        self
    }

    /// The answer that takes no waiting, if it is one.
    fn at_once(self, state: &State, head: &Parts) -> Option<Result<Response, Problem>> {
        if self == Self::Nothing {
            let there = state.paths.all(state.environment.is_some());
            return Some(Err(Problem::nothing_here(head, there)));
        }
        // A browser's question whether another page's script may ask; the answer says what may be asked, and not that.
        if head.method == Method::OPTIONS && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Some(Ok(answer::no_content(self.allowed())));
        }
        if !self.takes(&head.method) {
            return Some(Err(Problem::method_not_allowed(self.allowed())));
        }
        match self {
            Self::Probe(kind) => Some(Ok(state.fresh(kind, head)?.response(true))),
            Self::Check(_) | Self::Nothing => None,
            Self::History | Self::Environment | Self::Section => {
                let refusals = state.environment_access.admit(head).err()?;
                Some(Err(Problem::refused(&refusals)))
            }
            #[cfg(feature = "openapi")]
            Self::OpenApi => Some(Ok(state.openapi())),
        }
    }

    async fn answer(self, state: &State, head: &mut Parts) -> Result<Response, Problem> {
        // Who asks is known to our own upstream checks for as long as they may be what this request waits for.
        let via = head.headers.get(VIA);
        let asked = via.map(|via| Asked::by(via.to_str().unwrap_or_default()));
        let _asked = asked.transpose().map_err(Problem::asked_by_itself)?;
        match self {
            Self::Probe(kind) => state.probed(kind, head).await,
            Self::Check(kind) => state.one_check(kind, head).await,
            Self::History => state.history(head),
            Self::Environment => state.environment(head).await,
            Self::Section => state.section(head).await,
            #[cfg(feature = "openapi")]
            Self::OpenApi => Ok(state.openapi()),
            // Answered at once.
            Self::Nothing => Err(Problem::nothing_here(head, Vec::new())),
        }
    }

    fn takes(self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD => true,
            // HAProxy's `option httpchk` asks with it.
            Method::OPTIONS => matches!(self, Self::Probe(_) | Self::Check(_)),
            _ => false,
        }
    }

    fn allowed(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Probe(_) | Self::Check(_) => "GET, HEAD, OPTIONS",
            _ => "GET, HEAD",
        })
    }
}

/// What the request's method and the service's life add to an answer.
fn finish(state: &State, page: Page, head: &Parts, response: &mut Response) {
    if head.method == Method::HEAD {
        // The length stays: it is that of the body that `GET` would get.
        *response.body_mut() = Body::empty();
    } else if head.method == Method::OPTIONS && page.takes(&Method::OPTIONS) {
        *response.body_mut() = Body::empty();
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, page.allowed());
        if headers.contains_key(header::CONTENT_LENGTH) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    }
    // Whoever goes on using the connection would be cut off with it. HTTP/2 has no such header.
    if state.health.is_draining() && head.version <= Version::HTTP_11 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
}

/// An answer, there already or on its way. Boxed only where it waits.
enum Answering {
    /// Empty once it is given.
    Ready(Option<Response>),
    Waiting(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(answer) => answer
                .take()
                .map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer))),
            Self::Waiting(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}
