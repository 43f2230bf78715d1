//! What a cached answer costs, beside servers that do nothing but send the same bytes.
//!
//! `cargo bench -p healthcheck-benches --bench cached` (three minutes)
//!
//! - `router()` in an axum application against an axum handler with the same headers and body: 3 checks (about 600
//!   bytes), and 1,000 (about 200 KB).
//! - `serve()`, whose thread is its own, against hyper with the same headers and body and nothing else.
//!
//! Each server is a process on the first core; 64 kept connections ask from the last one (`src/load.rs`). The two of a
//! comparison take turns, 9 pairs of 2 s each. Told are the medians of the pairs' ratios: of the requests a second, of
//! the 99th percentile, and of the server's processor time a request, which stays the same where others use the machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use axum::routing::get;
use axum::{Router, extract};
use healthcheck::{Check, HealthCheck, HealthCheckBuilder, Outcome};
use healthcheck_axum::Endpoints;
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::served::{self, Served};
use healthcheck_benches::{Result, figure, load, samples};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower_service::Service;

const PATH: &str = "/healthcheck";
const ROUNDS: usize = 9;
const LASTS: Duration = Duration::from_secs(2);

fn main() -> Result {
    if let Some(name) = served::wanted() {
        return serve(&name);
    }
    figure::heading("A cached answer");
    figure::note(format_args!(
        "{} connections of {}, {ROUNDS} pairs of {LASTS:?}",
        load::CONNECTIONS,
        load::name()
    ));
    compare(
        "router(), 3 checks, of an axum handler",
        "router 3",
        "handler 3",
        0.97,
    )?;
    compare(
        "router(), 1,000 checks, of an axum handler",
        "router 1000",
        "handler 1000",
        0.95,
    )?;
    compare("serve(), 3 checks, of bare hyper", "serve 3", "hyper 3", 0.90)
}

fn compare(what: &str, ours: &str, theirs: &str, least: f64) -> Result {
    let (ours, theirs) = (Served::start(ours)?, Served::start(theirs)?);
    let (mut rate, mut p99, mut cpu) = (Pairs::default(), Pairs::default(), Pairs::default());
    for round in 0..=ROUNDS {
        let turns = if round % 2 == 0 {
            let ours = measured(&ours)?;
            (ours, measured(&theirs)?)
        } else {
            let theirs = measured(&theirs)?;
            (measured(&ours)?, theirs)
        };
        if round > 0 {
            let ([our_rate, our_p99, our_cpu], [their_rate, their_p99, their_cpu]) = turns;
            rate.push(our_rate, their_rate);
            p99.push(our_p99, their_p99);
            cpu.push(our_cpu, their_cpu);
        }
    }
    figure::at_least(what, rate.ratio(), least, "×");
    figure::at_most("  its 99th percentile", p99.ratio(), 1.1, "×");
    figure::note(format_args!(
        "{:.0} against {:.0} requests a second; p99 {:.0} against {:.0} µs; processor time a request {:.2} against \
         {:.2} µs, {:.3} ×",
        rate.ours(),
        rate.theirs(),
        p99.ours() * 1e6,
        p99.theirs() * 1e6,
        cpu.ours() * 1e6,
        cpu.theirs() * 1e6,
        cpu.ratio()
    ));
    Ok(())
}

/// Requests a second, the 99th percentile, and the server's processor time a request.
fn measured(server: &Served) -> Result<[f64; 3]> {
    let before = server.cpu()?;
    let load = load::run(server.address, PATH, LASTS)?;
    let cpu = server.cpu()? - before;
    Ok([
        load.rate,
        load.p99.as_secs_f64(),
        cpu.as_secs_f64() / load.requests,
    ])
}

/// Is the server of that name, until it is ended.
fn serve(name: &str) -> Result {
    let (kind, checks) = name.split_once(' ').ok_or("a server is a kind and a number")?;
    let health = health(checks.parse()?)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let (headers, body) = sent(&health).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        served::listens(listener.local_addr()?);
        match kind {
            "router" => {
                let router: Router = Endpoints::new(health).router()?;
                app(listener, router).await
            }
            "handler" => {
                let handler = get(async move || (headers.clone(), body.clone()));
                app(listener, Router::new().route(PATH, handler)).await
            }
            "serve" => Ok(Endpoints::new(health).serve_on(listener).await?),
            "hyper" => bare_hyper(listener, &headers, &body).await,
            kind => Err(format!("there is no server {kind}").into()),
        }
    })
}

/// Checks that pass, with outputs as they are common.
fn health(checks: usize) -> Result<HealthCheck> {
    let numbered = (0..checks).map(|number| {
        Check::new(format!("dependency_{number:04}"), async || {
            Outcome::pass("connected, 14 of 20 connections in use")
        })
    });
    Ok(numbered
        .fold(samples::by_hand(), HealthCheckBuilder::check)
        .success_ttl(Duration::from_secs(3_600))
        .build()?)
}

/// What the library sends: the headers that a handler has to set, and the body.
async fn sent(health: &HealthCheck) -> Result<([(header::HeaderName, HeaderValue); 3], Bytes)> {
    let mut router: Router = Endpoints::new(health.clone()).router()?;
    let mut request = Request::get(PATH).body(axum::body::Body::empty())?;
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    request.extensions_mut().insert(extract::ConnectInfo(peer));
    let (head, body) = router.call(request).await?.into_parts();
    let headers: &HeaderMap = &head.headers;
    let header = |name: header::HeaderName| {
        let value = headers.get(&name).cloned();
        Ok::<_, String>((name, value.ok_or("a header is missing")?))
    };
    let headers = [
        header(header::CONTENT_TYPE)?,
        header(header::CACHE_CONTROL)?,
        header(header::X_CONTENT_TYPE_OPTIONS)?,
    ];
    Ok((headers, body.collect().await?.to_bytes()))
}

async fn app(listener: TcpListener, router: Router) -> Result {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}

async fn bare_hyper(
    listener: TcpListener,
    headers: &[(header::HeaderName, HeaderValue); 3],
    body: &Bytes,
) -> Result {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (headers, body) = (headers.clone(), body.clone());
        let answer = service_fn(move |_: Request<Incoming>| {
            let mut response = hyper::Response::new(Full::new(body.clone()));
            response.headers_mut().extend(headers.clone());
            async { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(connection);
    }
}
