//! Runs every kind of check under load for ten minutes. Measures whether the process leaks memory, files, threads or
//! tasks.
//!
//! `cargo bench -p healthcheck-benches --bench soak` runs this bench for 600 s. With the additional arguments `-- 60`
//! it runs for 60 s.
//!
//! A separate process runs `serve()`. Its checks pass, fail, are slow, panic or hang. Some of the checks are blocking.
//! A result stays fresh for 50 ms.
//!
//! 32 clients request every page in most of its formats over real sockets. 16 of the clients keep their connections,
//! and 8 clients connect again for each request. The last 8 clients disconnect if an answer takes longer than 20 ms.
//!
//! The first quarter of the time is a warm-up, because the allocator's memory grows by a tenth in the first minutes.
//!
//! The bench reads the state of the process after the warm-up, and again at the end. Before each reading, the bench
//! stops the load and waits for 15 s. Within these 15 s tokio stops its idle threads.
//!
//! At the end the process may not have more open files, threads or tasks than after the warm-up. Its resident memory
//! may be at most 10 % higher. At the end no run may be stuck.

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use healthcheck::{Check, HealthCheck, HealthCheckBuilder, Outcome};
use healthcheck_axum::Endpoints;
use healthcheck_benches::client::Client;
use healthcheck_benches::load::{self, Role, Server, tell};
use healthcheck_benches::process::{Held, held};
use healthcheck_benches::{Result, figure, samples};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const QUIET: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(5);
const PATHS: [&str; 12] = [
    "/healthcheck",
    "/healthcheck?format=text",
    "/healthcheck?format=html",
    "/healthcheck?format=prometheus",
    "/healthcheck?check=slow",
    "/healthcheck/hanging",
    "/healthcheck/history",
    "/healthcheck?format=nonsense",
    "/livez",
    "/readyz",
    "/startupz",
    "/environment",
];

