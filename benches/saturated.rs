//! Measures how long a liveness probe takes while all threads of the application's runtime are busy. `serve()` answers
//! the probe on its own thread.
//!
//! `cargo bench -p healthcheck-benches --bench saturated` runs this bench.
//!
//! A separate process runs the server. To saturate the application's runtime, the server spawns two tasks for each
//! worker of this runtime. These tasks compute without end, and yield every 5 ms.
//!
//! The client sends `GET /livez` every 5 ms over one connection. In each of 5 rounds, it sends 400 requests while the
//! application's runtime is idle, and 400 requests while the runtime is saturated. The saturated p99 may be at most ten
//! times the idle p99, and at most 10 ms.
//!
//! For comparison, the bench prints the response times of a page that the application serves on its own runtime.
//!
//! The saturated p99 depends mainly on the kernel's scheduler. The computing threads occupy all cores, and the thread
//! that answers the probe has to wait for a core.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use healthcheck::{Check, HealthCheck};
use healthcheck_axum::Endpoints;
use healthcheck_benches::client::Client;
use healthcheck_benches::load::{self, Role, Server, percentile, tell};
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::{Result, figure, samples};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

const TURN: Duration = Duration::from_millis(5);
const REQUESTS: usize = 400;
const ROUNDS: usize = 5;

fn main() -> Result {
    match load::role()? {
        Role::Server(..) => serve(),
        Role::Bench => measure(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn measure() -> Result {
    figure::heading("Liveness of a saturated application");
    let server = Server::anywhere("saturated", 0)?;
    let own = server.addr();
    // The server process has two addresses. The first address is for the health endpoints, and the second is for the
    // application itself.
    let app = server
        .second()
        .ok_or("the server didn't tell its second address")?;
    let mut switch = Client::connect(app).await?;
    let (mut p99, mut p50, mut pages) = (Pairs::default(), Pairs::default(), Pairs::default());
    for _ in 0..ROUNDS {
        let mut idle = times(own, "/livez", REQUESTS).await?;
        let mut idle_page = times(app, "/page", REQUESTS / 10).await?;
        switch.get("/on").await?;
        let mut busy = times(own, "/livez", REQUESTS).await?;
        let mut busy_page = times(app, "/page", REQUESTS / 10).await?;
        switch.get("/off").await?;
        p99.push(percentile(&mut busy, 99), percentile(&mut idle, 99));
        p50.push(percentile(&mut busy, 50), percentile(&mut idle, 50));
        pages.push(percentile(&mut busy_page, 50), percentile(&mut idle_page, 50));
    }
    figure::at_most("p99 of /livez, saturated, of idle", p99.ratio(), 10.0, "×");
    figure::at_most("p99 of /livez, saturated", p99.ours(), 10.0, "ms");
    figure::note(format_args!(
        "p99 {:.2} ms against {:.2} idle; p50 {:.2} against {:.2}; the application's own page: {:.2} against {:.2}",
        p99.ours(),
        p99.theirs(),
        p50.ours(),
        p50.theirs(),
        pages.ours(),
        pages.theirs(),
    ));
    Ok(())
}

async fn times(addr: SocketAddr, path: &str, requests: usize) -> Result<Vec<Duration>> {
    let mut client = Client::connect(addr).await?;
    let mut pace = interval(TURN);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        pace.tick().await;
        let asked = Instant::now();
        let status = client.get(path).await?;
        if status != 200 {
            return Err(format!("{path} was answered {status}").into());
        }
        times.push(asked.elapsed());
    }
    Ok(times)
}

/// Serves the application on one port. Serves its health endpoints on another port, from their own thread.
#[tokio::main]
async fn serve() -> Result {
    let (own, app) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    tell(format_args!("{} {}", own.local_addr()?, app.local_addr()?));
    let check = Check::new("state", async || true).liveness();
    let health: HealthCheck = samples::by_hand().check(check).build()?;
    let is_on = Arc::new(AtomicBool::new(false));
    let turn = |on: bool| {
        async move |State(is_on): State<Arc<AtomicBool>>| {
            if !is_on.swap(on, Relaxed) && on {
                saturate(&is_on);
            }
        }
    };
    let router = Router::new()
        .route("/page", get(async || "a page of the application"))
        .route("/on", get(turn(true)))
        .route("/off", get(turn(false)))
        .with_state(is_on);
    tokio::spawn(async move { drop(axum::serve(app, router).await) });
    Endpoints::new(health).serve_on(own).await?;
    Ok(())
}

fn saturate(is_on: &Arc<AtomicBool>) {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for _ in 0..2 * workers {
        let is_on = Arc::clone(is_on);
        tokio::spawn(async move {
            while is_on.load(Relaxed) {
                let began = Instant::now();
                while began.elapsed() < TURN {
                    black_box(began);
                }
                tokio::task::yield_now().await;
            }
        });
    }
}
