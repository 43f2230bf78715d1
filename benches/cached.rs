//! The answer that is there already, against servers that do nothing but send the same bytes.
//!
//! `cargo bench -p healthcheck-benches --bench cached`
//!
//! - `GET /healthcheck` of 3 and of 1,000 checks through `router()`, against an axum handler that returns a clone of
//!   the same response: status, headers and bytes (600 bytes and 200 KB). At least 0.97 and 0.95 of its requests per
//!   second, and a p99 within 1.1 times its own.
//! - The same of 3 checks through `serve()`, which has a thread of its own: at least 0.95 of the requests per second of
//!   the axum handler behind `axum::serve`, and at least 0.85 of those of bare hyper, which has none of the limits that
//!   `serve()` sets its clients.
//!
//! Each server is a process of its own, this bench started anew; the load is `wrk -t1 -c64 --latency`, or 64
//! connections of ours where wrk isn't installed; server and load have one core each. What is compared takes turns, 2 s
//! each, in 9 rounds after one that doesn't count, and the figures are medians of the rounds' ratios. Beside the
//! requests per second stands the processor time that the server used for one, which says the same on a machine that
//! is busy with other things. `CACHED_ROUNDS=3` makes it shorter.
//!
//! Where a figure is missed, what a request costs is found by counting it: the bench's binary with the arguments
//! `as-server of-router 20000`, and `of-handler` for the other side, under `valgrind --tool=callgrind` asks so often
//! without a socket, of 3 checks.

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
        // What a core does is bounded by the time that each request takes of it.
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

/// What the rounds of one comparison gave.
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

/// What this process is when it is started as a server.
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
            // As `serve()` does it: a thread and a runtime of its own.
            let thread = std::thread::spawn(move || bare_hyper(listener, fixed));
            tokio::task::spawn_blocking(move || thread.join())
                .await?
                .map_err(|_| "bare hyper panicked")??;
        }
        _ => return Err(format!("there is no server {name}").into()),
    }
    Ok(())
}

/// Asks so often without a socket, for a profiler.
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

/// An application that has a page of its own, too.
fn app(health: Router) -> Router {
    Router::new().route("/", get(async || "hello")).merge(health)
}

/// Checks that hold for a year and say about as much as checks do.
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

/// What our router answers.
#[derive(Clone)]
struct Fixed {
    headers: HeaderMap,
    bytes: Bytes,
}

impl Fixed {
    async fn of(mut router: Router) -> Result<Self> {
        let mut answer = None;
        // The first one runs the checks.
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
