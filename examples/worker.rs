//! Runs workers that take messages from a queue only while the database is up.
//!
//! At the start, `until` waits until the database is up. Before each message, a worker waits at a gate, which is open
//! only while the check of the database passes.
//!
//! Any program that listens on 127.0.0.1:5432 can play the database, such as `nc -lk 5432`. While you stop this
//! program, the workers pause.
//!
//! `cargo run --example worker` runs this example. The first argument is the address, by default 127.0.0.1:8080. The
//! second argument is the address of the database, by default 127.0.0.1:5432.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use healthcheck::{Gate, HealthCheck, Selection, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// The address of the database server.
#[derive(Clone)]
struct Database(Arc<str>);

impl Database {
    async fn connect(&self) -> io::Result<()> {
        TcpStream::connect(&*self.0).await.map(drop)
    }
}

/// The database accepts connections.
#[health_check(external, interval = "1s", timeout = "500ms")]
async fn database(database: &Database) -> io::Result<()> {
    database.connect().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let database = arguments.next().unwrap_or_else(|| "127.0.0.1:5432".to_owned());
    let database = Database(database.into());
    let health = HealthCheck::builder().provide(database.clone()).build()?;

    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    tokio::spawn(work(health.clone(), database));
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}

/// Waits until the database is up, and then starts four workers.
async fn work(health: HealthCheck, database: Database) {
    let needed = Selection::checks(["database"]);
    while let Err(missing) = health.until(&needed, Duration::from_secs(10)).await {
        println!("still waiting: {missing}");
    }
    let gate = match health.gate(["database"]) {
        Ok(gate) => gate,
        Err(error) => return eprintln!("{error}"),
    };
    let queue = Queue::default();
    for _ in 0..4 {
        tokio::spawn(worker(
            gate.clone(),
            health.clone(),
            database.clone(),
            queue.clone(),
        ));
    }
}

async fn worker(gate: Gate, health: HealthCheck, database: Database, queue: Queue) {
    let needed = Selection::checks(["database"]);
    loop {
        gate.open().await;
        let message = queue.take();
        match database.connect().await {
            Ok(()) => println!("message {message} done"),
            Err(error) => {
                println!("message {message} failed: {error}");
                queue.put_back(message);
                // The connection failed, but the check's cached result may still say that the database is up. After
                // `expire`, the gate waits for a new run of the check.
                let _ = health.expire(&needed);
            }
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// A queue that never runs out of messages. It replaces a real message broker.
#[derive(Clone, Default)]
struct Queue(Arc<Mutex<(u64, VecDeque<u64>)>>);

impl Queue {
    fn take(&self) -> u64 {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(message) = queue.1.pop_front() {
            return message;
        }
        queue.0 += 1;
        queue.0
    }

    fn put_back(&self, message: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .push_back(message);
    }
}
