//! The service under test, which the tests start as a child process. The tests then stop the process, block its
//! runtime, or make it run out of file descriptors.
//!
//! The service prints "listening ADDRESS" at the start, and "served" after `serve` has returned without an error. It
//! reads one command from each line of its standard input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::fs::File;
use std::future::poll_fn;
use std::io::BufRead;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use healthcheck::{Check, HealthCheck, Outcome};
use healthcheck_axum::{Endpoints, ServeError, drain_on_signals};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::Notify;

const WORKERS: usize = 2;

/// State that the tests change with commands while the service runs. The checks read it.
#[derive(Default)]
struct Switches {
    broken: AtomicBool,
    warned: AtomicBool,
    starting: AtomicBool,
    gate: Notify,
}

fn main() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .unwrap();
    let result = runtime.block_on(runtime.spawn(serve())).unwrap();
    // Here `serve` has returned. The code below calls `exit`, which ends the process even if worker threads are
    // blocked.
    match result {
        Ok(()) => println!("served"),
        Err(error) => {
            eprintln!("Error: {error:?}");
            std::process::exit(1);
        }
    }
    std::process::exit(0);
}

async fn serve() -> Result<(), ServeError> {
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .map(|argument| {
            let (key, value) = argument.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        })
        .collect();
    let given = |key: &str| arguments.get(key).map(String::as_str);
    let milliseconds = |key: &str| given(key).map(|value| Duration::from_millis(value.parse().unwrap()));

    if let Some(addr) = given("probe") {
        let probed = healthcheck_axum::probe(addr, "/readyz").await;
        println!("{probed}");
        std::process::exit(probed.docker_code().into());
    }
    let switches = Arc::new(Switches::default());
    switches
        .broken
        .store(given("broken").is_some(), Ordering::Release);
    switches
        .starting
        .store(given("starting").is_some(), Ordering::Release);
    let health = health(&switches, given("gate"), given("ttl").is_some());
    let mut endpoints = Endpoints::new(health.clone());
    if let Some(delay) = milliseconds("delay") {
        endpoints = endpoints.shutdown_delay(delay);
    }
    if let Some(path) = given("termination_log") {
        endpoints = endpoints.termination_log(path);
    }
    if let Some(path) = given("maintenance_file") {
        endpoints = endpoints.maintenance_file(path);
    }
    if let Some(addr) = given("agent") {
        endpoints = endpoints.haproxy_agent(addr);
    }
    if given("no_runtime_check").is_some() {
        endpoints = endpoints.runtime_check(false);
    }
    if given("gate").is_some() {
        // Without a time budget, a request remains in flight as long as its check runs.
        endpoints = endpoints.answer_within(None);
    }
    if let Some(count) = given("files") {
        limit_files(count.parse().unwrap());
    }
    let until = given("until").map(|_| Arc::new(Notify::new()));
    obey(health.clone(), switches, until.clone());

    if given("router").is_some() {
        if let Some(delay) = milliseconds("delay") {
            health.set_shutdown_delay(delay);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let app: Router = Router::new()
            .route("/endless", axum::routing::get(std::future::pending::<()>))
            .merge(endpoints.router()?);
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move {
                let mut drained = pin!(drain_on_signals(health));
                // At its first poll, `drain_on_signals` installs the signal handlers. Before that, a signal would end
                // the process at once.
                assert!(
                    poll_fn(|cx| Poll::Ready(drained.as_mut().poll(cx)))
                        .await
                        .is_pending()
                );
                println!("listening {addr}");
                drained.await;
            })
            .await
            .unwrap();
        return Ok(());
    }

    if let Some(addr) = given("addr") {
        return endpoints.serve(addr).await;
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // This queue for new connections is as long as that of `serve`.
    let listener = socket.listen(4_096).unwrap();
    let addr = listener.local_addr().unwrap();
    match until {
        Some(until) => {
            // Dropping the listener frees the address, because `serve_until` has to bind the address itself.
            drop(listener);
            println!("listening {addr}");
            endpoints
                .serve_until(addr, async move { until.notified().await })
                .await
        }
        None => {
            println!("listening {addr}");
            endpoints.serve_on(listener).await
        }
    }
}

fn health(switches: &Arc<Switches>, gate_of: Option<&str>, default_ttls: bool) -> HealthCheck {
    let (breakable, starting, gate) = (Arc::clone(switches), Arc::clone(switches), Arc::clone(switches));
    let builder = HealthCheck::builder().discover(false);
    let builder = if default_ttls {
        builder
    } else {
        builder.failed_ttl(None).success_ttl(None)
    };
    let builder = builder
        .check(Check::new("breakable", move || {
            let broken = breakable.broken.load(Ordering::Acquire);
            let warned = breakable.warned.load(Ordering::Acquire);
            async move {
                if broken {
                    Outcome::fail("broken by hand")
                } else if warned {
                    Outcome::warn("slow by hand")
                } else {
                    Outcome::pass("fine")
                }
            }
        }))
        .check(
            Check::new("started", move || {
                let starting = starting.starting.load(Ordering::Acquire);
                async move { !starting }
            })
            .startup(),
        );
    let check = Check::new("gate", move || {
        let switches = Arc::clone(&gate);
        async move {
            println!("at the gate");
            switches.gate.notified().await;
        }
    });
    let builder = match gate_of {
        Some("startup") => builder.check(check.timeout(None).startup()),
        Some(_) => builder.check(check.timeout(None)),
        None => builder,
    };
    builder.build().unwrap()
}

/// Starts a thread that reads commands from the standard input and executes them.
fn obey(health: HealthCheck, switches: Arc<Switches>, until: Option<Arc<Notify>>) {
    let application = Handle::current();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for command in std::io::stdin().lock().lines().map_while(Result::ok) {
            match &*command {
                "block" => block(&application),
                "break" => switches.broken.store(true, Ordering::Release),
                "repair" => switches.broken.store(false, Ordering::Release),
                "warn" => switches.warned.store(true, Ordering::Release),
                "calm" => switches.warned.store(false, Ordering::Release),
                "maintenance" => health.begin_maintenance("disks are changed"),
                "end maintenance" => health.end_maintenance(),
                "start" => switches.starting.store(false, Ordering::Release),
                "open the gate" => switches.gate.notify_one(),
                "begin_shutdown" => health.begin_shutdown(),
                "stop" => until.as_ref().unwrap().notify_one(),
                "take all files" => held.extend(std::iter::from_fn(|| File::open("/dev/null").ok())),
                "give files back" => held.clear(),
                other => panic!("no such command: {other}"),
            }
            println!("done {command}");
        }
    });
}

/// Blocks all worker threads of the application's runtime forever.
fn block(application: &Handle) {
    let (began, begun) = std::sync::mpsc::channel();
    for _ in 0..WORKERS {
        let began = began.clone();
        application.spawn(async move {
            began.send(()).unwrap();
            loop {
                std::thread::park();
            }
        });
    }
    for _ in 0..WORKERS {
        begun.recv().unwrap();
    }
}

#[cfg(unix)]
fn limit_files(count: u64) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit {
        current: Some(count),
        maximum: Some(count),
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[cfg(not(unix))]
fn limit_files(_count: u64) {}
