//! Whether anything grows: a service with checks that pass, fail, are slow, panic and hang, asked in every way for ten
//! minutes.
//!
//! `cargo bench -p healthcheck-benches --bench soak` (ten minutes; `-- 60` for so many seconds)
//!
//! The service is a process of its own, this program started again, so that what it holds is its alone. Its results
//! are kept for 20 ms only, so that nearly every request runs something. Eight clients ask over real sockets: on
//! connections that are kept and on new ones, for every form, for pages that don't exist; some leave before the answer,
//! and some send what is no HTTP. Each second what the process holds is read from `/proc`, and its runs and tasks from
//! a section of its own report. Compared are the medians of the second and of the last tenth of the time; at last, once
//! the clients have left, what is held with what was held before they came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, Outcome, Report};
use healthcheck_axum::Endpoints;
use healthcheck_benches::pairs::median;
use healthcheck_benches::process::{self, Held};
use healthcheck_benches::{Result, figure, samples};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

const LASTS: Duration = Duration::from_secs(600);
const CLIENTS: usize = 8;
const LIMIT: Duration = Duration::from_millis(100);
/// What a client waits at the most.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "server") {
        return serve();
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok());
    soak(seconds.map_or(LASTS, Duration::from_secs))
}

fn soak(lasts: Duration) -> Result {
    figure::heading("Ten minutes of everything");
    let service = Service::start()?;
    thread::sleep(Duration::from_secs(2));
    let before = service.sample()?;

    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (over, asked, address) = (Arc::clone(&over), Arc::clone(&asked), service.address);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    for request in 0..50 {
                        // A client that was refused comes again, as they do.
                        let _ = ask(address, number + request);
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let began = Instant::now();
    let mut seen = Vec::new();
    while began.elapsed() < lasts {
        thread::sleep(Duration::from_secs(1));
        seen.push(service.sample()?);
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().map_err(|_| "a client panicked")?;
    }
    // Connections that were left open end by their time limits.
    thread::sleep(Duration::from_secs(35));
    let after = service.sample()?;

    let tenth = (seen.len() / 10).max(1);
    let early = seen.get(tenth..2 * tenth).unwrap_or_default();
    let late = seen.get(seen.len() - tenth..).unwrap_or_default();
    figure::note(format_args!(
        "{} requests in {lasts:?}, {} runs, {} of them panicked or hung",
        asked.load(Ordering::Relaxed),
        after.runs,
        after.broken
    ));
    for (what, of) in FIELDS {
        let held = |samples: &[Sample]| median(samples.iter().map(of).collect());
        let (early, late) = (held(early), held(late));
        figure::at_most(&format!("{what}, late of early"), late / early, 1.1, "×");
        figure::note(format_args!(
            "{:.0} before, {early:.0} early, {late:.0} late, {:.0} after",
            of(&before),
            of(&after)
        ));
    }
    figure::at_most("files left open", of_files(&after) - of_files(&before), 0.0, "");
    figure::at_most("tasks left", after.tasks - before.tasks, 0.0, "");
    Ok(())
}

/// What the service holds at a moment.
#[derive(Clone, Copy, Default)]
struct Sample {
    held: Held,
    tasks: f64,
    runs: u64,
    broken: u64,
}

type Field = fn(&Sample) -> f64;

const FIELDS: [(&str, Field); 4] = [
    ("memory, KiB", |sample| (sample.held.memory / 1024) as f64),
    ("threads", |sample| sample.held.threads as f64),
    ("open files", of_files),
    ("tasks", |sample| sample.tasks),
];

const fn of_files(sample: &Sample) -> f64 {
    sample.held.files as f64
}

struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("server")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("the service has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { process, address })
    }

    /// What it holds, the socket of this very look included each time.
    fn sample(&self) -> Result<Sample> {
        let body = get(self.address, "/healthcheck?check=passes")?;
        let report: Report = serde_json::from_str(&body)?;
        let numbers = report.sections.get("numbers").unwrap_or(&Value::Null);
        let number = |name: &str| numbers.get(name).and_then(Value::as_u64).unwrap_or_default();
        Ok(Sample {
            held: process::held(self.process.id())?,
            tasks: number("tasks") as f64,
            runs: number("runs"),
            broken: number("broken"),
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn connected(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The body of one page, over a connection of its own.
fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = connected(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("an answer without an end of its head")?;
    Ok(body.to_owned())
}

/// One client's visit; each number another kind.
fn ask(address: SocketAddr, number: usize) -> Result {
    const PATHS: [&str; 9] = [
        "/healthcheck",
        "/livez",
        "/readyz",
        "/startupz",
        "/healthcheck?format=openmetrics",
        "/healthcheck?format=html",
        "/healthcheck/history",
        "/environment",
        "/healthcheck/unknown?tag=none",
    ];
    let path = PATHS.get(number % PATHS.len()).copied().unwrap_or_default();
    match number % 7 {
        // Leaves before the answer.
        0 => {
            let mut stream = connected(address)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        }
        // Isn't HTTP.
        1 => {
            let mut stream = connected(address)?;
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 GET\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
        }
        // Asks on one connection again and again.
        2 => {
            let mut stream = connected(address)?;
            for _ in 0..5 {
                write!(stream, "HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
                let mut head = [0; 4096];
                if stream.read(&mut head)? == 0 {
                    break;
                }
            }
        }
        _ => drop(get(address, path)?),
    }
    Ok(())
}

/// Is the service, until it is ended.
#[allow(clippy::print_stdout)]
fn serve() -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // The library hides a panic's secrets and prints it: a million times, here.
        std::panic::set_hook(Box::new(|_| {}));
        let health = checks()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        Ok(Endpoints::new(health).serve_on(listener).await?)
    })
}

fn checks() -> Result<HealthCheck> {
    let (runs, broken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let count = |counter: &Arc<AtomicU64>| {
        let counter = Arc::clone(counter);
        move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (passes, fails, slow) = (count(&runs), count(&runs), count(&runs));
    let (panics, hangs, blocks) = (count(&broken), count(&broken), count(&broken));
    let behind = count(&runs);
    let home = Handle::current();
    let numbers = move || {
        json!({
            "tasks": home.metrics().num_alive_tasks(),
            "runs": runs.load(Ordering::Relaxed),
            "broken": broken.load(Ordering::Relaxed),
        })
    };
    let kept = Duration::from_millis(20);
    let builder = samples::by_hand()
        .success_ttl(kept)
        .failed_ttl(kept)
        .timeout(LIMIT)
        .section_fn("numbers", numbers)
        .check(Check::new("passes", move || {
            passes();
            async { Outcome::pass(json!({ "queue": [1, 2, 3] })) }
        }))
        .check(Check::new("fails", move || {
            fails();
            async { Err::<(), _>("connection refused: postgres://app:hunter2@db/orders") }
        }))
        .check(Check::new("slow", move || {
            slow();
            tokio::time::sleep(LIMIT / 3)
        }))
        .check(Check::new("panics", move || {
            panics();
            async { assert!(std::hint::black_box(false), "on purpose") }
        }))
        .check(Check::new("hangs", move || {
            hangs();
            std::future::pending::<()>()
        }))
        .check(Check::blocking("blocks", move || {
            blocks();
            thread::sleep(LIMIT * 3);
        }))
        .check(
            Check::new("behind", move || {
                behind();
                async { true }
            })
            .interval(LIMIT)
            .depends_on(["passes"]),
        );
    Ok(builder.build()?)
}
