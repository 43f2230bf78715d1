//! Measures the cost of a cached answer. Compares the library with servers that only send the same bytes.
//!
//! `cargo bench -p healthcheck-benches --bench cached` runs this bench.
//!
//! The bench makes these comparisons:
//! - `router()` with an axum handler that returns a copy of the same response. The bench compares them for 3 checks (a
//!   response of 600 bytes) and for 1,000 checks (200 KB). `router()` has to reach 0.97 times the handler's requests
//!   per second for 3 checks, and 0.95 times for 1,000 checks. The p99 of `router()` may be at most 1.1 times the p99
//!   of the handler.
//! - `serve()` with the same handler behind `axum::serve`, for 3 checks. `serve()` has to reach 0.95 times the
//!   handler's requests per second.
//! - `serve()` with bare hyper, for 3 checks. The hyper server sets no limits for clients. `serve()` has to reach 0.85
//!   times hyper's requests per second.
//!
//! Each server is a separate process, for which the bench starts its own binary again. `wrk -t1 -c64 --latency` puts
//! load on the server. If wrk isn't installed, a child process of the bench sends the requests over 64 connections. The
//! server runs on one core, and the sender of the requests on another core.
//!
//! A comparison has a warm-up round and 9 measured rounds. In each round the bench puts load on one server for 2 s, and
//! then on the other server for 2 s. A figure is the median of the ratios of all measured rounds. `CACHED_ROUNDS=3`
//! reduces the number of measured rounds to 3.
//!
//! If a figure misses its limit, count the processor instructions of a request to find the reason: run the binary of
//! this bench under `valgrind --tool=callgrind`.
//!
//! With the arguments `as-server of-router 20000`, the process sends 20,000 requests for 3 checks to its own router,
//! without a socket. With `as-server of-handler 20000`, it sends these requests to the handler.

use std::convert::Infallible;
use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use axum::routing::get;
use healthcheck::{Check, HealthCheck, HealthCheckBuilder, Outcome};
use healthcheck_axum::Endpoints;
use healthcheck_benches::load::{self, Load, Role, Server, tell};
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::{Result, figure, samples};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower_service::Service;

const SPAN: Duration = Duration::from_secs(2);
const PATH: &str = "/healthcheck";

fn main() -> Result {
    match load::role()? {
        Role::Server(name, requests) if name.starts_with("of-") => ask(&name, requests),
        Role::Server(name, checks) => serve(&name, checks),
        Role::Bench => measure(),
    }
}

fn measure() -> Result {
    figure::heading("A cached answer");
    figure::note(load::by_whom());
    let against = |what: &str, ours: &str, theirs: &str, checks, least, p99| -> Result {
        let (ours, theirs) = (Server::start(ours, checks)?, Server::start(theirs, checks)?);
        let rounds = Rounds::of(&ours, &theirs)?;
        figure::at_least(&format!("{what}: requests/s"), rounds.rate.ratio(), least, "×");
        if let Some(most) = p99 {
            figure::at_most(&format!("{what}: p99"), rounds.p99.ratio(), most, "×");
        }
        // If a request takes twice the processor time, a core answers half as many requests. So the limit of the
        // processor time is the inverse of the limit of requests per second.
        figure::at_most(
            &format!("{what}: CPU a request"),
            rounds.cpu.ratio(),
            1.0 / least,
            "×",
        );
        rounds.note();
        Ok(())
    };
    against(
        "router(), 3 checks, of a bare handler",
        "router",
        "handler",
        3,
        0.97,
        Some(1.1),
    )?;
    against(
        "router(), 1,000 checks, of a bare handler",
        "router",
        "handler",
        1_000,
        0.95,
        Some(1.1),
    )?;
    against(
        "serve(), 3 checks, of a bare handler",
        "serve",
        "handler",
        3,
        0.95,
        None,
    )?;
    against(
        "serve(), 3 checks, of bare hyper",
        "serve",
        "hyper",
        3,
        0.85,
        None,
    )
}

/// The figures of a comparison of two servers, with one pair of values for each round.
#[derive(Default)]
struct Rounds {
    rate: Pairs,
    p50: Pairs,
    p99: Pairs,
    cpu: Pairs,
}

impl Rounds {
    fn of(ours: &Server, theirs: &Server) -> Result<Self> {
        let rounds = env::var("CACHED_ROUNDS")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(9);
        let mut this = Self::default();
        for round in 0..=rounds {
            let (one, other) = if round % 2 == 0 {
                let one = ours.load(PATH, SPAN)?;
                (one, theirs.load(PATH, SPAN)?)
            } else {
                let other = theirs.load(PATH, SPAN)?;
                (ours.load(PATH, SPAN)?, other)
            };
            if round > 0 {
                this.push(one, other);
            }
        }
        Ok(this)
    }

