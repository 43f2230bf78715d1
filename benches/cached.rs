//! Measures the cost of a cached answer, compared with servers that only send the same bytes.
//!
//! `cargo bench -p healthcheck-benches --bench cached`
//!
//! - `router()` with `GET /healthcheck` for 3 and for 1,000 checks (600 bytes and 200 KB), compared with an axum
//!   handler that returns a clone of the same response. Limits: at least 0.97 and 0.95 of the handler's requests per
//!   second, and at most 1.1 times its p99.
//! - `serve()`, which has its own thread, with the answer for 3 checks. Limits: at least 0.95 of the requests per
//!   second of the axum handler behind `axum::serve`, and at least 0.85 of those of bare hyper, which lacks the client
//!   limits of `serve()`.
//!
//! Each server is this bench, started again as a process. The load is `wrk -t1 -c64 --latency`, or the bench's own 64
//! connections if wrk isn't installed. Server and load have a core each. Both compared servers run all the time, and get
//! the load in turn for 2 s each, in 9 rounds after a warm-up round. The figures are the medians of the rounds' ratios.
//! The bench also prints the server's processor time for each request, which other load on the machine changes less.
//! `CACHED_ROUNDS=3` shortens the bench.
//!
//! To find out why a figure misses its limit, count the instructions of a request. Run the bench's binary with the
//! arguments `as-server of-router 20000` under `valgrind --tool=callgrind`, and with `of-handler` for the handler. The
//! process then sends 20,000 requests for 3 checks to itself, without a socket.

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
        // The processor time of a request limits how many requests a core can answer.
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

/// The figures of all rounds of a comparison.
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

/// Runs this process as one of the servers.
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
            // Bare hyper gets its own thread and runtime, as `serve()` does.
            let thread = std::thread::spawn(move || bare_hyper(listener, fixed));
            tokio::task::spawn_blocking(move || thread.join())
                .await?
                .map_err(|_| "bare hyper panicked")??;
        }
        _ => return Err(format!("there is no server {name}").into()),
    }
    Ok(())
}

/// Calls the router or the handler this many times without a socket, so that a profiler sees only the requests.
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

/// Returns an application with its own page and the health routes.
fn app(health: Router) -> Router {
    Router::new().route("/", get(async || "hello")).merge(health)
}

/// Returns a `HealthCheck` with this number of checks. Their results are cached for a year, and their outputs have a
/// typical length.
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

/// A copy of our router's response. The servers that ours are compared with send this copy.
#[derive(Clone)]
struct Fixed {
    headers: HeaderMap,
    bytes: Bytes,
}

impl Fixed {
    async fn of(mut router: Router) -> Result<Self> {
        let mut answer = None;
        // The first request runs the checks. The second one gets the cached answer.
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