fn main() -> Result {
    match load::role()? {
        Role::Server(..) => serve(),
        Role::Bench => measure(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn measure() -> Result {
    let seconds = env::args().skip(1).find_map(|argument| argument.parse().ok());
    let span = Duration::from_secs(seconds.unwrap_or(600));
    figure::heading("Everything at once, for long");
    let server = Server::anywhere("soak", 0)?;
    let tasks = server
        .second()
        .ok_or("the server didn't tell its second address")?;

    let mut load = Load::start(server.addr());
    sleep(span / 4).await;
    load.stop().await?;
    let before = State::of(&server, tasks).await?;
    before.note("quiet, after the warm-up");

    let mut load = Load::start(server.addr());
    for tenth in 1..=10 {
        sleep(span * 3 / 40).await;
        let now = State::of(&server, tasks).await?;
        now.note(&format!("under load, {tenth}/10, {} answers", load.answers()));
    }
    let answers = load.answers();
    load.stop().await?;
    let after = State::of(&server, tasks).await?;
    after.note("quiet, at the end");

    let files = after.held.files as f64 - before.held.files as f64;
    let threads = after.held.threads as f64 - before.held.threads as f64;
    figure::at_most("open files that are left over", files, 0.0, "");
    figure::at_most("threads that are left over", threads, 0.0, "");
    figure::at_most("tasks that are left over", after.tasks - before.tasks, 0.0, "");
    figure::at_most("runs that are stuck", after.stuck, 0.0, "");
    let memory = after.held.memory as f64 / before.held.memory as f64;
    figure::at_most("resident memory, of that after the warm-up", memory, 1.1, "×");
    figure::note(format_args!(
        "{answers} answers in {:.0} s",
        span.as_secs_f64() * 0.75
    ));
    Ok(())
}

/// The resources that the server uses at one moment.
struct State {
    held: Held,
    tasks: f64,
    stuck: f64,
}

impl State {
    async fn of(server: &Server, tasks: SocketAddr) -> Result<Self> {
        let held = held(server.id())?;
        // `Client` returns only the status code of an answer, not its body. The server has to answer with a number, and
        // encodes this number in the status code: `TOLD` plus the number.
        let mut client = Client::connect(tasks).await?;
        let alive = client.get("/tasks").await?;
        let stuck = client.get("/stuck").await?;
        let told = |status: u16| f64::from(status.saturating_sub(TOLD));
        Ok(Self {
            held,
            tasks: told(alive),
            stuck: told(stuck),
        })
    }

    fn note(&self, when: &str) {
        let Held {
            memory,
            threads,
            files,
            ..
        } = self.held;
        figure::note(format_args!(
            "{when}: {:.1} MB resident, {threads} threads, {files} files, {} tasks, {} stuck",
            memory as f64 / 1e6,
            self.tasks,
            self.stuck,
        ));
    }
}

/// The load on the server: the tasks of all clients, and the number of answers that the clients have received.
struct Load {
    clients: JoinSet<Result>,
    answers: Arc<AtomicU64>,
}

impl Load {
    fn start(addr: SocketAddr) -> Self {
        let mut clients = JoinSet::new();
        let answers = Arc::<AtomicU64>::default();
        for number in 0..32 {
            let answers = Arc::clone(&answers);
            clients.spawn(async move {
                match number {
                    0..16 => keeping(addr, number, &answers).await,
                    16..24 => connecting(addr, number, None, &answers).await,
                    _ => connecting(addr, number, Some(Duration::from_millis(20)), &answers).await,
                }
            });
        }
        Self { clients, answers }
    }

    fn answers(&self) -> u64 {
        self.answers.load(Relaxed)
    }

    /// Stops the clients. Waits for 15 s, so that the server becomes idle. Returns an error if a client ended before
    /// this call.
    async fn stop(&mut self) -> Result {
        if let Some(ended) = self.clients.try_join_next() {
            return Err(format!("a client ended early: {ended:?}").into());
        }
        self.clients.shutdown().await;
        sleep(QUIET).await;
        Ok(())
    }
}

async fn keeping(addr: SocketAddr, first: usize, answers: &AtomicU64) -> Result {
    let mut client = Client::connect(addr).await?;
    for path in PATHS.iter().cycle().skip(first) {
        client.get(path).await?;
        answers.fetch_add(1, Relaxed);
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn connecting(
    addr: SocketAddr,
    first: usize,
    patience: Option<Duration>,
    answers: &AtomicU64,
) -> Result {
    for path in PATHS.iter().cycle().skip(first) {
        let mut client = Client::connect(addr).await?;
        let patience = patience.unwrap_or(Duration::from_secs(3600));
        if let Ok(answer) = timeout(patience, client.get(path)).await {
            answer?;
            answers.fetch_add(1, Relaxed);
        }
        drop(client);
        sleep(PAUSE).await;
    }
    Ok(())
}

/// To send a number, the server adds this constant and uses the sum as the status code. HTTP defines no codes from 600
/// on.
const TOLD: u16 = 600;

fn status(number: usize) -> StatusCode {
    let number = u16::try_from(number).unwrap_or(u16::MAX).saturating_add(TOLD);
    StatusCode::from_u16(number).unwrap_or(StatusCode::from_u16(999).unwrap_or_default())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn serve() -> Result {
    std::panic::set_hook(Box::new(|_| {}));
    let (own, app) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    tell(format_args!("{} {}", own.local_addr()?, app.local_addr()?));
    let health = checks()?;
    let known = health.clone();
    let router = Router::new()
        .route(
            "/tasks",
            get(async || status(Handle::current().metrics().num_alive_tasks())),
        )
        .route("/stuck", get(async move || status(known.statistics().stuck_runs)));
    tokio::spawn(async move { drop(axum::serve(app, router).await) });
    Endpoints::new(health).serve_on(own).await?;
    Ok(())
}

#[allow(clippy::panic, reason = "checks that panic are what this is about")]
fn checks() -> Result<HealthCheck> {
    let millis = Duration::from_millis;
    let checks = [
        Check::new("passing", async || true)
            .liveness()
            .readiness()
            .startup(),
        Check::new("failing", async || Outcome::fail("it is down")).readiness(),
        Check::new("slow", || sleep(Duration::from_millis(120))),
        Check::new("panicking", async || -> bool { panic!("no luck") }),
        Check::new("hanging", std::future::pending::<bool>).timeout(millis(200)),
        Check::blocking("slow_blocking", || std::thread::sleep(Duration::from_millis(30))),
        Check::blocking("panicking_blocking", || -> bool { panic!("no luck") }),
        // Each run times out after 200 ms. It still occupies its thread until it has slept for 900 ms.
        Check::blocking("hanging_blocking", || {
            std::thread::sleep(Duration::from_millis(900));
        })
        .timeout(millis(200)),
    ];
    let background = Check::new("background", async || true)
        .interval(millis(250))
        .readiness();
    let checks = checks.map(|check| check.success_ttl(millis(50)).failed_ttl(millis(50)));
    let checks = checks.into_iter().chain([background]);
    Ok(checks
        .fold(samples::by_hand(), HealthCheckBuilder::check)
        .build()?)
}