    fn push(&mut self, one: Load, other: Load) {
        self.rate.push(one.rate, other.rate);
        self.p50.push(one.p50, other.p50);
        self.p99.push(one.p99, other.p99);
        self.cpu.push(one.cpu, other.cpu);
    }

    fn note(&self) {
        figure::note(format_args!(
            "{:.0} requests/s against {:.0}; p50 {:.2} ms against {:.2}; p99 {:.2} ms against {:.2}; CPU {:.2} µs against {:.2}",
            self.rate.ours(),
            self.rate.theirs(),
            self.p50.ours(),
            self.p50.theirs(),
            self.p99.ours(),
            self.p99.theirs(),
            self.cpu.ours() / 1e3,
            self.cpu.theirs() / 1e3,
        ));
    }
}

/// Runs the server with this name in this process.
#[tokio::main]
async fn serve(name: &str, checks: usize) -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell(listener.local_addr()?);
    let endpoints = Endpoints::new(subject(checks)?);
    match name {
        "serve" => endpoints.serve_on(listener).await?,
        "router" => {
            let own: Router = endpoints.router()?;
            axum::serve(listener, app(own)).await?;
        }
        "handler" => {
            let fixed = Fixed::of(endpoints.router()?).await?;
            axum::serve(listener, app(fixed.router())).await?;
        }
        "hyper" => {
            let fixed = Fixed::of(endpoints.router()?).await?;
            let listener = listener.into_std()?;
            // `serve()` has its own thread and runtime. For a fair comparison, bare hyper gets its own thread and
            // runtime too.
            let thread = std::thread::spawn(move || bare_hyper(listener, fixed));
            tokio::task::spawn_blocking(move || thread.join())
                .await?
                .map_err(|_| "bare hyper panicked")??;
        }
        _ => return Err(format!("there is no server {name}").into()),
    }
    Ok(())
}

/// Sends as many requests as `requests` says to the router or to the handler. Uses no socket, so a profiler sees only
/// the work for the requests.
#[tokio::main(flavor = "current_thread")]
async fn ask(name: &str, requests: usize) -> Result {
    let own: Router = Endpoints::new(subject(3)?).router()?;
    let fixed = Fixed::of(own.clone()).await?;
    let mut app = match name {
        "of-router" => app(own),
        _ => app(fixed.router()),
    };
    for _ in 0..requests {
        let request = Request::get(PATH)
            .header("host", "localhost")
            .body(Body::empty())?;
        drop(app.call(request).await?);
    }
    Ok(())
}

/// Returns an application that has one page of its own and the routes of `health`.
fn app(health: Router) -> Router {
    Router::new().route("/", get(async || "hello")).merge(health)
}

/// Returns a `HealthCheck` with as many checks as `checks` says. The checks have outputs of a typical length, and their
/// results are cached for a year.
fn subject(checks: usize) -> Result<HealthCheck> {
    let year = Duration::from_secs(365 * 24 * 3600);
    let check = |number| {
        Check::new(format!("check_{number:04}"), async || {
            Outcome::pass("the answer came within 3 ms")
        })
        .description("The connection to the upstream answers.")
        .success_ttl(year)
    };
    Ok((0..checks)
        .map(check)
        .fold(samples::by_hand(), HealthCheckBuilder::check)
        .build()?)
}

/// A copy of a response of the library's router. The bench compares the library with other servers, and these servers
/// send this copy.
#[derive(Clone)]
struct Fixed {
    headers: HeaderMap,
    bytes: Bytes,
}

impl Fixed {
    async fn of(mut router: Router) -> Result<Self> {
        let mut answer = None;
        // The first request runs the checks, and the second request gets the cached answer. The loop keeps the second
        // answer.
        for _ in 0..2 {
            let request = Request::get(PATH).body(Body::empty())?;
            let (head, body) = router.call(request).await?.into_parts();
            answer = Some(Self {
                headers: head.headers,
                bytes: body.collect().await?.to_bytes(),
            });
        }
        answer.ok_or_else(|| "no answer".into())
    }

    fn router(self) -> Router {
        let fixed = Arc::new(self);
        let answer = async move || of_bytes(&fixed.headers, Body::from(fixed.bytes.clone()));
        Router::new().route(PATH, get(answer))
    }
}

fn of_bytes<B>(headers: &HeaderMap, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers.clone();
    response
}

#[tokio::main(flavor = "current_thread")]
async fn bare_hyper(listener: std::net::TcpListener, fixed: Fixed) -> Result {
    let listener = TcpListener::from_std(listener)?;
    let fixed = Arc::new(fixed);
    loop {
        let (stream, _peer): (_, SocketAddr) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let fixed = Arc::clone(&fixed);
        tokio::spawn(async move {
            let answer = service_fn(|_| {
                let response = of_bytes(&fixed.headers, Full::new(fixed.bytes.clone()));
                async move { Ok::<_, Infallible>(response) }
            });
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await,
            );
        });
    }
}
