//! Sends many requests at the same time, and then requests from clients that give up early. Each measurement asserts
//! that all its requests together cause only one run of each check.
//!
//! `cargo bench -p healthcheck-benches --bench herd` runs this bench.
//!
//! The bench makes these measurements:
//! - In one process, 10,000 tasks send a request to the router at the same time. There are three checks of 100 ms each,
//!   without cached results. Each check may run only once. The last answer has to come within 200 ms.
//! - 10,000 clients send the same request over sockets. All clients connect before the first of them sends its request.
//!   For comparison, the bench sends the same number of requests to a handler that only sleeps for 100 ms. The
//!   library's last answer may come at most 100 ms later than the handler's last answer. Each connection needs two open
//!   files. If the limit of open files is low, the bench uses fewer clients.
//! - 20 clients, one after another, request a check that takes 100 ms. Each client waits at most 30 ms for the answer,
//!   and then disconnects. The first clients disconnect before the check ends, but the check has to run to its end, and
//!   only once. Later clients get its result.
//!
//! The bench repeats each measurement five times. It prints the median of the measured times, and the highest number of
//! runs of a single check.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use healthcheck::{Check, HealthCheckBuilder};
use healthcheck_axum::Endpoints;
use healthcheck_benches::client::Client;
use healthcheck_benches::pairs::{Pairs, median};
use healthcheck_benches::{Result, figure, samples};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;

const RUN: Duration = Duration::from_millis(100);
const REQUESTS: usize = 10_000;
const TIMES: usize = 5;
const PATH: &str = "/healthcheck";

#[tokio::main]
async fn main() -> Result {
    figure::heading("A herd on a cold cache");
    let (mut times, mut most) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let subject = Subject::new(3)?;
        times.push(in_process(&subject, REQUESTS).await?);
        most = most.max(subject.runs_of_busiest());
    }
    tell(REQUESTS, "requests in process", times, most);

    sockets().await?;
    impatient().await
}

async fn sockets() -> Result {
    let clients = REQUESTS.min(free_files().saturating_sub(200) / 2);
    let (mut times, mut most) = (Pairs::default(), 0);
    for _ in 0..TIMES {
        let subject = Subject::new(3)?;
        let ours = over_sockets(&subject.router, clients).await?;
        let sleeping = Router::new().route(PATH, get(|| sleep(RUN)));
        times.push(ours, over_sockets(&sleeping, clients).await?);
        most = most.max(subject.runs_of_busiest());
    }
    figure::at_most(
        &format!("{clients} requests over sockets: runs of a check"),
        most as f64,
        1.0,
        "",
    );
    let what = format!("{clients} requests over sockets: the last answer, over a handler's");
    figure::at_most(&what, times.difference(), 100.0, "ms");
    figure::note(format_args!(
        "{:.0} ms against {:.0} ms",
        times.ours(),
        times.theirs()
    ));
    Ok(())
}

fn tell(requests: usize, how: &str, times: Vec<f64>, runs: usize) {
    figure::at_most(
        &format!("{requests} {how}: runs of a check"),
        runs as f64,
        1.0,
        "",
    );
    let limit = RUN.as_secs_f64() * 1e3 + 100.0;
    figure::at_most(
        &format!("{requests} {how}: the last answer"),
        median(times),
        limit,
        "ms",
    );
}

/// An application under test. Each of its checks takes 100 ms, and counts how many of its runs have begun and ended.
struct Subject {
    router: Router,
    begun: Vec<Arc<AtomicUsize>>,
    ended: Vec<Arc<AtomicUsize>>,
}

impl Subject {
    fn new(checks: usize) -> Result<Self> {
        let counters = || {
            (0..checks)
                .map(|_| Arc::<AtomicUsize>::default())
                .collect::<Vec<_>>()
        };
        let (begun, ended) = (counters(), counters());
        let made = begun
            .iter()
            .zip(&ended)
            .enumerate()
            .map(|(number, (begun, ended))| {
                let (begun, ended) = (Arc::clone(begun), Arc::clone(ended));
                Check::new(format!("check_{number}"), move || {
                    let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
                    async move {
                        begun.fetch_add(1, Relaxed);
                        sleep(RUN).await;
                        ended.fetch_add(1, Relaxed);
                    }
                })
            });
        let health = made.fold(samples::by_hand(), HealthCheckBuilder::check).build()?;
        let router = Endpoints::new(health).router()?;
        Ok(Self { router, begun, ended })
    }

    fn runs_of_busiest(&self) -> usize {
        self.begun
            .iter()
            .map(|count| count.load(Relaxed))
            .max()
            .unwrap_or_default()
    }
}

/// Sends as many requests as `requests` says through the router, all at the same time. Returns the milliseconds until
/// the last answer.
async fn in_process(subject: &Subject, requests: usize) -> Result<f64> {
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for _ in 0..requests {
        let mut router = subject.router.clone();
        tasks.spawn(async move {
            let request = Request::get(PATH).body(Body::empty())?;
            Result::Ok(router.call(request).await?.status().as_u16())
        });
    }
    all_are_200(tasks).await?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

async fn over_sockets(router: &Router, clients: usize) -> Result<f64> {
    let (addr, server) = listen(router).await?;
    let mut connected = Vec::with_capacity(clients);
    for _ in 0..clients {
        connected.push(Client::connect(addr).await?);
    }
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for mut client in connected {
        tasks.spawn(async move { client.get(PATH).await });
    }
    all_are_200(tasks).await?;
    let took = began.elapsed();
    server.abort();
    Ok(took.as_secs_f64() * 1e3)
}

async fn listen(router: &Router) -> Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let router = router.clone();
    let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    Ok((addr, server))
}

async fn all_are_200(mut tasks: JoinSet<Result<u16>>) -> Result {
    while let Some(ended) = tasks.join_next().await {
        let status = ended??;
        if status != 200 {
            return Err(format!("an answer was {status}").into());
        }
    }
    Ok(())
}

/// Measures how many times a check runs if the clients disconnect long before the run ends.
async fn impatient() -> Result {
    let (mut begun, mut ended, mut answered) = (0, usize::MAX, usize::MAX);
    for _ in 0..TIMES {
        let subject = Subject::new(1)?;
        let (addr, server) = listen(&subject.router).await?;
        let mut answers = 0;
        for _ in 0..20 {
            // The loop drops the client at the end of each round. This closes the connection, as a real client does
            // when it gives up.
            let mut client = Client::connect(addr).await?;
            if let Ok(status) = timeout(Duration::from_millis(30), client.get(PATH)).await {
                status?;
                answers += 1;
            }
        }
        server.abort();
        begun = begun.max(subject.runs_of_busiest());
        ended = ended.min(subject.ended.iter().map(|count| count.load(Relaxed)).sum());
        answered = answered.min(answers);
    }
    figure::at_most(
        "20 clients who leave after 30 ms: runs begun",
        begun as f64,
        1.0,
        "",
    );
    figure::at_least(
        "20 clients who leave after 30 ms: runs finished",
        ended as f64,
        1.0,
        "",
    );
    figure::note(format_args!("{answered} of the 20 got the answer"));
    Ok(())
}

/// Returns the maximum number of files that this process may open.
fn free_files() -> usize {
    let text = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|number| number.parse().ok()).unwrap_or(1_024)
}
