//! The program of each process in the fleet. It serves an application on one port, and the application's health on
//! another port.
//!
//! It has a check for the shared dependency, and a check for the process's own disk.
//!
//! The program prints "listening" once both ports are open. It executes the commands that it reads from its standard
//! input: "fill the disk" and "block".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use healthcheck::{Check, HealthCheck};
use healthcheck_axum::Endpoints;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

const WORKERS: usize = 2;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn(run())).unwrap();
    // `exit` doesn't wait for worker threads that the test has blocked, so the process can end.
    std::process::exit(0);
}

/// Connects to the shared dependency and reads a byte. While the dependency is down, the dependency sends no byte, and
/// this function returns an error.
async fn greeted(by: String) -> io::Result<()> {
    TcpStream::connect(by).await?.read_u8().await.map(drop)
}

async fn run() {
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .map(|argument| {
            let (key, value) = argument.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        })
        .collect();
    let milliseconds = |key: &str| {
        let given = arguments.get(key)?;
        Some(Duration::from_millis(given.parse().unwrap()))
    };

    let database = Check::with("database", arguments["dependency"].clone(), greeted)
        .timeout(Duration::from_secs(1))
        .owner("orders")
        .external();
    let database = match &*arguments["database"] {
        "external" => database,
        "critical" => database.critical(true),
        other => panic!("{other}"),
    };
    let database = match milliseconds("fail_after") {
        Some(after) => database.fail_after(after),
        None => database,
    };
    let is_full = Arc::new(AtomicBool::new(false));
    let disk = Check::with("disk", Arc::clone(&is_full), |is_full| async move {
        !is_full.load(Ordering::SeqCst)
    });
    let health = HealthCheck::builder()
        .discover(false)
        .check(database)
        .check(disk.timeout(Duration::from_secs(1)))
        .build()
        .unwrap();
    if let Some(delay) = milliseconds("delay") {
        health.set_shutdown_delay(delay);
    }
    obey(is_full);

    let application = TcpListener::bind(&arguments["application"]).await.unwrap();
    let own = TcpListener::bind(&arguments["health"]).await.unwrap();
    println!("listening");
    let routes = Router::new().route("/", get(async || "done"));
    let application = tokio::spawn({
        let drained = health.drained();
        async move {
            axum::serve(application, routes)
                .with_graceful_shutdown(drained)
                .await
        }
    });
    Endpoints::new(health).serve_on(own).await.unwrap();
    application.await.unwrap().unwrap();
}

/// Starts a thread that reads commands from the standard input and executes them.
fn obey(is_full: Arc<AtomicBool>) {
    let runtime = Handle::current();
    std::thread::spawn(move || {
        for command in io::stdin().lines().map_while(Result::ok) {
            match &*command {
                "fill the disk" => is_full.store(true, Ordering::SeqCst),
                "block" => {
                    for _ in 0..WORKERS {
                        runtime.spawn(async { std::thread::sleep(Duration::from_secs(600)) });
                    }
                }
                other => panic!("{other}"),
            }
            println!("done {command}");
        }
    });
}
